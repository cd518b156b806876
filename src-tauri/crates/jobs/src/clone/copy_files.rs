use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::files::{self, CopyReport, Options};
use clonedeck_site::{Part, Result};
use serde::{Deserialize, Serialize};

use super::{AttachPlatform, CloneSite, CloneSpec, Made, Plan, plan};
use crate::Watching;
use crate::words::{bytes, count, counted};

/// What of a part was copied.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CopiedPart {
    /// What the copier reports.
    pub report: CopyReport,
}

macro_rules! copies {
    ($($(#[$doc:meta])* $step:ident $part:ident $name:literal $title:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $step;

        impl Step for $step {
            type Job = CloneSite;
            type Cursor = ();
            type Output = CopiedPart;
            const NAME: &'static str = $name;
            const TITLE: &'static str = $title;

            async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<CopiedPart>, StepError> {
                copy_part(ctx, Part::$part).await
            }
        }
    )*};
}

copies! {
    /// Copies the platform's own files and all that is in no other part.
    CopyCore Core "copy-core" "Copy core";
    /// Copies plugins and modules.
    CopyModules Modules "copy-modules" "Copy modules";
    /// Copies themes.
    CopyThemes Themes "copy-themes" "Copy themes";
    /// Copies uploads.
    CopyMedia Media "copy-media" "Copy media";
}

async fn copy_part<S>(ctx: &mut Ctx<S>, part: Part) -> Result<Done<CopiedPart>, StepError>
where
    S: Step<Job = CloneSite, Output = CopiedPart>,
{
    let spec: &CloneSpec = ctx.spec();
    if !spec.copies(part) {
        return Ok(Done::Skipped {
            reason: format!("left out: --skip {part}"),
            output: CopiedPart::default(),
        });
    }
    let watch = Watching::new(ctx.handle());
    let planned = ctx.output_of::<Plan>()?;
    let site = planned.whole(ctx.output_of::<AttachPlatform>()?.site);
    let Some((files, _)) = planned.parts.get(&part).filter(|_| planned.parts.contains_key(&part)) else {
        return Ok(Done::Skipped { reason: "the site has none".into(), output: CopiedPart::default() });
    };
    let options = Options { allow_unreadable: spec.allow_unreadable, ..Options::default() };
    let folder = ctx.job_dir()?;
    let copy = async {
        Made::standing(&folder)?;
        let mut report = CopyReport::default();
        for (number, (index, tree)) in plan::indexes(&folder, &site)?.into_iter().zip(&site.trees).enumerate()
        {
            let target = planned.target.join(&tree.place);
            let copied = files::copy(index.clone(), &tree.from, &target, &[part], options, &watch).await?;
            if !copied.changed.is_empty() {
                // What changed under the copy was read again: from now on that is what the copy has to be.
                let mut amended = std::sync::Arc::unwrap_or_clone(index);
                amended.amend(&copied.changed);
                amended.save(&plan::index_file(&folder, number))?;
            }
            report.add(copied);
        }
        Ok(report)
    };
    let report = copy.await.map_err(|problem| watch.error(problem))?;
    for (path, why) in listed(&report) {
        ctx.log(Level::Warn, format!("{path}: {why}"));
    }
    let done = report.parts.get(&part).copied().unwrap_or_default();
    let mut told = format!(
        "{} · {}",
        counted(done.files + done.whole_files, "file"),
        bytes(done.bytes + done.whole_bytes)
    );
    if done.whole_files > 0 {
        told.push_str(&format!(" · {} of them whole already", count(done.whole_files)));
    }
    if *files > 0 {
        ctx.log(Level::Info, format!("{told}; on the disk"));
    }
    ctx.message(&told);
    Ok(Done::Completed(CopiedPart { report }))
}

/// What an operator should read of a copy: a path, and what about it.
pub fn listed(report: &CopyReport) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |paths: &[files::RelPath], why: &str| {
        all.extend(paths.iter().map(|path| (path.as_path().display().to_string(), why.to_owned())));
    };
    add(&report.vanished, "was gone when its turn came");
    add(&report.unreadable, "cannot be read and was left out");
    add(&report.special, "is a socket, pipe or device and is never copied");
    add(&report.links_outside, "is a link that leads out of the site and was kept as it is");
    add(&report.names_apart, "shares its bytes with another name in the source and not in the copy");
    for changed in &report.changed {
        let why = if changed.settled {
            "changed while it was read and was read again"
        } else {
            "kept changing while it was read"
        };
        all.push((changed.path.as_path().display().to_string(), why.into()));
    }
    all
}
