//! Making the tables of the copy, empty, as the source defines them.

use super::account;
use super::dialect;
use super::quote;
use super::session::Session;
use super::shape::Shape;
use super::source::Source;
use super::target::Target;
use crate::databases::Change;
use crate::{Level, Result, Watch};

/// Makes every table that is not there yet. Harmless to repeat.
pub(super) async fn tables(
    reading: &mut Session,
    writing: &mut Session,
    source: &Source,
    target: &Target,
    shapes: &[Shape],
    watch: &dyn Watch,
) -> Result<Vec<Change>> {
    // Old row formats hold rows that a new server would refuse to define; they are what the source has.
    let _ = writing.run("SET innodb_strict_mode = OFF").await;
    let made = account::made(writing, "TABLE").await?;
    let there = there(writing, &target.name).await?;
    let mut changes = Vec::new();
    for shape in shapes {
        watch.doing(&shape.name);
        let row =
            reading.first(format!("SHOW CREATE TABLE {}", quote::table(&source.name, &shape.name))).await?;
        let definition = row.map(|row| row.text(1)).unwrap_or_default();
        let (definition, how) = dialect::adapt(&definition, &source.product, &target.product);
        for how in how {
            watch.note(Level::Info, &format!("{}: {how}", shape.name));
            changes.push(Change { what: shape.name.clone(), how });
        }
        if there.contains(&shape.name) && made.iter().any(|(name, _)| *name == shape.name) {
            continue;
        }
        account::will_make(writing, "TABLE", &shape.name, "").await?;
        writing.run(&definition).await?;
    }
    Ok(changes)
}

async fn there(session: &mut Session, database: &str) -> Result<Vec<String>> {
    super::shape::names(
        session,
        &format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema={}",
            quote::text(database)
        ),
    )
    .await
}
