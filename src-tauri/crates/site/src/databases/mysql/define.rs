//! Making the tables of the copy, empty, as the source defines them.

use super::account;
use super::dialect;
use super::quote;
use super::range::Carrier;
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
    for name in sequences(reading, &source.name).await? {
        let row =
            reading.first(format!("SHOW CREATE SEQUENCE {}", quote::table(&source.name, &name))).await?;
        if !there.contains(&name) {
            account::will_make(writing, "SEQUENCE", &name, "").await?;
            writing.run(row.map(|row| row.text(1)).unwrap_or_default()).await?;
        }
    }
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

async fn sequences(session: &mut Session, database: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema={} AND table_type='SEQUENCE' ORDER BY 1",
        quote::text(database)
    );
    super::shape::names(session, &sql).await
}

/// Lets the copy count on where the source does: sequences, and the next numbers of rows.
pub(super) async fn counters(carrier: &mut Carrier, source: &Source, target: &Target) -> Result<()> {
    for name in sequences(&mut carrier.reading, &source.name).await? {
        let next = carrier
            .reading
            .text(format!("SELECT next_not_cached_value FROM {}", quote::table(&source.name, &name)))
            .await?;
        carrier
            .writing
            .run(format!("SELECT SETVAL({}, {next}, 0)", quote::table(&target.name, &name)))
            .await?;
    }
    let next = |database: &str| {
        format!(
            "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema={} AND auto_increment IS NOT NULL \
             ORDER BY 1",
            quote::text(database)
        )
    };
    let ours = carrier.writing.rows(next(&target.name)).await?;
    for row in carrier.reading.rows(next(&source.name)).await? {
        let differs = ours.iter().any(|own| own.text(0) == row.text(0) && own.number(1) != row.number(1));
        if differs {
            let table = quote::table(&target.name, &row.text(0));
            carrier.writing.run(format!("ALTER TABLE {table} AUTO_INCREMENT={}", row.number(1))).await?;
        }
    }
    Ok(())
}
