//! What a user may do, and what a copy needs.

use super::dialect::Product;
use super::quote;
use super::session::{Login, Mode, Session};
use crate::databases::{DatabaseAddress, MissingRight, Survey};
use crate::{Result, Secret};

/// The rights that a user needs to make a copy of what was surveyed at an address, and does not have.
pub(crate) async fn missing(
    survey: &Survey,
    address: &DatabaseAddress,
    secret: &Secret,
) -> Result<Vec<MissingRight>> {
    let (login, name) = Login::new(address, secret)?;
    let mut session = login.open("", Mode::Write).await?;
    let product = Product::of(&mut session).await?;
    let user = session.text("SELECT CURRENT_USER()").await?;
    let grants = grants(&mut session).await?;
    session.close().await;
    let mut needed = vec!["CREATE", "DROP", "ALTER", "INDEX", "SELECT", "INSERT", "UPDATE", "DELETE"];
    if survey.tables.iter().any(|table| table.engine.eq_ignore_ascii_case("innodb")) && !product.mariadb {
        needed.push("REFERENCES");
    }
    let more = [
        (!survey.views.is_empty(), &["CREATE VIEW", "SHOW VIEW"][..]),
        (!survey.triggers.is_empty(), &["TRIGGER"]),
        (!survey.routines.is_empty(), &["CREATE ROUTINE", "ALTER ROUTINE"]),
        (!survey.events.is_empty(), &["EVENT"]),
    ];
    needed.extend(
        more.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, rights)| rights.iter().copied()),
    );
    let lacking: Vec<&str> =
        needed.into_iter().filter(|right| !grants.iter().any(|grant| grant.gives(right, &name))).collect();
    let account = user
        .rsplit_once('@')
        .map_or(user.clone(), |(name, host)| format!("{}@{}", quote::text(name), quote::text(host)));
    Ok(lacking
        .iter()
        .map(|right| MissingRight {
            right: (*right).to_owned(),
            database: name.clone(),
            grant: format!("GRANT {right} ON {}.* TO {account};", quote::name(&name.replace('_', "\\_"))),
        })
        .collect())
}

/// A line of what a user was granted.
#[derive(Debug, PartialEq, Eq)]
struct Grant {
    rights: Vec<String>,
    /// The pattern of database names, `*` for all.
    on: String,
}

async fn grants(session: &mut Session) -> Result<Vec<Grant>> {
    Ok(session.rows("SHOW GRANTS").await?.iter().filter_map(|row| Grant::read(&row.text(0))).collect())
}

impl Grant {
    fn read(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("GRANT ")?;
        let (rights, rest) = rest.split_once(" ON ")?;
        let (on, _) = rest.split_once(" TO ")?;
        let on = on.strip_suffix(".*")?;
        let on = on.trim_matches('`').replace("``", "`");
        // Rights on single columns, as `SELECT (a, b)`, are no rights on a database.
        let rights = rights
            .split(',')
            .map(|right| right.trim().to_ascii_uppercase())
            .filter(|right| !right.contains('('))
            .collect();
        Some(Self { rights, on })
    }

    fn gives(&self, right: &str, database: &str) -> bool {
        (self.on == "*" || like(&self.on, database))
            && self.rights.iter().any(|given| given == right || given == "ALL PRIVILEGES" || given == "ALL")
    }
}

/// Whether a name fits a pattern with `%`, `_` and `\`.
fn like(pattern: &str, name: &str) -> bool {
    fn fits(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['%', rest @ ..] => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
            ['_', rest @ ..] => !name.is_empty() && fits(rest, &name[1..]),
            ['\\', sign, rest @ ..] | [sign, rest @ ..] => {
                name.first() == Some(sign) && fits(rest, &name[1..])
            }
        }
    }
    fits(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_holds_for_the_databases_that_its_pattern_fits() {
        let grant =
            Grant::read("GRANT SELECT, INSERT (a), CREATE VIEW ON `shop\\_%`.* TO `wp`@`localhost`").unwrap();
        assert!(grant.gives("SELECT", "shop_copy") && grant.gives("CREATE VIEW", "shop_"));
        assert!(!grant.gives("SELECT", "shopxcopy"));
        assert!(!grant.gives("INSERT", "shop_copy"));
        assert!(
            Grant::read("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION")
                .unwrap()
                .gives("EVENT", "x")
        );
        assert_eq!(Grant::read("GRANT `role` TO `wp`@`localhost`"), None);
    }
}
