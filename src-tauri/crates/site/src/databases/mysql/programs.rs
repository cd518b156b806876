//! What a database holds beside tables: views, routines, triggers and events.

use super::account;
use super::dialect;
use super::qualified;
use super::quote;
use super::session::{Cells, Session};
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
    /// The settings of a session under which it is read and which it keeps, as SET takes them.
    pub under: String,
}

/// Where SHOW CREATE answers what of a program.
struct Answer {
    definition: usize,
    collation: usize,
    mode: Option<usize>,
    zone: Option<usize>,
}

const ROUTINE: Answer = Answer { definition: 2, collation: 4, mode: Some(1), zone: None };
const VIEW: Answer = Answer { definition: 1, collation: 3, mode: None, zone: None };
const EVENT: Answer = Answer { definition: 3, collation: 5, mode: Some(1), zone: Some(2) };

impl Answer {
    /// The settings that the answer names.
    fn under(&self, row: &Cells) -> String {
        let mut settings = vec![format!(
            "sql_mode = {}",
            quote::text(&self.mode.map(|at| row.text(at)).unwrap_or_default())
        )];
        if let Some(collation) = row.maybe_text(self.collation) {
            settings.push(format!("collation_connection = {collation}"));
        }
        if let Some(zone) = self.zone.and_then(|at| row.maybe_text(at)) {
            settings.push(format!("time_zone = {}", quote::text(&zone)));
        }
        settings.join(", ")
    }
}

/// All of them, in an order in which they can be made: routines before views that call them, triggers and events last.
pub(super) async fn all(session: &mut Session, database: &str) -> Result<Vec<Program>> {
    let schema = quote::text(database);
    // Without the database in use, definitions of views name it with every table.
    session.run(format!("USE {}", quote::name(database))).await?;
    let routines = |kind: &str| {
        format!(
            "SELECT routine_name FROM information_schema.routines WHERE routine_schema={schema} AND routine_type='{kind}' ORDER BY 1"
        )
    };
    let mut programs = Vec::new();
    for (kind, ask, answer) in [
        ("FUNCTION", routines("FUNCTION"), ROUTINE),
        ("PROCEDURE", routines("PROCEDURE"), ROUTINE),
        ("PACKAGE", routines("PACKAGE"), ROUTINE),
        ("PACKAGE BODY", routines("PACKAGE BODY"), ROUTINE),
        (
            "VIEW",
            format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema={schema} AND table_type='VIEW' ORDER BY 1"
            ),
            VIEW,
        ),
        (
            "TRIGGER",
            format!(
                "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema={schema} AND \
                 LEFT(event_object_table,{})<>'{OWN}' ORDER BY event_object_table, event_manipulation, action_timing, action_order",
                OWN.len()
            ),
            ROUTINE,
        ),
        (
            "EVENT",
            format!(
                "SELECT event_name FROM information_schema.events WHERE event_schema={schema} ORDER BY 1"
            ),
            EVENT,
        ),
    ] {
        for name in shape::names(session, &ask).await? {
            let row = session.first(format!("SHOW CREATE {kind} {}", quote::name(&name))).await?;
            let found = row.and_then(|row| Some((row.maybe_text(answer.definition)?, answer.under(&row))));
            let Some((definition, under)) = found else {
                return Err(crate::Problem::needs_person(
                    "rights.missing",
                    format!("The definition of the {} {name} cannot be read with this database user.", kind.to_lowercase()),
                )
                .help("Give the user the rights SHOW VIEW, TRIGGER, EVENT and SHOW CREATE ROUTINE, or SELECT on mysql.proc."));
            };
            programs.push(Program { kind, name, definition, under });
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
                left = leave_broken(reading, failed, &mut changes).await?;
                if left.len() == before {
                    let name = &left[0].name;
                    return Err(crate::Problem {
                        message: format!("{name} cannot be made: {}", problem.message),
                        ..problem
                    });
                }
            }
            _ => left = failed,
        }
    }
    Ok(changes)
}

/// Takes the views out that nobody can read in the source either, because what they stand on is gone, and lists them.
async fn leave_broken(
    reading: &mut Session,
    programs: Vec<Program>,
    changes: &mut Vec<Change>,
) -> Result<Vec<Program>> {
    let mut whole = Vec::new();
    for program in programs {
        let look = format!("SELECT 1 FROM {} LIMIT 0", quote::name(&program.name));
        match reading.run(look).await {
            Err(problem) if program.kind == "VIEW" && problem.code == "database.refused" => {
                let how = "not made: it is broken in the source, what it stands on is gone".to_owned();
                changes.push(Change { what: program.name, how });
            }
            Err(problem) if problem.code == "database.gone" => return Err(problem),
            _ => whole.push(program),
        }
    }
    Ok(whole)
}

async fn make(
    session: &mut Session,
    program: &Program,
    source: &Source,
    target: &Target,
) -> Result<Vec<String>> {
    let mut how = Vec::new();
    let mut definition = program.definition.clone();
    if let Some(moved) = qualified::moved(&definition, &source.name, &target.name) {
        how.push(format!("names the database {} where it named {}", target.name, source.name));
        definition = moved;
    }
    let (adapted, adaptations) = dialect::adapt(&definition, &source.product, &target.product);
    definition = adapted;
    how.extend(adaptations);
    let (under, _) = dialect::adapt(&program.under, &source.product, &target.product);
    if program.kind == "EVENT" {
        definition = definition.replacen("PRESERVE ENABLE", "PRESERVE DISABLE", 1);
        how.push("switched off".to_owned());
    }
    account::will_make(session, program.kind, &program.name, "").await?;
    drop(session, program.kind, &program.name).await?;
    match under_settings(session, &under, &definition).await {
        Err(problem) if problem.code == "rights.missing" => {
            let Some(plain) = without_definer(&definition) else { return Err(problem) };
            under_settings(session, &under, &plain).await?;
            how.push(
                "belongs to the user who made the copy, because another owner needs a right that is missing"
                    .to_owned(),
            );
        }
        done => done?,
    }
    Ok(how)
}

/// Takes a program out of the database that is in use, if it is there.
pub(super) async fn drop(session: &mut Session, kind: &str, name: &str) -> Result<()> {
    let drop = format!("DROP {kind} IF EXISTS {}", quote::name(name));
    if kind.starts_with("PACKAGE") {
        // No other mode knows the word.
        return under_settings(session, "sql_mode = ORACLE", &drop).await;
    }
    session.run(drop).await?;
    Ok(())
}

/// Runs a definition under the settings under which it was written.
pub(super) async fn under_settings(session: &mut Session, settings: &str, definition: &str) -> Result<()> {
    session
        .run("SET @clonedeck_mode = @@sql_mode, @clonedeck_zone = @@time_zone, @clonedeck_collation = @@collation_connection")
        .await?;
    session.run(format!("SET {settings}")).await?;
    let done = session.run(definition).await;
    session
        .run("SET sql_mode = @clonedeck_mode, time_zone = @clonedeck_zone, collation_connection = @clonedeck_collation")
        .await?;
    done.map(|_| ())
}

/// A definition without its DEFINER; none where it has none.
fn without_definer(definition: &str) -> Option<String> {
    let at = definition.find(" DEFINER=")?;
    let rest = &definition[at + 1..];
    let mut quoted = false;
    let end = rest.find(|sign| {
        quoted ^= matches!(sign, '`' | '"');
        sign == ' ' && !quoted
    })?;
    Some(format!("{}{}", &definition[..at], &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_definition_can_be_left_out() {
        assert_eq!(
            without_definer("CREATE DEFINER=`a b`@`%` PROCEDURE p() SELECT 1").as_deref(),
            Some("CREATE PROCEDURE p() SELECT 1")
        );
        assert_eq!(
            without_definer("CREATE DEFINER=\"a b\"@\"%\" PACKAGE p AS END").as_deref(),
            Some("CREATE PACKAGE p AS END")
        );
    }
}
