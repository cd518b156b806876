use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::key::Key;

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
    bytes: u64,
    /// Files, folders and links by their path.
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    Folder,
    Link(String),
    File { size: u64, hash: String, executable: bool },
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

    /// Keeps the tree `from` under `key`. The files are shared with the cache (reflink or hard link), not moved.
    pub fn keep(&self, key: &Key, from: &Path) -> Result<()> {
        let place = self.folder.join(key.name());
        let new = self.fresh(key, "new")?;
        let store = || -> io::Result<()> {
            let mut manifest = Manifest { key: key.clone(), bytes: 0, parts: BTreeMap::new() };
            clone_tree(from, &new.join(TREE))?;
            describe(&new.join(TREE), &mut manifest)?;
            let text = serde_json::to_vec(&manifest)?;
            fs::write(new.join(MANIFEST), text)?;
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

    /// Puts what is kept under `key` at `place`, in one move; what was there before is replaced. Answers whether there was anything.
    /// A damaged entry is thrown away and counts as nothing.
    pub fn bring(&self, key: &Key, place: &Path) -> Result<bool> {
        let entry = self.folder.join(key.name());
        let Some(manifest) = self.whole(key) else {
            if entry.exists() {
                tracing::warn!(%key, "an entry of the build cache is damaged and is thrown away");
                Self::discard(&entry);
            }
            return Ok(false);
        };
        let beside = place.with_file_name(format!(
            "{}.clonedeck-new",
            place.file_name().unwrap_or_default().to_string_lossy()
        ));
        let put = || -> io::Result<()> {
            remove_tree(&beside)?;
            clone_tree(&entry.join(TREE), &beside)?;
            let mut copied = Manifest { key: key.clone(), bytes: 0, parts: BTreeMap::new() };
            // The entry was whole a moment ago; what was linked is looked at by its outline.
            outline(&beside, &mut copied)?;
            if copied.parts.len() != manifest.parts.len() {
                return Err(io::Error::other("the entry vanished"));
            }
            remove_tree(place)?;
            fs::rename(&beside, place)
        };
        if let Err(error) = put() {
            let _ = remove_tree(&beside);
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

    /// Keeps only that something went well.
    pub fn keep_mark(&self, key: &Key) -> Result<()> {
        let empty = self.fresh(key, "mark")?;
        let kept = self.keep(key, &empty);
        let _ = remove_tree(&empty);
        kept
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
                entries.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), place, manifest.bytes));
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
        let mut found = Manifest { key: key.clone(), bytes: 0, parts: BTreeMap::new() };
        describe(&entry.join(TREE), &mut found).ok()?;
        (found.parts == manifest.parts).then_some(manifest)
    }

    /// First out of sight in one move, then removed.
    fn discard(entry: &Path) {
        let away = entry.with_extension(format!("old-{}", std::process::id()));
        let gone = fs::rename(entry, &away).and_then(|()| remove_tree(&away));
        if let Err(error) = gone {
            tracing::warn!(entry = %entry.display(), %error, "an entry of the build cache cannot be removed");
        }
    }

    fn fresh(&self, key: &Key, kind: &str) -> Result<PathBuf> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = self.folder.join(format!("{}.{kind}-{}-{number}", key.name(), std::process::id()));
        remove_tree(&place)
            .and_then(|()| fs::create_dir_all(&place))
            .map_err(|error| unusable(&self.folder, &error))?;
        Ok(place)
    }
}

fn read_manifest(file: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Removes a tree that may not be there.
pub(super) fn remove_tree(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Walks a tree in the order of names; the walk stays out of links.
fn walk(root: &Path, visit: &mut dyn FnMut(&Path, &str, fs::FileType) -> io::Result<()>) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(root.join(&at))? {
            let entry = entry?;
            let (path, kind) = (at.join(entry.file_name()), entry.file_type()?);
            let name = path.to_str().ok_or_else(|| io::Error::other("a name that is no text"))?;
            visit(&entry.path(), name, kind)?;
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

fn describe(tree: &Path, manifest: &mut Manifest) -> io::Result<()> {
    walk(tree, &mut |place, name, kind| {
        let part = if kind.is_dir() {
            Part::Folder
        } else if kind.is_symlink() {
            Part::Link(fs::read_link(place)?.to_string_lossy().into_owned())
        } else {
            let mut hash = blake3::Hasher::new();
            let file = File::open(place)?;
            let about = file.metadata()?;
            hash.update_reader(file)?;
            manifest.bytes += about.len();
            Part::File {
                size: about.len(),
                hash: hash.finalize().to_hex().to_string(),
                executable: is_executable(&about),
            }
        };
        manifest.parts.insert(name.to_owned(), part);
        Ok(())
    })
}

fn outline(tree: &Path, manifest: &mut Manifest) -> io::Result<()> {
    walk(tree, &mut |_, name, _| {
        manifest.parts.insert(name.to_owned(), Part::Folder);
        Ok(())
    })
}

/// The same tree at another place: files share their blocks where the file system can, else they are the same files, else copies.
fn clone_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    walk(from, &mut |place, name, kind| {
        let target = to.join(name);
        if kind.is_dir() {
            fs::create_dir_all(&target)
        } else if kind.is_symlink() {
            symlink(&fs::read_link(place)?, &target)
        } else if kind.is_file() {
            share(place, &target)
        } else {
            Ok(())
        }
    })
}

fn share(from: &Path, to: &Path) -> io::Result<()> {
    if reflink(from, to)? {
        return Ok(());
    }
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => fs::copy(from, to).map(drop),
    }
}

/// Shares the blocks of a file; says `false` when the file system cannot.
#[cfg(target_os = "linux")]
fn reflink(from: &Path, to: &Path) -> io::Result<bool> {
    use std::sync::atomic::{AtomicBool, Ordering};
    // Asked once and refused, it is not asked for every file again.
    static CANNOT: AtomicBool = AtomicBool::new(false);
    if CANNOT.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let (source, target) = (File::open(from)?, File::options().write(true).create_new(true).open(to)?);
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        target.set_permissions(source.metadata()?.permissions())?;
        return Ok(true);
    }
    CANNOT.store(true, Ordering::Relaxed);
    fs::remove_file(to)?;
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
fn is_executable(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, place)
}

#[cfg(not(unix))]
fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, place)
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
    use super::*;

    fn key(text: &str) -> Key {
        Key::of(&BTreeMap::from([("x".to_owned(), text.as_bytes().to_vec())]))
    }

    fn tree(folder: &Path, text: &str) -> PathBuf {
        let tree = folder.join(format!("tree-{text}"));
        fs::create_dir_all(tree.join("a/empty")).unwrap();
        fs::write(tree.join("a/file"), text).unwrap();
        fs::write(tree.join("run"), "#!/bin/sh").unwrap();
        symlink(Path::new("a/file"), &tree.join("link")).unwrap();
        tree
    }

    #[test]
    fn what_is_kept_comes_back_whole_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"));
        let place = folder.path().join("place");
        assert!(!cache.bring(&key("1"), &place).unwrap());
        cache.keep(&key("1"), &tree(folder.path(), "one")).unwrap();
        fs::create_dir(&place).unwrap();
        fs::write(place.join("old"), "").unwrap();
        assert!(cache.bring(&key("1"), &place).unwrap());
        assert_eq!(fs::read_to_string(place.join("link")).unwrap(), "one");
        assert!(place.join("a/empty").is_dir() && !place.join("old").exists());
        assert!(!cache.bring(&key("2"), &place).unwrap(), "another key is another thing");
        assert_eq!(cache.clear().unwrap().entries, 1);
        assert_eq!(cache.used().unwrap(), CacheUse::default());
    }

    #[test]
    fn a_damaged_entry_is_noticed_and_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let damages: [fn(&Path); 5] = [
            |tree| fs::write(tree.join("a/file"), "onf").unwrap(),
            |tree| fs::remove_file(tree.join("run")).unwrap(),
            |tree| fs::write(tree.join("more"), "").unwrap(),
            |tree| fs::remove_dir_all(tree).unwrap(),
            |tree| fs::write(tree.with_file_name(MANIFEST), "{").unwrap(),
        ];
        for (index, damage) in damages.iter().enumerate() {
            let cache = Cache::new(folder.path().join(format!("cache-{index}")));
            let base = folder.path().join(index.to_string());
            fs::create_dir(&base).unwrap();
            cache.keep(&key("1"), &tree(&base, "one")).unwrap();
            damage(&cache.folder.join(key("1").name()).join(TREE));
            let place = base.join("place");
            assert!(!cache.bring(&key("1"), &place).unwrap(), "damage {index}");
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
        cache.keep(&key("old"), &tree(folder.path(), "old")).unwrap();
        age("old", 90);
        cache.keep(&key("1"), &tree(folder.path(), "one")).unwrap();
        age("1", 20);
        cache.keep(&key("2"), &tree(folder.path(), "two")).unwrap();
        age("2", 10);
        assert!(cache.bring(&key("1"), &folder.path().join("place")).unwrap(), "used again");
        assert_eq!(cache.used().unwrap().entries, 2, "each takes 12 bytes, and the old one is gone");
        cache.keep(&key("3"), &tree(folder.path(), "three")).unwrap();
        assert!(!cache.bring(&key("2"), &folder.path().join("place")).unwrap());
        assert!(cache.bring(&key("1"), &folder.path().join("place")).unwrap());
    }
}
