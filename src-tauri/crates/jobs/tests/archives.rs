//! Archives that want to harm, and archives that do not.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use clonedeck_jobs::build::{Allowance, Unpacked, unpack};
use clonedeck_site::{Problem, Unwatched};
use tar::{Builder, EntryType, Header};

const SMALL: Allowance = Allowance { bytes: 64 << 20, entries: 100, ratio: 200 };

struct Place {
    _keep: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let root = keep.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("target")).unwrap();
        std::fs::write(root.join("precious"), "untouched").unwrap();
        Self { _keep: keep, root }
    }

    fn unpack(&self, name: &str, bytes: &[u8]) -> Result<Unpacked, Problem> {
        std::fs::write(self.root.join(name), bytes).unwrap();
        unpack(&self.root.join(name), &self.root.join("target"), SMALL, &Unwatched)
    }

    /// Everything outside of the target is as it was, and no link leads out of it.
    fn is_unharmed(&self, archive: &str) {
        let mut names: Vec<_> = self
            .root
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut expected = vec![archive.to_owned(), "precious".to_owned(), "target".to_owned()];
        expected.sort();
        assert_eq!(names, expected);
        assert_eq!(std::fs::read_to_string(self.root.join("precious")).unwrap(), "untouched");
        let mut folders = vec![self.root.join("target")];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_symlink() {
                    let leads = entry.path().canonicalize();
                    assert!(
                        leads.is_ok_and(|leads| leads.starts_with(self.root.join("target"))),
                        "{}",
                        entry.path().display()
                    );
                } else if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
            }
        }
    }
}

enum Item<'a> {
    File(&'a str, &'a [u8]),
    Folder(&'a str),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
    Odd(&'a str, EntryType),
}

use Item::{File, Folder, Hard, Link, Odd};

/// A tar with names as they are given, whatever they are.
fn tar(items: &[Item]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for item in items {
        let mut header = Header::new_gnu();
        let (name, kind, to, content): (&str, _, &str, &[u8]) = match item {
            File(name, content) => (name, EntryType::Regular, "", content),
            Folder(name) => (name, EntryType::Directory, "", b""),
            Link(name, to) => (name, EntryType::Symlink, to, b""),
            Hard(name, to) => (name, EntryType::Link, to, b""),
            Odd(name, kind) => (name, *kind, "", b""),
        };
        let raw = header.as_gnu_mut().unwrap();
        raw.name[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
        raw.linkname[..to.len()].copy_from_slice(to.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o7777);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(items: &[(&str, &[u8], Option<u32>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in items {
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        match mode {
            Some(0o120_777) => {
                writer.add_symlink(*name, std::str::from_utf8(content).unwrap(), options).unwrap();
            }
            mode => {
                let options = mode.map_or(options, |mode| options.unix_permissions(mode));
                writer.start_file(*name, options).unwrap();
                writer.write_all(content).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

/// The same archive with one name replaced by another of the same length, which a writer would refuse.
fn renamed(mut archive: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = archive[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
        archive[at + found..at + found + from.len()].copy_from_slice(to.as_bytes());
        at += found + from.len();
    }
    archive
}

fn hostile() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut all: Vec<(&'static str, String, Vec<u8>)> = Vec::new();
    let deep = format!("{}x", "d/".repeat(46));
    let zeros = vec![0; 40 << 20];
    let tars: Vec<(&str, Vec<Item>)> = vec![
        ("climbs", vec![File("../evil", b"x")]),
        ("climbs from within", vec![File("a/../../evil", b"x")]),
        ("climbs far", vec![File("../../../../../../tmp/clonedeck-evil", b"x")]),
        ("is absolute", vec![File("/tmp/clonedeck-evil", b"x")]),
        ("is absolute twice", vec![File("//tmp/clonedeck-evil", b"x")]),
        ("climbs as a folder", vec![Folder("../evil/")]),
        ("has a backslash", vec![File("..\\evil", b"x")]),
        ("has a drive", vec![File("C:evil", b"x")]),
        ("has a line break", vec![File("a\nb", b"x")]),
        ("has an escape", vec![File("a\u{1b}[2Jb", b"x")]),
        ("links to an absolute place", vec![Link("out", "/etc")]),
        ("links out", vec![Link("out", "../..")]),
        ("links out from within", vec![Link("a/b/out", "../../../precious")]),
        ("writes through a link", vec![Link("out", "/tmp"), File("out/clonedeck-evil", b"x")]),
        ("writes through a relative link", vec![Link("out", ".."), File("out/evil", b"x")]),
        ("replaces a file by a link", vec![File("a", b"x"), Link("a", "/etc/passwd")]),
        ("replaces a link by a file", vec![Link("a", "b"), File("a", b"x")]),
        (
            "links in a chain that leads out",
            vec![Folder("d/"), Folder("d/e/"), Link("a", "d/e"), Link("b", "a/../../../precious")],
        ),
        ("links to itself", vec![Link("a", "a")]),
        ("links in a circle", vec![Link("a", "b"), Link("b", "a")]),
        ("links to nothing by name", vec![Link("a", "")]),
        ("hard-links out", vec![Hard("a", "../precious")]),
        ("hard-links to an absolute place", vec![Hard("a", "/etc/passwd")]),
        ("hard-links to what is not there", vec![Hard("a", "b")]),
        ("hard-links a link", vec![Link("a", "/etc/passwd"), Hard("b", "a")]),
        ("holds a device", vec![Odd("null", EntryType::Char)]),
        ("holds a block device", vec![Odd("disk", EntryType::Block)]),
        ("holds a pipe", vec![Odd("pipe", EntryType::Fifo)]),
        ("holds a file twice", vec![File("a", b"x"), File("a", b"y")]),
        ("holds a file that is a folder", vec![File("a", b"x"), File("a/b", b"y")]),
        ("is nested too deep", vec![File(&deep, b"x"), Folder("d/")]),
    ];
    for (what, items) in tars {
        if what == "is nested too deep" {
            // The form has names of 100 bytes at most; deeper ones come in a long name.
            let mut builder = Builder::new(Vec::new());
            let mut header = Header::new_gnu();
            header.set_size(1);
            builder.append_data(&mut header, format!("{}x", "d/".repeat(80)), &b"x"[..]).unwrap();
            all.push((what, "a.tar".into(), builder.into_inner().unwrap()));
        } else {
            all.push((what, "a.tar.gz".into(), gzip(&tar(&items))));
        }
    }
    let many: Vec<String> = (0..150).map(|number| format!("f{number}")).collect();
    let many: Vec<Item> = many.iter().map(|name| File(name, b"")).collect();
    all.push(("holds too many files", "a.tar".into(), tar(&many)));
    all.push(("is a bomb", "a.tgz".into(), gzip(&tar(&[File("zeros", &zeros)]))));
    all.push(("is a large bomb", "a.tgz".into(), gzip(&tar(&[File("a", &zeros), File("b", &zeros)]))));
    all.push(("is too large", "a.tar".into(), tar(&[File("a", &zeros), File("b", &zeros)])));
    all.push(("is cut off", "a.tar.gz".into(), gzip(&tar(&[File("a", &zeros[..100_000])]))[..60].to_vec()));
    all.push(("is no archive", "a.zip".into(), b"hello".to_vec()));
    all.push(("is no archive either", "a.tar.zst".into(), b"hello".to_vec()));
    all.push(("has an unknown kind", "a.rar".into(), b"Rar!".to_vec()));
    all.push((
        "climbs in a zip",
        "a.zip".into(),
        renamed(zip(&[("AAAevil", b"x", None)]), "AAAevil", "../evil"),
    ));
    all.push((
        "is absolute in a zip",
        "a.zip".into(),
        renamed(zip(&[("Atmp/clonedeck-evil", b"x", None)]), "Atmp/", "/tmp/"),
    ));
    all.push((
        "has a backslash in a zip",
        "a.zip".into(),
        renamed(zip(&[("AAAevil", b"x", None)]), "AAAevil", "..\\evil"),
    ));
    all.push(("links out in a zip", "a.zip".into(), zip(&[("out", b"../../precious", Some(0o120_777))])));
    all.push((
        "writes through a link in a zip",
        "a.zip".into(),
        zip(&[("out", b"/tmp", Some(0o120_777)), ("out/clonedeck-evil", b"x", None)]),
    ));
    all.push(("is a bomb in a zip", "a.zip".into(), zip(&[("zeros", &zeros, None)])));
    let twice = renamed(zip(&[("aaa", b"x", None), ("bbb", b"y", None)]), "bbb", "aaa");
    all.push(("holds a file twice in a zip", "a.zip".into(), twice));
    let names: Vec<String> = (0..150).map(|number| format!("f{number}")).collect();
    let items: Vec<(&str, &[u8], Option<u32>)> =
        names.iter().map(|name| (name.as_str(), &b""[..], None)).collect();
    all.push(("holds too many files in a zip", "a.zip".into(), zip(&items)));
    all
}

#[test]
fn every_hostile_archive_is_refused_and_harms_nothing() {
    let all = hostile();
    assert!(all.len() >= 40, "{}", all.len());
    for (what, name, bytes) in all {
        let place = Place::new();
        match place.unpack(&name, &bytes) {
            // Two entries of a zip with one name are one entry to some readers; that harms nobody.
            Ok(unpacked) if what == "holds a file twice in a zip" => assert_eq!(unpacked.entries, 1),
            Ok(unpacked) => panic!("an archive that {what} was unpacked: {unpacked:?}"),
            Err(problem) => assert_eq!(problem.code, "archive.refused", "{what}: {problem}"),
        }
        place.is_unharmed(&name);
        assert!(!Path::new("/tmp/clonedeck-evil").exists(), "{what}");
    }
}

#[test]
fn a_harmless_archive_is_unpacked_with_its_links_and_without_special_rights() {
    use std::os::unix::fs::PermissionsExt;
    let items = [
        Folder("p/"),
        File("p/run", b"#!"),
        File("p/src/a", b"a"),
        Link("p/link", "src/a"),
        Link("p/up", "../p/src"),
        Hard("p/hard", "p/run"),
    ];
    let packed = [("a.tar", tar(&items)), ("a.tar.gz", gzip(&tar(&items)))];
    for (name, bytes) in packed {
        let place = Place::new();
        let unpacked = place.unpack(name, &bytes).unwrap();
        assert_eq!((unpacked.entries, unpacked.bytes), (6, 3));
        let target = place.root.join("target/p");
        assert_eq!(std::fs::read(target.join("link")).unwrap(), b"a");
        assert_eq!(std::fs::read(target.join("up/a")).unwrap(), b"a");
        assert_eq!(std::fs::metadata(target.join("run")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(std::fs::read(target.join("hard")).unwrap(), b"#!");
        place.is_unharmed(name);
    }
    let place = Place::new();
    let bytes = zip(&[
        ("p/index.html", b"<h1>", None),
        ("p/run", b"#!", Some(0o755)),
        ("p/link", b"run", Some(0o120_777)),
    ]);
    assert_eq!(place.unpack("a.zip", &bytes).unwrap().entries, 3);
    assert_eq!(std::fs::read(place.root.join("target/p/link")).unwrap(), b"#!");
    place.is_unharmed("a.zip");
}

#[test]
fn a_zstandard_archive_is_unpacked() {
    let place = Place::new();
    let bytes = ruzstd::encoding::compress_to_vec(
        &tar(&[File("a", &vec![7; 100_000])])[..],
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    assert_eq!(place.unpack("a.tar.zst", &bytes).unwrap().bytes, 100_000);
    assert_eq!(std::fs::read(place.root.join("target/a")).unwrap(), vec![7; 100_000]);
}
