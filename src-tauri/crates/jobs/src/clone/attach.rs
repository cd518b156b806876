use clonedeck_queue::{Ctx, Done, Step, StepError};
use clonedeck_site::databases::{self, Access};
use clonedeck_site::platforms::Site;
use serde::{Deserialize, Serialize};

use super::{CloneSite, source};
use crate::{Secrets, Watching};

/// Recognises the source: platform, version, configuration, database, addresses.
#[derive(Debug)]
pub struct AttachPlatform {
    /// Where passwords are kept.
    pub secrets: Secrets,
}

/// What was recognised.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attached {
    /// The site, without any password.
    pub site: Site,
}

impl Step for AttachPlatform {
    type Job = CloneSite;
    type Cursor = ();
    type Output = Attached;
    const NAME: &'static str = "attach-platform";
    const TITLE: &'static str = "Attach platform";

    fn weight(&self, _: &super::CloneSpec) -> f64 {
        0.1
    }

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Attached>, StepError> {
        let watch = Watching::new(ctx.handle());
        let site = learn(ctx.spec(), &self.secrets).await.map_err(|problem| watch.error(problem))?;
        let title = platform_title(&site);
        ctx.log(clonedeck_queue::Level::Info, format!("{title} in {}", site.root.display()));
        if let Some(home) = &site.home {
            ctx.log(clonedeck_queue::Level::Info, format!("address {home}"));
        }
        if let Some(database) = &site.database {
            ctx.log(clonedeck_queue::Level::Info, format!("database {}", database.address));
        }
        for unread in &site.unread {
            ctx.log(clonedeck_queue::Level::Warn, unread);
        }
        ctx.message(&title);
        ctx.set_result(serde_json::json!({ "platform": title }))?;
        Ok(Done::Completed(Attached { site }))
    }
}

/// The source, with all that its database knows of it.
pub async fn learn(spec: &super::CloneSpec, secrets: &Secrets) -> clonedeck_site::Result<Site> {
    let opened = source::open(spec, secrets).await?;
    let mut site = opened.recognised.site;
    if let Some(database) = site.database.clone() {
        let mut tables =
            databases::tables(&database.address, &opened.recognised.password, Access::Read).await?;
        site.learn(&mut *tables).await?;
    }
    Ok(site)
}

/// Platform and version for people.
pub fn platform_title(site: &Site) -> String {
    match &site.version {
        Some(version) => format!("{} {version}", site.kind.name()),
        None => site.kind.name().to_owned(),
    }
}
