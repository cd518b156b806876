//! Jobs that are added again and again, by the clock on the wall.
//!
//! A schedule is a cron expression in a time zone and the job to add. When its time has come the runner adds the job and
//! moves the schedule on in one transaction. Times that passed while nothing ran, or while the machine slept, are made up
//! for by **one** run. While the job of the last time has not ended, no further one is added.

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::add::{NewJob, Start, insert, parse_draft};
use crate::clock::timestamp;
use crate::event::record;
use crate::{AddOptions, Error, Job, JobId, Queue, Result};

/// A schedule as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// Its name.
    pub name: String,
    /// When, as a cron expression: minute, hour, day, month, weekday, and seconds in front if wanted.
    pub cron: String,
    /// Where the clock hangs.
    pub zone: String,
    /// Kind of the job.
    pub kind: String,
    /// Title of the job.
    pub title: String,
    /// Whether it adds jobs.
    pub enabled: bool,
    /// When it adds the next one.
    pub next_at: Timestamp,
    /// When it added the last one.
    pub last_at: Option<Timestamp>,
}

impl Queue {
    /// Makes or replaces the schedule `name`: a cron expression in a time zone (an IANA name such as `Europe/Berlin`) and
    /// the job to add. Answers when it adds its first job.
    ///
    /// Times that passed while nothing ran, or while the machine slept, are made up for by one run. While the job of the
    /// last time has not ended, no further one is added.
    ///
    /// ```
    /// # use clonedeck_queue::{AddOptions, Ctx, Done, Job, Line, Options, Queue, Registry, Step, StepError};
    /// # struct Backup;
    /// # impl Job for Backup {
    /// #     const KIND: &'static str = "backup";
    /// #     type Spec = String;
    /// #     fn title(&self, spec: &String) -> String { format!("Back up {spec}") }
    /// #     fn steps(&self, line: &mut Line<Self>) { line.step(Pack); }
    /// # }
    /// # struct Pack;
    /// # impl Step for Pack {
    /// #     type Job = Backup;
    /// #     type Cursor = ();
    /// #     type Output = ();
    /// #     const NAME: &'static str = "pack";
    /// #     const TITLE: &'static str = "Pack";
    /// #     async fn run(&self, _: &mut Ctx<Self>) -> Result<Done<()>, StepError> { Ok(Done::Completed(())) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let queue = Queue::open(dir.path(), Registry::new().with(Backup), Options::default())?;
    /// // Every night at half past three in Berlin, summer and winter.
    /// let order = "/srv/shop".to_owned();
    /// let next = queue
    ///     .schedule::<Backup>("nightly", "30 3 * * *", "Europe/Berlin", &order, AddOptions::default())
    ///     .await?;
    /// assert!(next > jiff::Timestamp::now());
    /// assert_eq!(queue.schedules().await?[0].name, "nightly");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the expression or the zone is none, or never comes.
    pub async fn schedule<J: Job>(
        &self,
        name: &str,
        cron: &str,
        zone: &str,
        spec: &J::Spec,
        options: AddOptions,
    ) -> Result<Timestamp> {
        let mut job = self.new_job::<J>(spec, options)?;
        job.draft.unique = Some(format!("schedule:{name}"));
        let draft = serde_json::to_string(&job.draft).map_err(|error| Error::invalid("a schedule", error))?;
        let next = following(cron, zone, self.shared.clock.wall())?;
        let (name, cron, zone) = (name.to_owned(), cron.to_owned(), zone.to_owned());
        self.shared
            .store
            .write(move |db| {
                db.execute(
                    "INSERT INTO schedule (name, cron, zone, draft, next_at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, zone = excluded.zone,
                            draft = excluded.draft, next_at = excluded.next_at, enabled = 1",
                    params![name, cron, zone, draft, next.as_millisecond()],
                )?;
                Ok::<_, Error>(())
            })
            .await?;
        self.shared.bell.ring();
        Ok(next)
    }

    /// Every schedule, by name.
    pub async fn schedules(&self) -> Result<Vec<ScheduleView>> {
        self.read(all).await
    }

    /// Lets a schedule add jobs, or not. One that is let again starts with the next time after now.
    pub async fn enable_schedule(&self, name: &str, enabled: bool) -> Result<()> {
        let (name, now) = (name.to_owned(), self.shared.clock.wall());
        self.shared
            .store
            .write(move |db| {
                let found: Option<(String, String)> = db
                    .query_row("SELECT cron, zone FROM schedule WHERE name = ?1", [&name], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                let (cron, zone) = found.ok_or_else(|| Error::NotFound(format!("schedule {name}")))?;
                let next = following(&cron, &zone, now)?.as_millisecond();
                db.execute(
                    "UPDATE schedule SET enabled = ?2, next_at = ?3 WHERE name = ?1",
                    params![name, enabled, next],
                )?;
                Ok::<_, Error>(())
            })
            .await?;
        self.shared.bell.ring();
        Ok(())
    }

    /// Takes a schedule away; jobs that it added stay.
    pub async fn remove_schedule(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.shared
            .store
            .write(move |db| match db.execute("DELETE FROM schedule WHERE name = ?1", [&name])? {
                0 => Err(Error::NotFound(format!("schedule {name}"))),
                _ => Ok(()),
            })
            .await?;
        self.shared.bell.ring();
        Ok(())
    }
}

/// The first time after `now`.
fn following(cron: &str, zone: &str, now: Timestamp) -> Result<Timestamp> {
    let bad_zone = |error| Error::invalid(format!("time zone {zone}"), error);
    let zone = TimeZone::get(zone).map_err(bad_zone)?;
    let bad_cron = |error| Error::invalid(format!("cron expression {cron}"), error);
    let parsed = CronParser::builder().seconds(Seconds::Optional).build().parse(cron).map_err(bad_cron)?;
    let next = parsed.find_next_occurrence(&now.to_zoned(zone), false).map_err(bad_cron)?;
    Ok(next.timestamp())
}

fn all(db: &Connection) -> Result<Vec<ScheduleView>> {
    let mut query = db.prepare_cached(
        "SELECT name, cron, zone, draft, enabled, next_at, last_at FROM schedule ORDER BY name",
    )?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let draft = parse_draft(&row.get::<_, String>(3)?)?;
        found.push(ScheduleView {
            name: row.get(0)?,
            cron: row.get(1)?,
            zone: row.get(2)?,
            kind: draft.kind,
            title: draft.title,
            enabled: row.get(4)?,
            next_at: timestamp(row.get(5)?),
            last_at: row.get::<_, Option<i64>>(6)?.map(timestamp),
        });
    }
    Ok(found)
}

/// When the next schedule is due.
pub(crate) fn earliest(db: &Connection) -> Result<Option<i64>> {
    let mut query = db.prepare_cached("SELECT min(next_at) FROM schedule WHERE enabled = 1")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

/// Adds the jobs of the schedules whose time has come.
pub(crate) fn run_due(db: &Connection, now: i64) -> Result<()> {
    let due: Vec<(String, String, String, String)> = {
        let mut query = db.prepare_cached(
            "SELECT name, cron, zone, draft FROM schedule WHERE enabled = 1 AND next_at <= ?1",
        )?;
        let rows = query.query_map([now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (name, cron, zone, draft) in due {
        fail::fail_point!("queue::schedule", |_| std::process::abort());
        let job = NewJob { id: JobId::new(), draft: parse_draft(&draft)?, start: Start::Now, batch: None };
        insert(db, now, &job)?;
        // A zone or expression that has stopped to make sense must not stop the queue.
        let next = following(&cron, &zone, timestamp(now)).map(Timestamp::as_millisecond);
        db.prepare_cached(
            "UPDATE schedule SET last_at = ?2, next_at = coalesce(?3, next_at), enabled = ?3 IS NOT NULL WHERE name = ?1",
        )?
        .execute(params![name, now, next.ok()])?;
        let data = serde_json::json!({ "schedule": name }).to_string();
        record(db, now, 0, "schedule.added", None, Some(&data))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_of_a_schedule_is_the_hour_on_its_wall_in_summer_and_winter() {
        let at =
            |now: &str| following("30 3 * * *", "Europe/Berlin", now.parse().unwrap()).unwrap().to_string();
        assert_eq!(at("2026-07-01T12:00:00Z"), "2026-07-02T01:30:00Z");
        assert_eq!(at("2026-12-01T12:00:00Z"), "2026-12-02T02:30:00Z");
    }

    #[test]
    fn nonsense_is_refused_with_what_is_wrong() {
        let now = Timestamp::now();
        assert!(matches!(following("61 * * * *", "UTC", now), Err(Error::Invalid { .. })));
        assert!(matches!(following("", "UTC", now), Err(Error::Invalid { .. })));
        assert!(matches!(following("0 0 * * *", "Mars/Olympus", now), Err(Error::Invalid { .. })));
        assert!(matches!(following("0 0 31 2 *", "UTC", now), Err(Error::Invalid { .. })));
    }
}
