use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{PORT, Service};
use crate::process::{Family, Identity, Known, Record, Records};
use crate::{Problem, Result};

/// How long a server may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A server that was started, as any process finds it on record.
#[derive(Debug, Clone)]
pub struct Served {
    /// What it is.
    pub service: Service,
    /// The port that it is on.
    pub port: u16,
    /// Where it answers.
    pub url: String,
    /// Seconds since 1970.
    pub started_at: u64,
    /// The server and everything it started.
    pub family: Family,
    /// The start of Clonedeck that it belongs to.
    pub owner: Option<Identity>,
}

/// What is noted with the record of a server.
#[derive(Serialize, Deserialize)]
struct Note {
    service: Service,
    port: u16,
    started_at: u64,
}

pub(super) fn note(service: &Service, port: u16, started_at: u64) -> String {
    serde_json::to_string(&Note { service: service.clone(), port, started_at }).unwrap_or_default()
}

impl Served {
    fn read(note: &str, family: Family, owner: Option<Identity>) -> Option<Self> {
        let Note { service, port, started_at } = serde_json::from_str(note).ok()?;
        let url = service.url.replace(PORT, &port.to_string());
        Some(Self { service, port, url, started_at, family, owner })
    }

    /// Whether it belongs to this start of Clonedeck.
    pub fn is_ours(&self) -> bool {
        self.owner.is_some() && self.owner == Identity::own()
    }
}

fn served(records: &Records) -> Result<Vec<(Served, Record)>> {
    let all = records.list()?.into_iter().filter_map(|Known { family, note, owner, record, .. }| {
        Some((Served::read(&note, family, owner)?, record))
    });
    Ok(all.collect())
}

/// The servers that run, the oldest first.
pub fn list(records: &Records) -> Result<Vec<Served>> {
    let mut all: Vec<Served> = served(records)?.into_iter().map(|(served, _)| served).collect();
    all.sort_by_key(|served| (served.started_at, served.port));
    Ok(all)
}

/// Stops the server of a job, whichever process started it. Answers whether one ran.
///
/// # Errors
/// `preview.stays` when it cannot be ended.
pub async fn stop(records: &Records, job: &str) -> Result<bool> {
    let mut ran = false;
    for (served, record) in served(records)?.into_iter().filter(|(served, _)| served.service.job == job) {
        ran = true;
        if !served.family.end(GRACE).await {
            return Err(Problem::transient(
                "preview.stays",
                format!("The server at {} does not end.", served.url),
            )
            .help("Try again; it may be another user's process."));
        }
        record.remove();
    }
    Ok(ran)
}

/// For the start of the program: ends the servers that a start which is gone left behind, and answers those that are meant to stay,
/// which belong to this start from now on, with their records. A process is touched only when its number, its start time and the
/// boot of the machine all match the record, or when it carries the record's mark.
pub async fn sweep(records: &Records) -> Result<(usize, Vec<(Served, Record)>)> {
    let (ended, kept) = records.sweep(GRACE).await?;
    let kept = kept
        .into_iter()
        .filter_map(|left| Some((Served::read(&left.note, left.family, Identity::own())?, left.record)));
    Ok((ended, kept.collect()))
}
