//! Trees of files for tests, and a comparison of two trees that knows nothing of the copier.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Bytes that look random and are the same for the same seed.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

pub fn set_mtime(path: &Path, seconds: u64, nanos: u32) {
    let time = UNIX_EPOCH + Duration::new(seconds, nanos);
    fs::File::open(path).expect("a tree for tests").set_modified(time).expect("a tree for tests");
}

/// A small site with everything that a copier may stumble over.
pub fn awkward(root: &Path) {
    let folder = |path: &str| fs::create_dir_all(root.join(path)).expect("a tree for tests");
    let file = |path: &[u8], seed: u64, len: usize| {
        let path = root.join(OsStr::from_bytes(path));
        fs::write(&path, bytes(seed, len)).expect("a tree for tests");
        set_mtime(&path, 1_500_000_000 + seed, 123_456_789);
    };
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).expect("a tree for tests");
    };
    for path in [
        "wp-content/plugins/shop/src",
        "wp-content/themes/plain",
        "wp-content/uploads/2024/05",
        "wp-content/uploads/empty/emptier",
        "with space/and  two",
        "-rf",
        "read-only",
        "sticky",
        "deep/deep/deep/deep/deep/deep/deep/deep/deep/deep",
    ] {
        folder(path);
    }
    file(b"index.php", 1, 420);
    file(b"empty", 2, 0);
    file(b"one-byte", 3, 1);
    file(b"buffer", 4, 256 << 10);
    file(b"buffer-and-one", 5, (256 << 10) + 1);
    file(b"wp-content/uploads/2024/05/film.mp4", 6, 3_000_001);
    file(b"with space/and  two/a b.txt", 7, 10);
    file(b"new\nline", 8, 10);
    file(b"-rf/--help", 9, 10);
    file(b"\xff\xfe not utf-8 \x01", 10, 10);
    file("ünïcödé 日本 🎈".as_bytes(), 11, 10);
    file(b"back\\slash and \"quotes\" 'too' $HOME `x` *?[a]", 12, 10);
    file(&[b'n'; 255], 13, 10);
    file(b"deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/end", 14, 10);
    file(b"wp-content/plugins/shop/src/shop.php", 15, 5000);
    file(b"wp-content/themes/plain/style.css", 16, 900);
    file(b"read-only/file", 17, 77);
    file(b"secret", 18, 20);
    file(b"run.sh", 19, 20);
    file(b"before-epoch", 20, 20);
    for number in 0..300_u64 {
        file(format!("wp-content/plugins/shop/src/f{number}.php").as_bytes(), number, (number * 37) as usize);
    }
    let old = UNIX_EPOCH - Duration::from_hours(365 * 24);
    fs::File::open(root.join("before-epoch"))
        .expect("a tree for tests")
        .set_modified(old)
        .expect("a tree for tests");

    let mut sparse = fs::File::create(root.join("sparse")).expect("a tree for tests");
    sparse.set_len(9 << 20).expect("a tree for tests");
    for at in [0_u64, 1 << 20, (5 << 20) + 17] {
        sparse.seek(SeekFrom::Start(at)).expect("a tree for tests");
        sparse.write_all(&bytes(at, 5000)).expect("a tree for tests");
    }
    fs::File::create(root.join("only-a-hole"))
        .expect("a tree for tests")
        .set_len(1 << 20)
        .expect("a tree for tests");

    symlink("index.php", root.join("link")).expect("a tree for tests");
    symlink("../../index.php", root.join("wp-content/uploads/up")).expect("a tree for tests");
    symlink("wp-content/uploads", root.join("link-to-folder")).expect("a tree for tests");
    symlink("nowhere", root.join("dangling")).expect("a tree for tests");
    symlink("itself", root.join("itself")).expect("a tree for tests");
    symlink(OsStr::from_bytes(b"\xfe\n"), root.join("link-of-any-bytes")).expect("a tree for tests");
    symlink("/etc/hostname", root.join("link-out")).expect("a tree for tests");

    fs::hard_link(root.join("one-byte"), root.join("one-byte-again")).expect("a tree for tests");
    fs::hard_link(root.join("one-byte"), root.join("wp-content/plugins/shop/one-byte-too"))
        .expect("a tree for tests");
    fs::hard_link(
        root.join("wp-content/uploads/2024/05/film.mp4"),
        root.join("wp-content/themes/plain/film.mp4"),
    )
    .expect("a tree for tests");

    mode("secret", 0o600);
    mode("run.sh", 0o755);
    mode("read-only/file", 0o444);
    mode("buffer", 0o4755);
    mode("wp-content/uploads/empty", 0o775);
    mode("sticky", 0o1777);
    mode("wp-content/themes", 0o2755);
    let wanted = [("user.clonedeck", &b"any\0value"[..]), ("user.empty", b"")];
    for (name, value) in wanted {
        // Not every file system knows them; where they are, the comparison sees them.
        let _ = rustix::fs::setxattr(root.join("index.php"), name, value, rustix::fs::XattrFlags::empty());
    }
    // Folders last, as everything made in them changes their times.
    set_mtime(&root.join("wp-content/uploads/empty/emptier"), 1_400_000_000, 5);
    set_mtime(&root.join("wp-content/plugins/shop"), 1_400_000_001, 6);
    set_mtime(&root.join("wp-content/plugins"), 1_400_000_002, 7);
    set_mtime(&root.join("wp-content"), 1_400_000_003, 8);
    set_mtime(&root.join("read-only"), 1_400_000_004, 9);
    mode("read-only", 0o555);
    set_mtime(root, 1_400_000_005, 10);
}

/// Adds `count` small files to a tree, a thousand a folder, of 0 to 3,000 bytes.
pub fn many(root: &Path, count: u64) {
    for number in 0..count {
        let folder = root.join(format!("many/{:03}", number / 1000));
        if number % 1000 == 0 {
            fs::create_dir_all(&folder).expect("a folder");
        }
        let len = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 3001;
        fs::write(folder.join(format!("file-{number}.dat")), bytes(number, len as usize)).expect("a file");
    }
}

/// Makes sockets and pipes, which no copy has.
pub fn special(root: &Path) -> UnixListener {
    let listener = UnixListener::bind(root.join("socket")).expect("a tree for tests");
    assert!(fs::symlink_metadata(root.join("socket")).expect("a tree for tests").file_type().is_socket());
    listener
}

/// What a comparison sees of one entry.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    mtime: (i64, i64),
    len: u64,
    /// The sum of a file's bytes, or where a link leads.
    contents: String,
    /// The first path with the same inode.
    first_name: PathBuf,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether it takes less room than its length.
    holes: bool,
}

/// Panics when two trees differ; see [`differences`].
///
/// # Panics
/// See above.
pub fn assert_same(a: &Path, b: &Path) {
    let found = differences(a, b, |_| false);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
}

/// What is not the same in both trees, a line for each entry: contents, kinds, modes, owners, times to the nanosecond, names of one
/// file, extended attributes; and holes, where `a` has them. Entries for which `apart` says so, by their path below the root, are not
/// looked at.
pub fn differences(a: &Path, b: &Path, apart: impl Fn(&Path) -> bool) -> Vec<String> {
    let (seen_a, mut seen_b) = (see(a), see(b));
    let mut found = Vec::new();
    for (path, in_a) in &seen_a {
        let in_b = seen_b.remove(path);
        if apart(path) {
            continue;
        }
        match in_b {
            None => found.push(format!("{} is missing", path.display())),
            Some(mut in_b) => {
                if !in_a.holes {
                    in_b.holes = false;
                }
                if *in_a != in_b {
                    found.push(format!("{}: {} against {}", path.display(), in_a.told(), in_b.told()));
                }
            }
        }
    }
    found.extend(
        seen_b.keys().filter(|path| !apart(path)).map(|path| format!("{} is too many", path.display())),
    );
    found
}

/// Panics with what is not the same in a tree that was looked at twice with [`fingerprint`].
///
/// # Panics
/// See above.
pub fn assert_unchanged(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>) {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    for path in paths {
        assert_eq!(before.get(path), after.get(path), "{} changed", path.display());
    }
}

/// A tree as text that shows every change of it: a line for each entry, with its kind, mode, owner, time and a sum of its bytes.
pub fn fingerprint(root: &Path) -> BTreeMap<PathBuf, String> {
    see(root).into_iter().map(|(path, seen)| (path, seen.told())).collect()
}

impl Seen {
    fn told(&self) -> String {
        format!(
            "{} {:o} {:?} {:?} {} bytes {} {} {:?}{}",
            self.kind,
            self.mode,
            self.owner,
            self.mtime,
            self.len,
            self.contents,
            self.first_name.display(),
            self.attributes,
            if self.holes { " with holes" } else { "" }
        )
    }
}

fn see(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut paths = vec![PathBuf::new()];
    let mut first_names: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut all = Vec::new();
    while let Some(path) = paths.pop() {
        let whole = below(root, &path);
        if fs::symlink_metadata(&whole).expect("an entry").is_dir() {
            for entry in fs::read_dir(&whole).expect("a folder") {
                paths.push(path.join(entry.expect("an entry").file_name()));
            }
        }
        all.push(path);
    }
    all.sort();
    for path in all {
        let whole = below(root, &path);
        let meta = fs::symlink_metadata(&whole).expect("an entry");
        let kind = meta.file_type();
        let (kind, contents) = if kind.is_file() {
            ("file", sum(&whole))
        } else if kind.is_symlink() {
            ("link", fs::read_link(&whole).expect("a link").as_os_str().as_bytes().escape_ascii().to_string())
        } else if kind.is_dir() {
            ("folder", String::new())
        } else {
            ("special", String::new())
        };
        let first_name = first_names.entry((meta.dev(), meta.ino())).or_insert_with(|| path.clone()).clone();
        seen.insert(
            path,
            Seen {
                kind,
                mode: meta.mode(),
                owner: (meta.uid(), meta.gid()),
                mtime: (meta.mtime(), meta.mtime_nsec()),
                len: if kind == "folder" { 0 } else { meta.len() },
                contents,
                first_name,
                attributes: attributes(&whole),
                holes: kind == "file" && meta.blocks() * 512 < meta.len(),
            },
        );
    }
    seen
}

fn sum(file: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    let opened = fs::File::open(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    hasher.update_reader(opened).expect("the bytes of a file");
    hasher.finalize().to_hex().to_string()
}

/// `join` that leaves no slash at the end.
fn below(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}

fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 4096];
    let Ok(len) = rustix::fs::llistxattr(path, &mut names[..]) else { return BTreeMap::new() };
    let names = names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 4096];
            let len = rustix::fs::lgetxattr(path, name, &mut value[..]).expect("an attribute");
            (name.to_vec(), value[..len].to_vec())
        })
        .collect()
}
