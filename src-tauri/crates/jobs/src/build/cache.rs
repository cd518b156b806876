use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::tree::{Tree, clone_tree, count, describe, remove_tree};

/// Outcomes of steps by their keys: a folder for each, with a manifest of what is in it. One outcome is never found under another key.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    limits: Arc<RwLock<Limits>>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    keep: Duration,
    bytes: u64,
}

/// What the cache takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheUse {
    /// Entries.
    pub entries: u64,
    /// Bytes.
    pub bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    key: Key,
    tree: Tree,
}

const MANIFEST: &str = "manifest.json";
const TREE: &str = "tree";

impl Cache {
    /// The cache in `folder`, which need not be there yet. Entries are kept 24 hours after their last use, 10 GiB altogether.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let limits = Limits { keep: Duration::from_hours(24), bytes: 10 << 30 };
        Self { folder: folder.into(), limits: Arc::new(RwLock::new(limits)) }
    }

    /// Sets how long entries are kept after their last use, and how many bytes altogether.
    pub fn limits(self, keep: Duration, bytes: u64) -> Self {
        self.set_limits(keep, bytes);
        self
    }

    /// [`limits`](Self::limits), for every clone of this value; takes hold when something is kept next.
    pub fn set_limits(&self, keep: Duration, bytes: u64) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Limits { keep, bytes };
    }

    /// Keeps under `key` those of `names` that are in `folder`. The files are shared with the cache (reflink or hard link), not moved.
    /// With no names it keeps only that something went well.
    pub fn keep(&self, key: &Key, folder: &Path, names: &[&str]) -> Result<()> {
        let place = self.folder.join(key.name());
        let new = self.fresh(key)?;
        let store = || -> io::Result<()> {
            let tree = new.join(TREE);
            fs::create_dir(&tree)?;
            for name in names.iter().filter(|name| folder.join(name).is_dir()) {
                clone_tree(&folder.join(name), &tree.join(name))?;
            }
            let manifest = Manifest { key: key.clone(), tree: describe(&tree)? };
            fs::write(new.join(MANIFEST), serde_json::to_vec(&manifest)?)?;
            fs::rename(&new, &place)
        };
        let stored = store();
        if stored.is_err() {
            let _ = fs::remove_dir_all(&new);
        }
        match stored {
            // Somebody else kept the same meanwhile.
            Err(_) if place.join(MANIFEST).is_file() => Ok(()),
            Err(error) => Err(unusable(&self.folder, &error)),
            Ok(()) => self.tidy().map(drop),
        }
    }

    /// Makes `names` in `folder` what is kept under `key`, each in one move; what was there before is replaced. Answers whether there
    /// was anything. A damaged entry is thrown away and counts as nothing.
    pub fn bring(&self, key: &Key, folder: &Path, names: &[&str]) -> Result<bool> {
        let entry = self.folder.join(key.name());
        let Some(manifest) = self.whole(key) else {
            if entry.exists() {
                tracing::warn!(%key, "an entry of the build cache is damaged and is thrown away");
                Self::discard(&entry);
            }
            return Ok(false);
        };
        let beside = folder.join(format!(".clonedeck-{key}"));
        let put = || -> io::Result<()> {
            remove_tree(&beside)?;
            clone_tree(&entry.join(TREE), &beside)?;
            // The entry was whole a moment ago; what was linked is looked at by its number.
            if count(&beside)? != manifest.tree.parts.len() {
                return Err(io::Error::other("the entry vanished"));
            }
            for name in names {
                remove_tree(&folder.join(name))?;
                if beside.join(name).is_dir() {
                    fs::rename(beside.join(name), folder.join(name))?;
                }
            }
            Ok(())
        };
        let brought = put();
        let _ = remove_tree(&beside);
        if let Err(error) = brought {
            tracing::warn!(%key, %error, "an entry of the build cache could not be used");
            return Ok(false);
        }
        self.used_now(key);
        Ok(true)
    }

    /// Whether something whole is kept under `key`; that counts as a use.
    pub fn holds(&self, key: &Key) -> Result<bool> {
        let is_there = self.whole(key).is_some();
        if is_there {
            self.used_now(key);
        }
        Ok(is_there)
    }

    fn used_now(&self, key: &Key) {
        let file = self.folder.join(key.name()).join(MANIFEST);
        let _ = File::options().write(true).open(file).and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Removes what was not used for long, and the longest unused above the limit. Answers what is left.
    pub fn tidy(&self) -> Result<CacheUse> {
        let mut entries = self.entries()?;
        entries.sort_by_key(|(used, ..)| *used);
        let mut left =
            CacheUse { entries: entries.len() as u64, bytes: entries.iter().map(|(.., bytes)| bytes).sum() };
        let now = SystemTime::now();
        let limits = *self.limits.read().unwrap_or_else(PoisonError::into_inner);
        for (used, place, bytes) in entries {
            let is_old = now.duration_since(used).unwrap_or_default() > limits.keep;
            if is_old || left.bytes > limits.bytes {
                Self::discard(&place);
                left.entries -= 1;
                left.bytes -= bytes;
            }
        }
        Ok(left)
    }

    /// What it takes now.
    pub fn used(&self) -> Result<CacheUse> {
        let entries = self.entries()?;
        Ok(CacheUse { entries: entries.len() as u64, bytes: entries.iter().map(|(.., bytes)| bytes).sum() })
    }

    /// Removes everything. Answers what that was.
    pub fn clear(&self) -> Result<CacheUse> {
        let used = self.used()?;
        if self.folder.exists() {
            remove_tree(&self.folder).map_err(|error| unusable(&self.folder, &error))?;
        }
        Ok(used)
    }

    fn entries(&self) -> Result<Vec<(SystemTime, PathBuf, u64)>> {
        let folder = match fs::read_dir(&self.folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&self.folder, &error)),
        };
        let mut entries = Vec::new();
        for place in folder.filter_map(|entry| Some(entry.ok()?.path())) {
            let file = place.join(MANIFEST);
            if let (Ok(about), Some(manifest)) = (fs::metadata(&file), read_manifest(&file)) {
                entries.push((
                    about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    place,
                    manifest.tree.bytes,
                ));
            } else if fs::metadata(&place).and_then(|about| about.modified()).is_ok_and(|at| {
                // Left by something that was cut off; what is being made right now is younger.
                at.elapsed().unwrap_or_default() > Duration::from_hours(1)
            }) {
                let _ = remove_tree(&place);
            }
        }
        Ok(entries)
    }

    /// The manifest of an entry of which every file is as it was.
    fn whole(&self, key: &Key) -> Option<Manifest> {
        let entry = self.folder.join(key.name());
        let manifest = read_manifest(&entry.join(MANIFEST)).filter(|manifest| manifest.key == *key)?;
        (describe(&entry.join(TREE)).ok()? == manifest.tree).then_some(manifest)
    }

    /// First out of sight in one move, then removed.
    fn discard(entry: &Path) {
        let away = entry.with_extension(format!("old-{}", std::process::id()));
        let gone = fs::rename(entry, &away).and_then(|()| remove_tree(&away));
        if let Err(error) = gone {
            tracing::warn!(entry = %entry.display(), %error, "an entry of the build cache cannot be removed");
        }
    }

    fn fresh(&self, key: &Key) -> Result<PathBuf> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = self.folder.join(format!("{}.new-{}-{number}", key.name(), std::process::id()));
        remove_tree(&place)
            .and_then(|()| fs::create_dir_all(&place))
            .map_err(|error| unusable(&self.folder, &error))?;
        Ok(place)
    }
}

fn read_manifest(file: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn unusable(folder: &Path, error: &io::Error) -> Problem {
    let problem = match error.kind() {
        io::ErrorKind::StorageFull => Problem::needs_person(
            "disk.full",
            format!("There is no room for the build cache in {}.", folder.display()),
        )
        .help("Make room, or clear the cache; the job goes on by itself."),
        _ => Problem::transient(
            "cache.unusable",
            format!("The build cache in {} cannot be used: {error}.", folder.display()),
        ),
    };
    problem.with("path", folder.display())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tree::symlink;
    use super::*;

    const NAMES: &[&str] = &["out", "more"];

    fn key(text: &str) -> Key {
        Key::of(&BTreeMap::from([("x".to_owned(), text.as_bytes().to_vec())]))
    }

    /// A folder in which a program has made one of the two names.
    fn made(folder: &Path, text: &str) -> PathBuf {
        let made = folder.join(format!("made-{text}"));
        let tree = made.join("out");
        fs::create_dir_all(tree.join("a/empty")).unwrap();
        fs::write(tree.join("a/file"), text).unwrap();
        fs::write(tree.join("run"), "#!/bin/sh").unwrap();
        symlink(Path::new("a/file"), &tree.join("link")).unwrap();
        made
    }

    #[test]
    fn what_is_kept_comes_back_whole_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"));
        let place = folder.path().join("place");
        assert!(!cache.bring(&key("1"), &place, NAMES).unwrap());
        cache.keep(&key("1"), &made(folder.path(), "one"), NAMES).unwrap();
        for old in ["out/old", "more/old", "mine/old"] {
            fs::create_dir_all(place.join(old)).unwrap();
        }
        assert!(cache.bring(&key("1"), &place, NAMES).unwrap());
        assert_eq!(fs::read_to_string(place.join("out/link")).unwrap(), "one");
        assert!(place.join("out/a/empty").is_dir() && !place.join("out/old").exists());
        assert!(!place.join("more").exists(), "it was not made then either");
        let mut left: Vec<_> = place.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["mine", "out"], "nothing else is touched or left");
        assert!(!cache.bring(&key("2"), &place, NAMES).unwrap(), "another key is another thing");
        assert_eq!(cache.clear().unwrap().entries, 1);
        assert_eq!(cache.used().unwrap(), CacheUse::default());
    }

    #[test]
    fn a_damaged_entry_is_noticed_and_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let damages: [fn(&Path); 5] = [
            |tree| fs::write(tree.join("out/a/file"), "onf").unwrap(),
            |tree| fs::remove_file(tree.join("out/run")).unwrap(),
            |tree| fs::write(tree.join("more"), "").unwrap(),
            |tree| fs::remove_dir_all(tree).unwrap(),
            |tree| fs::write(tree.with_file_name(MANIFEST), "{").unwrap(),
        ];
        for (index, damage) in damages.iter().enumerate() {
            let cache = Cache::new(folder.path().join(format!("cache-{index}")));
            let base = folder.path().join(index.to_string());
            fs::create_dir(&base).unwrap();
            cache.keep(&key("1"), &made(&base, "one"), NAMES).unwrap();
            damage(&cache.folder.join(key("1").name()).join(TREE));
            let place = base.join("place");
            assert!(!cache.bring(&key("1"), &place, NAMES).unwrap(), "damage {index}");
            assert!(!place.exists() && !cache.folder.join(key("1").name()).exists());
        }
    }

    #[test]
    fn the_longest_unused_goes_first_and_the_old_goes_anyway() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache")).limits(Duration::from_hours(1), 30);
        let age = |text: &str, minutes: u64| {
            let file =
                File::options().write(true).open(cache.folder.join(key(text).name()).join(MANIFEST)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_mins(minutes)).unwrap();
        };
        cache.keep(&key("old"), &made(folder.path(), "old"), NAMES).unwrap();
        age("old", 90);
        cache.keep(&key("1"), &made(folder.path(), "one"), NAMES).unwrap();
        age("1", 20);
        cache.keep(&key("2"), &made(folder.path(), "two"), NAMES).unwrap();
        age("2", 10);
        assert!(cache.bring(&key("1"), &folder.path().join("place"), NAMES).unwrap(), "used again");
        assert_eq!(cache.used().unwrap().entries, 2, "each takes 12 bytes, and the old one is gone");
        cache.keep(&key("3"), &made(folder.path(), "three"), NAMES).unwrap();
        assert!(!cache.bring(&key("2"), &folder.path().join("place"), NAMES).unwrap());
        assert!(cache.bring(&key("1"), &folder.path().join("place"), NAMES).unwrap());
    }
}
