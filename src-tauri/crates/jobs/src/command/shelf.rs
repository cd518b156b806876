use clonedeck_site::Result;

use super::catalogue::Catalogue;
use crate::Programs;

/// What the command jobs of one data directory share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Commands {
    programs: Programs,
}

impl Commands {
    /// Commands whose programs are among these. Reads and starts nothing.
    pub fn new(programs: &Programs) -> Self {
        Self { programs: programs.clone() }
    }

    /// The list as it is now: Clonedeck's own and the operator's `commands.toml`.
    pub fn catalogue(&self) -> Result<Catalogue> {
        Catalogue::with_file(&self.programs.data_dir().join("commands.toml"))
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }
}
