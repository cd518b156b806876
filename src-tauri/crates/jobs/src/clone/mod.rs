//! The main job: a working copy of a site, proved, that harms nobody.
//!
//! Attach platform → Plan → Prepare target → Copy core, modules, themes, media → Copy database → Rewrite addresses → Update site
//! defaults → Check the copy → Ready. The source is recognised anew in each step that reads it, because its password is handed on
//! nowhere: what steps hand on is stored in the open. The database may be copied beside the files, ahead of its turn; where addresses
//! are rewritten on the way it is settled and its values are counted there as well. A failed clone keeps what it made, so that a retry
//! goes on from there; a cancelled one leaves nothing behind.

mod attach;
mod check;
mod copy_database;
mod copy_files;
mod defaults;
mod linked;
mod look;
mod made;
mod plan;
mod prepare;
mod ready;
mod receipt;
mod rewrite;
mod rewrite_files;
mod rewriting;
mod shared;
mod source;
mod spec;
mod stranger;
mod succession;
mod trees;

use clonedeck_queue::{Job, JobId, Line, Needs, OnFailure, Policy};

use crate::{Previews, Secrets};

pub use attach::{AttachPlatform, Attached, learn, platform_title};
pub use check::{CheckTheCopy, recheck};
pub use copy_database::CopyDatabase;
pub use copy_files::{CopyCore, CopyMedia, CopyModules, CopyThemes};
pub use defaults::UpdateSiteDefaults;
pub use linked::Links;
pub use made::{Made, Owner};
pub use plan::{Draft, LeftOut, Plan, Planned, draft, target_beside};
pub use prepare::PrepareTarget;
pub use ready::Ready;
pub use receipt::Receipt;
pub use rewrite::RewriteAddresses;
pub use source::{OpenSource, SourceSecrets, hints, open as open_source};
pub use spec::CloneSpec;

/// The job kind `clone`.
#[derive(Debug, Clone)]
pub struct CloneSite {
    /// Where copies are served.
    pub previews: Previews,
    /// Where passwords are kept.
    pub secrets: Secrets,
}

impl Job for CloneSite {
    const KIND: &'static str = "clone";
    type Spec = CloneSpec;

    fn title(&self, spec: &CloneSpec) -> String {
        spec.title()
    }

    fn steps(&self, line: &mut Line<Self>) {
        let secrets = || self.secrets.clone();
        line.step(AttachPlatform { secrets: secrets() })
            .step(Plan { secrets: secrets(), previews: self.previews.clone() })
            .step(PrepareTarget { secrets: secrets(), previews: self.previews.clone() })
            .step(CopyCore)
            .step(CopyModules)
            .step(CopyThemes)
            .step(CopyMedia)
            .ahead::<PrepareTarget, _>(CopyDatabase { secrets: secrets() })
            .step(RewriteAddresses { secrets: secrets() })
            .step(UpdateSiteDefaults { secrets: secrets() })
            .step(CheckTheCopy { secrets: secrets(), previews: self.previews.clone() })
            .step(Ready { secrets: secrets() });
    }

    fn needs(&self, spec: &CloneSpec) -> Needs {
        // Two clones onto one folder would each see the other's half; the folder is compared by what it really is at the plan.
        let needs = Needs::default().exclusive(format!("target:{}", spec.target.display()));
        match &spec.db {
            Some(address) => needs.exclusive(format!("database:{address}")),
            None => needs,
        }
    }

    fn let_go(&self, id: JobId, spec: &CloneSpec) {
        self.secrets.forget_given(spec);
        self.previews.let_port_go(&id.to_string());
    }

    fn policy(&self) -> Policy {
        // A database server that is started again takes its time.
        Policy { tries: 6, on_failure: OnFailure::Keep, ..Policy::default() }
    }
}
