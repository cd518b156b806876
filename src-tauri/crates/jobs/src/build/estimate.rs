use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clonedeck_site::files::write_whole;
use clonedeck_site::process::Ending;
use serde::{Deserialize, Serialize};

/// What a build needs until something is known.
const USUAL: Taken = Taken { memory: 512 << 20, cpu: 25 };

/// What programs took of the machine at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Bytes of memory.
    pub memory: u64,
    /// Percent of all processors together, on the average of a program's time.
    pub cpu: u32,
}

impl Taken {
    pub(super) fn of(ending: &Ending) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // What has ended in a moment says nothing about the rest of it.
        let took = ending.took.as_secs_f64().max(1.0);
        let cpu = ending.cpu.as_secs_f64() / took / processors as f64 * 100.0;
        Self { memory: ending.peak_memory, cpu: (cpu.round() as u32).min(100) }
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self { memory: self.memory.max(other.memory), cpu: self.cpu.max(other.cpu) }
    }
}

/// How much the builds of each project took, learned from earlier runs.
#[derive(Debug, Clone)]
pub(super) struct Estimates {
    file: PathBuf,
}

impl Estimates {
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// What a build of this project needs.
    pub fn of(&self, project: &Path) -> Taken {
        self.read().get(&name(project)).copied().unwrap_or(USUAL).max(USUAL)
    }

    /// Takes in what a program of a build took: at once when it is more than was known.
    pub fn grow(&self, project: &Path, taken: Taken) {
        self.change(project, |known| known.max(taken));
    }

    /// A build has ended in which nothing took more than this: what is known comes a little nearer to it.
    pub fn settle(&self, project: &Path, most: Taken) {
        self.change(project, |known| Taken {
            memory: known.memory - known.memory.saturating_sub(most.memory) / 4,
            cpu: known.cpu - known.cpu.saturating_sub(most.cpu) / 4,
        });
    }

    fn change(&self, project: &Path, change: impl FnOnce(Taken) -> Taken) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.read();
        let known = all.entry(name(project)).or_default();
        *known = change(*known);
        let text = serde_json::to_vec(&all).unwrap_or_default();
        // Nothing depends on it but the next estimate.
        let _ = write_whole(&self.file, &text);
    }

    fn read(&self) -> BTreeMap<String, Taken> {
        std::fs::read(&self.file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

fn name(project: &Path) -> String {
    blake3::hash(project.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_grows_at_once_and_shrinks_slowly() {
        let folder = tempfile::tempdir().unwrap();
        let estimates = Estimates::new(folder.path().join("cache/estimates.json"));
        let project = Path::new("/srv/shop");
        assert_eq!(estimates.of(project), USUAL);
        estimates.grow(project, Taken { memory: 2 << 30, cpu: 80 });
        estimates.grow(project, Taken { memory: 1 << 20, cpu: 90 });
        assert_eq!(estimates.of(project), Taken { memory: 2 << 30, cpu: 90 });
        estimates.settle(project, Taken { memory: 1 << 30, cpu: 50 });
        assert_eq!(estimates.of(project), Taken { memory: (2 << 30) - (256 << 20), cpu: 80 });
        assert_eq!(estimates.of(Path::new("/srv/other")), USUAL);
    }
}
