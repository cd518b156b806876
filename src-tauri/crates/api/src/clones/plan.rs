//! What a clone would do, before it is launched.

use clonedeck_jobs::clone::{self, CloneSite};
use clonedeck_queue::Job;
use clonedeck_site::Unwatched;
use clonedeck_site::platforms::Kind;

use super::Given;
use super::look::report;
use super::request::spec;
use crate::wire::{ClonePlan, CloneRequest, Excluded, NeutraliseSwitch, Problem};
use crate::{Clonedeck, convert, estimate};

/// The switches that keep a copy quiet: id, title, what it does.
const SWITCHES: [(&str, &str, &str); 7] = [
    ("mail", "Catch mail", "Mail is caught into a folder, none is sent"),
    ("egress", "Block requests", "Requests to other servers are refused and listed"),
    ("cron", "Stop cron", "Cron and Action Scheduler stand still"),
    ("crawlers", "Keep crawlers out", "Search engines are told to stay away"),
    (
        "identities",
        "Blank identities",
        "Live keys of payment, mail and backup services are blanked or set to test",
    ),
    ("mark", "Mark the copy", "The admin bar and the login say that this is a copy"),
    ("caches", "Set caches aside", "Object and page caches shared with the source are set aside"),
];

/// The same for a site in PHP of no known kind, whose copy only its preview keeps.
const SWITCHES_OF_PHP: [(&str, &str, &str); 3] = [
    ("mail", "Catch mail", "Mail that the preview sends with PHP is caught into a folder"),
    ("egress", "Block requests", "Requests that the preview makes with curl are refused"),
    ("crawlers", "Keep crawlers out", "Search engines are told to stay away"),
];

/// The switches that a kind of site has.
fn switches_of(kind: Kind) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let all: &[_] = match kind {
        Kind::WordPress => &SWITCHES,
        Kind::Php | Kind::Static => &SWITCHES_OF_PHP,
    };
    all.iter().filter(move |(id, ..)| kind != Kind::Static || *id == "crawlers")
}

impl Clonedeck {
    /// What a clone would do, and what stands in its way. Writes nothing.
    pub async fn plan_clone(&self, request: &CloneRequest, given: &Given) -> Result<ClonePlan, Problem> {
        let mut spec = spec(request)?;
        let secrets = given.hold(&mut spec);
        let planned = async {
            let site = clone::learn(&spec, &secrets).await?;
            let draft = clone::draft(&spec, &site, &secrets, &Unwatched).await?;
            Ok((site, draft))
        };
        let planned = planned.await;
        let (site, draft) = planned.map_err(convert::site_problem)?;
        let obstacles: Vec<Problem> = draft.obstacles.into_iter().map(convert::site_problem).collect();
        let paces = self.queue.paces(CloneSite::KIND).await.map_err(convert::queue_problem)?;
        let eta = estimate::of(&paces, &draft.planned);
        let neutralise = switches_of(site.kind)
            .map(|(id, title, message)| NeutraliseSwitch {
                id: (*id).to_owned(),
                title: (*title).to_owned(),
                message: (*message).to_owned(),
                on: !(spec.neutralise_off.iter().any(|off| off == id) || *id == "egress" && spec.open_egress),
            })
            .collect();
        Ok(ClonePlan {
            source: report(&site, &draft.all_parts, draft.survey.as_ref()),
            target: draft.planned.target.display().to_string(),
            url: if draft.planned.preview {
                draft.planned.url.replace(":0", ":…")
            } else {
                draft.planned.url
            },
            database: draft.planned.database.map(|address| address.to_string()),
            excluded: draft
                .planned
                .left_out
                .into_iter()
                .map(|out| Excluded {
                    pattern: out.pattern,
                    reason: out.reason,
                    files: out.files,
                    bytes: out.bytes,
                })
                .collect(),
            bytes_needed: draft.needed,
            bytes_free: draft.free,
            eta_seconds: Some(eta),
            neutralise,
            obstacles,
            warnings: draft.warnings,
        })
    }
}
