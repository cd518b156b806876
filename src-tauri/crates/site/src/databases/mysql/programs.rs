//! What a database holds beside tables: views, routines, triggers and events.

use super::quote;
use super::session::Session;
use super::shape::{self, OWN};
use crate::Result;

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
