//! What a database holds beside tables: views, routines, triggers and events.

use super::account;
use super::aside::in_mode;
use super::dialect;
use super::quote;
use super::session::Session;
use super::shape::{self, OWN};
use super::source::Source;
use super::target::Target;
use crate::databases::Change;
use crate::{Level, Result, Watch};

/// A view, routine, trigger or event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// As DROP names it.
    pub kind: &'static str,
    pub name: String,
    /// The statement that makes it, in the database that is in use.
    pub definition: String,
    /// The SQL mode under which it is read.
    pub mode: String,
}

/// All of them, in an order in which they can be made: routines before views that call them, triggers and events last.
pub(super) async fn all(session: &mut Session, database: &str) -> Result<Vec<Program>> {
    let schema = quote::text(database);
    // Without the database in use, definitions of views name it with every table.
    session.run(format!("USE {}", quote::name(database))).await?;
    let mut programs = Vec::new();
    for (kind, ask, definition, mode) in [
        (
            "FUNCTION",
            format!(
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema={schema} AND routine_type='FUNCTION' ORDER BY 1"
            ),
            2,
            Some(1),
        ),
        (
            "PROCEDURE",
            format!(
                "SELECT routine_name FROM information_schema.routines WHERE routine_schema={schema} AND routine_type='PROCEDURE' ORDER BY 1"
            ),
            2,
            Some(1),
        ),
        (
            "VIEW",
            format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema={schema} AND table_type='VIEW' ORDER BY 1"
            ),
            1,
            None,
        ),
        (
            "TRIGGER",
            format!(
                "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema={schema} AND \
                 LEFT(event_object_table,{})<>'{OWN}' ORDER BY event_object_table, event_manipulation, action_timing, action_order",
                OWN.len()
            ),
            2,
            Some(1),
        ),
        (
            "EVENT",
            format!(
                "SELECT event_name FROM information_schema.events WHERE event_schema={schema} ORDER BY 1"
            ),
            3,
            Some(1),
        ),
    ] {
        for name in shape::names(session, &ask).await? {
            let row = session.first(format!("SHOW CREATE {kind} {}", quote::name(&name))).await?;
            let Some(text) = row.as_ref().and_then(|row| row.maybe_text(definition)) else {
                return Err(crate::Problem::needs_person(
                    "rights.missing",
                    format!("The definition of the {} {name} cannot be read with this database user.", kind.to_lowercase()),
                )
                .help("Give the user the rights SHOW VIEW, TRIGGER, EVENT and SHOW CREATE ROUTINE, or SELECT on mysql.proc."));
            };
            let mode = match (mode, &row) {
                (Some(at), Some(row)) => row.text(at),
                _ => String::new(),
            };
            programs.push(Program { kind, name, definition: text, mode });
        }
    }
    Ok(programs)
}

/// Drops the triggers that an earlier run made: rows that are brought again are none that a trigger should answer to.
pub(super) async fn still_triggers(writing: &mut Session) -> Result<()> {
    for (name, _) in account::made(writing, "TRIGGER").await? {
        writing.run(format!("DROP TRIGGER IF EXISTS {}", quote::name(&name))).await?;
    }
    Ok(())
}

/// Makes in the copy what the source has beside tables. Events are switched off. Harmless to repeat.
pub(super) async fn bring(
    reading: &mut Session,
    writing: &mut Session,
    source: &Source,
    target: &Target,
    watch: &dyn Watch,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut left = all(reading, &source.name).await?;
    // Views may stand on views: what fails is tried again after the others, as long as a round brings something.
    while !left.is_empty() {
        let before = left.len();
        let mut failed = Vec::new();
        let mut last = None;
        for program in left {
            watch.safe_point().await?;
            watch.doing(&program.name);
            match make(writing, &program, source, target).await {
                Ok(how) => changes.extend(how.into_iter().map(|how| {
                    watch.note(
                        Level::Info,
                        &format!("{} {}: {how}", program.kind.to_lowercase(), program.name),
                    );
                    Change { what: program.name.clone(), how }
                })),
                Err(problem) if problem.code == "database.gone" => return Err(problem),
                Err(problem) => {
                    last = Some(problem);
                    failed.push(program);
                }
            }
        }
        match last {
            Some(problem) if failed.len() == before => {
                let name = &failed[0].name;
                return Err(crate::Problem {
                    message: format!("{name} cannot be made: {}", problem.message),
                    ..problem
                });
            }
            _ => left = failed,
        }
    }
    Ok(changes)
}

async fn make(
    session: &mut Session,
    program: &Program,
    source: &Source,
    target: &Target,
) -> Result<Vec<String>> {
    let mut how = Vec::new();
    let mut definition = program.definition.clone();
    if let Some(moved) = requalify(&definition, &source.name, &target.name) {
        how.push(format!("names the database {} where it named {}", target.name, source.name));
        definition = moved;
    }
    let (adapted, adaptations) = dialect::adapt(&definition, &source.product, &target.product);
    definition = adapted;
    how.extend(adaptations);
    if program.kind == "EVENT" {
        definition = definition.replacen("PRESERVE ENABLE", "PRESERVE DISABLE", 1);
        how.push("switched off".to_owned());
    }
    account::will_make(session, program.kind, &program.name, "").await?;
    let drop = format!("DROP {} IF EXISTS {}", program.kind, quote::name(&program.name));
    session.run(&drop).await?;
    match in_mode(session, &program.mode, &definition).await {
        Err(problem) if problem.code == "rights.missing" => {
            let Some(plain) = without_definer(&definition) else { return Err(problem) };
            in_mode(session, &program.mode, &plain).await?;
            how.push(
                "belongs to the user who made the copy, because another owner needs a right that is missing"
                    .to_owned(),
            );
        }
        done => done?,
    }
    Ok(how)
}

/// A definition without its DEFINER; none where it has none.
fn without_definer(definition: &str) -> Option<String> {
    let at = definition.find(" DEFINER=")?;
    let rest = &definition[at + 1..];
    let mut quoted = false;
    let end = rest.find(|sign| {
        quoted ^= sign == '`';
        sign == ' ' && !quoted
    })?;
    Some(format!("{}{}", &definition[..at], &rest[end..]))
}

/// A definition in which the database `from`, wherever it qualifies a name, is `to`; none where it does nowhere. Texts in quotes stay.
fn requalify(definition: &str, from: &str, to: &str) -> Option<String> {
    let mut out = String::with_capacity(definition.len());
    let mut rest = definition;
    let mut found = false;
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '\'' | '"' | '`' => dialect::quoted_length(rest),
            sign if sign.is_alphanumeric() || sign == '_' || sign == '$' => rest
                .find(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '$'))
                .unwrap_or(rest.len()),
            sign => sign.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        let name = if sign == '`' { word.trim_matches('`').replace("``", "`") } else { word.to_owned() };
        let qualifies = sign != '\''
            && sign != '"'
            && name == from
            && after.trim_start().starts_with('.')
            && !out.trim_end().ends_with('.');
        if qualifies {
            out.push_str(&quote::name(to));
            found = true;
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_that_names_its_own_database_names_the_copy() {
        let text = "CREATE TRIGGER t AFTER INSERT ON `shop`.`a` FOR EACH ROW INSERT INTO shop . log VALUES ('shop.x', a.shop.b, shopper.c)";
        let new = "CREATE TRIGGER t AFTER INSERT ON `copy`.`a` FOR EACH ROW INSERT INTO `copy` . log VALUES ('shop.x', a.shop.b, shopper.c)";
        assert_eq!(requalify(text, "shop", "copy").as_deref(), Some(new));
        assert_eq!(requalify("SELECT 'it''s shop.a' FROM b", "shop", "copy"), None);
    }

    #[test]
    fn the_owner_of_a_definition_can_be_left_out() {
        assert_eq!(
            without_definer("CREATE DEFINER=`a b`@`%` PROCEDURE p() SELECT 1").as_deref(),
            Some("CREATE PROCEDURE p() SELECT 1")
        );
    }
}
