//! Trees for the tests of files, and a comparison of two trees that knows nothing of the copier.

#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
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
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// A small site with everything that a copier may stumble over.
pub fn awkward(root: &Path) {
    let folder = |path: &str| fs::create_dir_all(root.join(path)).unwrap();
    let file = |path: &[u8], seed: u64, len: usize| {
        let path = root.join(OsStr::from_bytes(path));
        fs::write(&path, bytes(seed, len)).unwrap();
        set_mtime(&path, 1_500_000_000 + seed, 123_456_789);
    };
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
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
    fs::File::open(root.join("before-epoch")).unwrap().set_modified(old).unwrap();

    let mut sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(9 << 20).unwrap();
    for at in [0_u64, 1 << 20, (5 << 20) + 17] {
        sparse.seek(SeekFrom::Start(at)).unwrap();
        sparse.write_all(&bytes(at, 5000)).unwrap();
    }
    fs::File::create(root.join("only-a-hole")).unwrap().set_len(1 << 20).unwrap();

    symlink("index.php", root.join("link")).unwrap();
    symlink("../../index.php", root.join("wp-content/uploads/up")).unwrap();
    symlink("wp-content/uploads", root.join("link-to-folder")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("itself", root.join("itself")).unwrap();
    symlink(OsStr::from_bytes(b"\xfe\n"), root.join("link-of-any-bytes")).unwrap();
    symlink("/etc/hostname", root.join("link-out")).unwrap();

    fs::hard_link(root.join("one-byte"), root.join("one-byte-again")).unwrap();
    fs::hard_link(root.join("one-byte"), root.join("wp-content/plugins/shop/one-byte-too")).unwrap();
    fs::hard_link(
        root.join("wp-content/uploads/2024/05/film.mp4"),
        root.join("wp-content/themes/plain/film.mp4"),
    )
    .unwrap();

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

/// Makes sockets and pipes, which no copy has.
pub fn special(root: &Path) -> UnixListener {
    let listener = UnixListener::bind(root.join("socket")).unwrap();
    assert!(fs::symlink_metadata(root.join("socket")).unwrap().file_type().is_socket());
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
    contents: Vec<u8>,
    /// The first path with the same inode.
    first_name: PathBuf,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Panics with the first entry that is not the same in both trees: contents, kinds, modes, owners, times to the nanosecond, names of
/// one file, extended attributes; and holes, where `a` has them.
pub fn assert_same(a: &Path, b: &Path) {
    let (seen_a, seen_b) = (see(a), see(b));
    let paths = |seen: &BTreeMap<PathBuf, Seen>| seen.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&seen_a), paths(&seen_b));
    for (path, in_a) in &seen_a {
        assert!(*in_a == seen_b[path], "{}: {}", path.display(), told(in_a, &seen_b[path]));
        let blocks = |root: &Path| fs::symlink_metadata(root.join(path)).unwrap().blocks();
        if in_a.kind == "file" && blocks(a) * 512 < in_a.len {
            assert!(blocks(b) * 512 < in_a.len, "{} lost its holes", path.display());
        }
    }
}

fn told(a: &Seen, b: &Seen) -> String {
    let short = |seen: &Seen| {
        format!(
            "{} {:o} {:?} {:?} {} {}",
            seen.kind,
            seen.mode,
            seen.owner,
            seen.mtime,
            seen.len,
            seen.first_name.display()
        )
    };
    format!("{} against {}, contents same: {}", short(a), short(b), a.contents == b.contents)
}

fn see(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut paths = vec![PathBuf::new()];
    let mut first_names: HashMap<(u64, u64), PathBuf> = HashMap::new();
    let mut all = Vec::new();
    while let Some(path) = paths.pop() {
        let whole = root.join(&path);
        if fs::symlink_metadata(&whole).unwrap().is_dir() {
            for entry in fs::read_dir(&whole).unwrap() {
                paths.push(path.join(entry.unwrap().file_name()));
            }
        }
        all.push(path);
    }
    all.sort();
    for path in all {
        let whole = root.join(&path);
        let meta = fs::symlink_metadata(&whole).unwrap();
        let kind = meta.file_type();
        let (kind, contents) = if kind.is_file() {
            ("file", fs::read(&whole).unwrap())
        } else if kind.is_symlink() {
            ("link", fs::read_link(&whole).unwrap().into_os_string().into_vec())
        } else if kind.is_dir() {
            ("folder", Vec::new())
        } else {
            ("special", Vec::new())
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
            },
        );
    }
    seen
}

fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 4096];
    let Ok(len) = rustix::fs::llistxattr(path, &mut names[..]) else { return BTreeMap::new() };
    let names = names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 4096];
            let len = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            (name.to_vec(), value[..len].to_vec())
        })
        .collect()
}
