use std::collections::BTreeSet;

use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::databases::{Access, DatabaseAddress};
use clonedeck_site::defaults::{self, Login, Noted, Setting, Tables};
use clonedeck_site::neutral::{self, Neutralised, Switches};
use clonedeck_site::platforms::Kind;
use clonedeck_site::{Part, Result};
use serde::{Deserialize, Serialize};

use super::{CloneSite, CloneSpec, Made};
use crate::words::counted;
use crate::{Secrets, Watching};

/// Gives the copy a configuration, settings and a login of its own, and keeps it from acting in the world, before it is ever started.
#[derive(Debug)]
pub struct UpdateSiteDefaults {
    /// Where passwords are kept.
    pub secrets: Secrets,
}

/// What was set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Updated {
    /// Settings that differ from the source's.
    pub settings: Vec<Setting>,
    /// What keeps the copy quiet.
    pub neutralised: Vec<Neutralised>,
    /// Name of the login that was made.
    pub username: Option<String>,
    /// The tables of the copy that were written; none where that cannot be said.
    #[serde(default)]
    pub written: Option<BTreeSet<String>>,
}

/// Name of the login that is made in the copy.
const LOGIN: &str = "clonedeck";

impl Step for UpdateSiteDefaults {
    type Job = CloneSite;
    type Cursor = ();
    type Output = Updated;
    const NAME: &'static str = "update-site-defaults";
    const TITLE: &'static str = "Update site defaults";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Updated>, StepError> {
        let watch = Watching::new(ctx.handle());
        let folder = ctx.job_dir()?;
        let Some(made) = Made::standing(&folder).map_err(|problem| watch.error(problem))? else {
            return Err(StepError::permanent("job.folder", "The job's own notes of what it made are gone.")
                .help("Retry the job from the start."));
        };
        if !ctx.spec().copies(Part::Core) {
            return Ok(Done::Skipped {
                reason: "the configuration is in the core, which was left out".into(),
                output: Updated { written: Some(BTreeSet::new()), ..Updated::default() },
            });
        }
        let login = if made.site.kind == Kind::WordPress && made.planned.database.is_some() {
            Some(Login::new(LOGIN).map_err(|problem| watch.error(problem))?)
        } else {
            None
        };
        if let Some(login) = &login {
            ctx.register_secret(login.password.reveal());
        }
        let updated = update(&made, ctx.spec(), &self.secrets, login.as_ref())
            .await
            .map_err(|problem| watch.error(problem))?;
        for setting in &updated.settings {
            ctx.log(Level::Info, setting.to_string());
        }
        for done in &updated.neutralised {
            ctx.log(Level::Info, format!("kept quiet: {}: {}", done.name, done.detail));
        }
        if let Some(login) = &login {
            ctx.set_secret_result(
                serde_json::json!({ "username": login.user, "password": login.password.reveal() }),
            )?;
            ctx.set_result(serde_json::json!({ "username": login.user }))?;
        }
        ctx.message(format!("{} · kept quiet", counted(updated.settings.len() as u64, "setting")));
        Ok(Done::Completed(updated))
    }
}

async fn update(made: &Made, spec: &CloneSpec, secrets: &Secrets, login: Option<&Login>) -> Result<Updated> {
    let password = made.password(spec, secrets).await?;
    let target = made.target(&password);
    let mut updated = Updated { username: login.map(|login| login.user.clone()), ..Updated::default() };
    // Quiet before anything else: from here on nothing that starts the copy by chance finds it loud.
    updated.neutralised.extend(neutral::install(&target, &switches(spec))?);
    updated.settings.extend(defaults::configure(&target)?);
    if let Some(mut tables) = made.tables(&password, Access::Write).await? {
        let alone = !has_triggers(made, &mut *tables).await?;
        let mut tables = Noted::new(&mut *tables).await?;
        if on(spec, "identities") {
            updated.neutralised.extend(neutral::disarm(&target, &mut tables).await?);
        }
        updated.settings.extend(defaults::settle(&target, login, None, &mut tables).await?);
        updated.written = Some(tables.written()).filter(|_| alone);
    }
    Ok(updated)
}

/// Whether writing a table of the copy may write others.
async fn has_triggers(made: &Made, tables: &mut dyn Tables) -> Result<bool> {
    let sql = match made.planned.database {
        Some(DatabaseAddress::Mysql { .. }) => {
            "SELECT 1 FROM information_schema.triggers WHERE trigger_schema = DATABASE() LIMIT 1"
        }
        _ => "SELECT 1 FROM sqlite_master WHERE type = 'trigger' LIMIT 1",
    };
    Ok(!tables.query(sql, &[]).await?.is_empty())
}

fn on(spec: &CloneSpec, id: &str) -> bool {
    !spec.neutralise_off.iter().any(|off| off == id)
}

/// What keeps the copy quiet, as it was asked for.
pub(super) fn switches(spec: &CloneSpec) -> Switches {
    Switches {
        mail: on(spec, "mail"),
        egress: on(spec, "egress") && !spec.open_egress,
        cron: on(spec, "cron"),
        crawlers: on(spec, "crawlers"),
        mark: on(spec, "mark"),
        caches: on(spec, "caches"),
        ..Switches::default()
    }
}
