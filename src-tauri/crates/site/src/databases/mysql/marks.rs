//! The marks of a job, kept outside of its database while they are taken away: a job that is cut off between that and the note that it
//! is done can put them back, and then goes on or takes back what it made as if nothing had happened.

use super::account::{self, JOB, MADE};
use super::quote;
use super::session::Session;
use super::shape::OWN;
use super::target::Target;
use crate::databases::{DatabaseAddress, Look, Marks};
use crate::{Result, Secret};

impl Target {
    /// What the marks say, and how the database looks without them.
    pub(crate) async fn marks(&self) -> Result<Marks> {
        let mut session = self.session().await?;
        self.must_own(&mut session).await?;
        let row = session.first(format!("SELECT made_database, aside FROM `{JOB}`")).await?;
        let (made_database, aside) = row.map(|row| (row.number(0) == 1, row.text(1))).unwrap_or_default();
        let made = session.rows(format!("SELECT kind, name, note FROM `{MADE}`")).await?;
        let made = made.iter().map(|row| (row.text(0), row.text(1), row.text(2))).collect();
        let look = look(&mut session, &self.name).await?;
        session.close().await;
        Ok(Marks { made_database, aside, made, look })
    }

    /// Puts them back where the database still is the one that they were taken from: its tables are those, made at the same times, and
    /// what was set aside for them is still aside. Answers whether the database bears the job's marks now.
    pub(crate) async fn mark_again(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        marks: &Marks,
    ) -> Result<bool> {
        let (target, mut session) = Self::reach(address, secret, job).await?;
        if !session.has_database(&target.name).await? {
            return Ok(false);
        }
        let owner = target.owner(&mut session).await?;
        let is_marked = owner.as_deref() == Some(job);
        let is_its_own = match owner {
            Some(_) => is_marked,
            None => marks.look.is(&look(&mut session, &target.name).await?),
        };
        // Once the old content is back, what bears the names of the copy's tables is the old content.
        let is_back = marks.has_aside() && !super::aside::holds_tables(&mut session, &marks.aside).await?;
        if is_its_own && is_back {
            session.close().await;
            return Ok(is_marked);
        }
        if is_its_own {
            session.run(format!("USE {}", quote::name(&target.name))).await?;
            account::open(&mut session).await?;
            for (kind, name, note) in &marks.made {
                account::will_make(&mut session, kind, name, note).await?;
            }
            // The owner comes last: from then on an undo believes the rest.
            session
                .run(format!(
                    "REPLACE INTO `{JOB}` (job, made_database, aside, step) VALUES ({}, {}, {}, '')",
                    quote::text(job),
                    u8::from(marks.made_database),
                    quote::text(&marks.aside)
                ))
                .await?;
        }
        session.close().await;
        Ok(is_its_own)
    }
}

async fn look(session: &mut Session, database: &str) -> Result<Look> {
    let sql = format!(
        "SELECT table_name, UNIX_TIMESTAMP(create_time) FROM information_schema.tables \
         WHERE table_schema={} AND LEFT(table_name,{})<>'{OWN}' ORDER BY table_name",
        quote::text(database),
        OWN.len()
    );
    let rows = session.rows(sql).await?;
    Ok(Look::Tables(rows.iter().map(|row| (row.text(0), row.text(1))).collect()))
}
