use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What a build needs until something is known.
const USUAL: u64 = 512 << 20;

/// How much memory the builds of each project took, learned from earlier runs.
#[derive(Debug, Clone)]
pub(super) struct Estimates {
    file: PathBuf,
}

impl Estimates {
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Bytes that a build of this project needs.
    pub fn of(&self, project: &Path) -> u64 {
        self.read().get(&name(project)).copied().unwrap_or(USUAL).max(USUAL)
    }

    /// Takes in what a run took at most. Grows at once, shrinks slowly.
    pub fn learn(&self, project: &Path, peak: u64) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.read();
        let known = all.entry(name(project)).or_default();
        *known = if peak > *known { peak } else { *known - (*known - peak) / 4 };
        let new = self.file.with_extension("new");
        let text = serde_json::to_vec(&all).unwrap_or_default();
        let parent = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        // Nothing depends on it but the next estimate.
        let _ =
            parent.and_then(|()| std::fs::write(&new, text)).and_then(|()| std::fs::rename(&new, &self.file));
    }

    fn read(&self) -> BTreeMap<String, u64> {
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
        estimates.learn(project, 2 << 30);
        assert_eq!(estimates.of(project), 2 << 30);
        estimates.learn(project, 1 << 30);
        assert_eq!(estimates.of(project), (2 << 30) - (256 << 20));
        assert_eq!(estimates.of(Path::new("/srv/other")), USUAL);
    }
}
