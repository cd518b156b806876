//! Setting the old content of a database aside, and putting it back in one move.
//!
//! Tables move by one RENAME TABLE, which the server does whole or not at all. What cannot be renamed from one database to another
//! (views, triggers, routines, events) is written down in the database that takes the tables, and made anew when they come back.

use super::programs::{drop, under_settings};
use super::quote;
use super::session::Session;
use super::shape;
use crate::{Problem, Result};

/// Holds, in the database that took the tables, whose they are and what could not move.
const KEPT: &str = "_clonedeck_aside";

/// The longest name of a database.
const LONGEST: usize = 64;

/// Moves everything out of a database; answers where to.
pub(super) async fn set_aside(session: &mut Session, database: &str, job: &str) -> Result<String> {
    let aside = match found(session, database, job).await? {
        // A run before this one was stopped in the middle.
        Some(aside) => aside,
        None => begin(session, database, job).await?,
    };
    session.run(format!("USE {}", quote::name(database))).await?;
    for (kind, name) in keep_definitions(session, database, &aside).await? {
        drop(session, &kind, &name).await?;
    }
    move_tables(session, database, &aside).await?;
    Ok(aside)
}

/// Brings everything back. What is in the way must be gone already.
pub(super) async fn put_back(session: &mut Session, database: &str, aside: &str) -> Result<()> {
    let exists = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema={} AND table_name='{KEPT}'",
        quote::text(aside)
    );
    if session.number(exists).await? == 0 {
        return Ok(());
    }
    move_tables(session, aside, database).await?;
    session.run(format!("USE {}", quote::name(database))).await?;
    let kept = quote::table(aside, KEPT);
    let mut left: Vec<(String, String, String, String)> = session
        .rows(format!("SELECT kind, name, definition, under FROM {kept} WHERE kind<>'' ORDER BY place"))
        .await?
        .iter()
        .map(|row| (row.text(0), row.text(1), row.text(2), row.text(3)))
        .collect();
    // Views may stand on views: what fails is tried again after the others, as long as a round brings something.
    while !left.is_empty() {
        let before = left.len();
        let mut failed = Vec::new();
        let mut last = None;
        for thing in left {
            drop(session, &thing.0, &thing.1).await?;
            if let Err(problem) = under_settings(session, &thing.3, &thing.2).await {
                last = Some(problem);
                failed.push(thing);
            }
        }
        match last {
            Some(problem) if failed.len() == before => return Err(problem),
            _ => left = failed,
        }
    }
    session.run(format!("DROP DATABASE {}", quote::name(aside))).await?;
    Ok(())
}

/// Puts back what a job set aside before it could write down where. Where both hold tables, others have come into the place since, and
/// nothing is moved.
pub(super) async fn put_back_orphan(session: &mut Session, database: &str, job: &str) -> Result<()> {
    let Some(aside) = found(session, database, job).await? else { return Ok(()) };
    if holds_tables(session, &aside).await? && holds_tables(session, database).await? {
        return Ok(());
    }
    put_back(session, database, &aside).await
}

/// Whether a database holds tables that are no marks.
pub(super) async fn holds_tables(session: &mut Session, database: &str) -> Result<bool> {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema={} AND LEFT(table_name,{})<>'{}'",
        quote::text(database),
        shape::OWN.len(),
        shape::OWN
    );
    Ok(session.number(sql).await? > 0)
}

async fn found(session: &mut Session, database: &str, job: &str) -> Result<Option<String>> {
    let rows = session
        .rows(format!(
            "SELECT table_schema FROM information_schema.tables WHERE table_name='{KEPT}' ORDER BY 1"
        ))
        .await?;
    for row in rows {
        let aside = row.text(0);
        let owner = session
            .first(format!("SELECT name, definition FROM {} WHERE kind=''", quote::table(&aside, KEPT)))
            .await?;
        if owner.is_some_and(|owner| owner.text(0) == database && owner.text(1) == job) {
            return Ok(Some(aside));
        }
    }
    Ok(None)
}

async fn begin(session: &mut Session, database: &str, job: &str) -> Result<String> {
    let mut number = 1;
    let aside = loop {
        let end = if number == 1 { "_aside".to_owned() } else { format!("_aside_{number}") };
        let stem: String = database.chars().take(LONGEST - end.len()).collect();
        let name = format!("{stem}{end}");
        if !session.has_database(&name).await? {
            break name;
        }
        number += 1;
    };
    session.run(format!("CREATE DATABASE {}", quote::name(&aside))).await?;
    let kept = quote::table(&aside, KEPT);
    session
        .run(format!(
            "CREATE TABLE {kept} (place INT NOT NULL AUTO_INCREMENT PRIMARY KEY, kind VARCHAR(16) NOT NULL, name VARCHAR(191) \
             CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, definition LONGTEXT CHARACTER SET utf8mb4 NOT NULL, \
             under VARCHAR(1024) NOT NULL, UNIQUE (kind, name)) ENGINE=InnoDB"
        ))
        .await?;
    session
        .run(format!(
            "INSERT INTO {kept} (kind, name, definition, under) VALUES ('', {}, {}, '')",
            quote::text(database),
            quote::text(job)
        ))
        .await?;
    Ok(aside)
}

/// Writes down everything that is no table; answers what may be dropped now.
async fn keep_definitions(
    session: &mut Session,
    database: &str,
    aside: &str,
) -> Result<Vec<(String, String)>> {
    let mut kept = Vec::new();
    for thing in super::programs::all(session, database).await? {
        session
            .run(format!(
                "INSERT IGNORE INTO {} (kind, name, definition, under) VALUES ({}, {}, {}, {})",
                quote::table(aside, KEPT),
                quote::text(thing.kind),
                quote::text(&thing.name),
                quote::text(&thing.definition),
                quote::text(&thing.under)
            ))
            .await?;
        kept.push((thing.kind.to_owned(), thing.name));
    }
    Ok(kept)
}

async fn move_tables(session: &mut Session, from: &str, to: &str) -> Result<()> {
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema={} AND table_type IN ('BASE TABLE','SYSTEM \
         VERSIONED','SEQUENCE') ORDER BY 1",
        quote::text(from)
    );
    let moves: Vec<String> = shape::names(session, &sql)
        .await?
        .iter()
        .map(|name| format!("{} TO {}", quote::table(from, name), quote::table(to, name)))
        .collect();
    if moves.is_empty() {
        return Ok(());
    }
    session.run(format!("RENAME TABLE {}", moves.join(", "))).await.map_err(|problem| Problem {
        message: format!("The old content of {from} cannot be moved: {}", problem.message),
        ..problem
    })?;
    Ok(())
}
