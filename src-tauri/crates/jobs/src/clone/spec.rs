use std::path::PathBuf;

use clonedeck_site::Part;
use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::files::Verify;
use serde::{Deserialize, Serialize};

use super::Links;

/// What a clone was asked for. Never changes once the job is accepted, and holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloneSpec {
    /// Folder of the site; it is only read.
    pub source: PathBuf,
    /// Folder of the copy.
    pub target: PathBuf,
    /// Address of the copy; a preview address on this machine when none.
    pub url: Option<String>,
    /// Database of the copy; a new one beside the source's when none.
    pub db: Option<DatabaseAddress>,
    /// Name under which the password for `db` is kept, where it is not the source's own.
    pub db_secret: Option<String>,
    /// Database of the source, where its configuration does not say.
    pub source_db: Option<DatabaseAddress>,
    /// Address of the source, where neither configuration nor database say.
    pub source_url: Option<String>,
    /// What the names of the source's tables begin with, where its configuration does not say.
    pub source_prefix: Option<String>,
    /// The source's configuration file, where it is in no usual place.
    pub source_config: Option<PathBuf>,
    /// Name under which the password of the source's database and its environment are kept, where they were given.
    pub source_secret: Option<String>,
    /// What becomes of folders outside of the source that it has in itself by a link.
    pub links: Links,
    /// Parts that are left out.
    pub skip: Vec<Part>,
    /// Patterns of files that are left out, in gitignore's language.
    pub exclude: Vec<String>,
    /// Set aside what the target holds.
    pub replace: bool,
    /// Leave the guid of posts as they are.
    pub keep_guids: bool,
    /// Let the copy reach other servers.
    pub open_egress: bool,
    /// Switches of what keeps a copy quiet that are off, by id.
    pub neutralise_off: Vec<String>,
    /// Copy what can be read when something cannot.
    pub allow_unreadable: bool,
    /// Compare every file byte for byte, not only a sample.
    pub verify_all: bool,
    /// Name of the copy in lists, where it is not the folder's.
    pub name: Option<String>,
}

/// The share of the files that is compared byte for byte when not all are.
const SAMPLE: f64 = 0.05;

impl CloneSpec {
    /// The name of the job in lists.
    pub fn title(&self) -> String {
        let name = |path: &std::path::Path| {
            path.file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
        };
        self.name.clone().unwrap_or_else(|| format!("{} → {}", name(&self.source), name(&self.target)))
    }

    /// Whether a part is copied.
    pub fn copies(&self, part: Part) -> bool {
        !self.skip.contains(&part)
    }

    /// The parts made of files that are copied.
    pub fn parts(&self) -> Vec<Part> {
        Part::OF_FILES.into_iter().filter(|part| self.copies(*part)).collect()
    }

    /// How closely files are compared at the end.
    pub fn verify(&self) -> Verify {
        if self.verify_all { Verify::Full } else { Verify::Sampled { seed: 0x00c1_04ed_ecc5, share: SAMPLE } }
    }
}
