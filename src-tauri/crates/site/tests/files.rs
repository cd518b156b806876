//! A tree of awkward things equals its copy, by a comparison that shares no code with the copier.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use clonedeck_site::files::{self, CopyReport, Exclusions, Index, Options, RelPath, Verify};
use clonedeck_site::{Part, Result, Unwatched};
use clonedeck_tests::disk::Disk;
use clonedeck_tests::trees::{assert_same, awkward, bytes, set_mtime};

fn part_of(path: &Path) -> Part {
    if path.starts_with("wp-content/plugins") {
        Part::Modules
    } else if path.starts_with("wp-content/themes") {
        Part::Themes
    } else if path.starts_with("wp-content/uploads") {
        Part::Media
    } else {
        Part::Core
    }
}

async fn take(root: &Path) -> Arc<Index> {
    Arc::new(Index::take(root, &Exclusions::none(), part_of, &Unwatched).await.unwrap())
}

async fn copy(index: &Arc<Index>, target: &Path, parts: &[Part]) -> Result<CopyReport> {
    let options = Options { sync: false, ..Options::default() };
    files::copy(Arc::clone(index), index.root(), target, parts, options, &Unwatched).await
}

async fn compare(index: &Arc<Index>, target: &Path, verify: Verify) -> files::Comparison {
    files::compare(Arc::clone(index), target, &Part::OF_FILES, verify, &BTreeSet::new(), &Unwatched)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_tree_of_awkward_things_equals_its_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("copies/target"));
    awkward(&source);
    let index = take(&source).await;
    let (options, parts) = (Options::default(), Part::OF_FILES);
    assert!(options.sync);
    let report =
        files::copy(Arc::clone(&index), &source, &target, &parts, options, &Unwatched).await.unwrap();
    assert_same(&source, &target);
    assert!(
        report.changed.is_empty() && report.vanished.is_empty() && report.names_apart.is_empty(),
        "{report:#?}"
    );
    let comparison = compare(&index, &target, Verify::Full).await;
    assert!(comparison.is_clean() && comparison.extra == 0 && comparison.names_apart == 0, "{comparison:#?}");
    assert_eq!(comparison.source_moved_on, 0);
}

#[tokio::test]
async fn where_files_can_share_what_they_hold_a_copy_takes_no_room_and_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::sharing(&folder.path().join("disk")) else { return };
    let (source, target) = (disk.path().join("source"), disk.path().join("target"));
    awkward(&source);
    let large = bytes(7, 40 << 20);
    fs::write(source.join("large.bin"), &large).unwrap();
    rustix::fs::sync();
    let used = || {
        let stat = rustix::fs::statvfs(disk.path()).unwrap();
        (stat.f_blocks - stat.f_bfree) * stat.f_frsize
    };
    let before = used();
    let index = take(&source).await;
    let options = Options::default();
    let report = files::copy(Arc::clone(&index), &source, &target, &Part::OF_FILES, options, &Unwatched)
        .await
        .unwrap();
    assert!(used() - before < 20 << 20, "{} bytes more are used", used() - before);
    assert!(report.reflinked > 1 && report.changed.is_empty(), "{report:#?}");
    assert_same(&source, &target);
    let comparison = compare(&index, &target, Verify::Full).await;
    assert!(comparison.is_clean(), "{comparison:#?}");
    // What is written into the copy is the copy's alone.
    fs::OpenOptions::new()
        .write(true)
        .open(target.join("large.bin"))
        .unwrap()
        .write_all_at(b"own", 9)
        .unwrap();
    assert!(fs::read(source.join("large.bin")).unwrap() == large, "the source is as it was");
}

#[tokio::test]
async fn parts_copied_one_by_one_make_the_same_tree() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    awkward(&source);
    let index = take(&source).await;
    for part in [Part::Media, Part::Core, Part::Themes, Part::Modules] {
        copy(&index, &target, &[part]).await.unwrap();
    }
    assert_same(&source, &target);
}

#[tokio::test]
async fn a_second_pass_copies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    awkward(&source);
    let index = take(&source).await;
    let first = copy(&index, &target, &Part::OF_FILES).await.unwrap();
    assert!(first.parts.values().map(|part| part.files).sum::<u64>() > 20);
    let second = copy(&take(&source).await, &target, &Part::OF_FILES).await.unwrap();
    for (part, report) in second.parts {
        let made = report.files + report.bytes + report.folders + report.links + report.hard_links;
        assert_eq!(made, 0, "{part}: {report:?}");
    }
    assert_same(&source, &target);
}

#[tokio::test]
async fn links_into_the_source_are_turned_and_links_out_of_it_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (source, target) = (root.join("source"), root.join("target"));
    fs::create_dir_all(source.join("a")).unwrap();
    fs::write(source.join("a/file"), "x").unwrap();
    symlink(source.join("a/file"), source.join("absolute")).unwrap();
    symlink("../../source/a/file", source.join("a/around")).unwrap();
    symlink("a/file", source.join("inside")).unwrap();
    symlink("/etc/hostname", source.join("outside")).unwrap();
    symlink("../elsewhere", source.join("climbs")).unwrap();
    let index = take(&source).await;
    let report = copy(&index, &target, &Part::OF_FILES).await.unwrap();
    let says = |name: &str| fs::read_link(target.join(name)).unwrap();
    assert_eq!(says("absolute"), target.join("a/file"));
    assert_eq!(says("a/around"), Path::new("file"));
    assert_eq!(says("inside"), Path::new("a/file"));
    assert_eq!(says("outside"), Path::new("/etc/hostname"));
    assert_eq!(says("climbs"), Path::new("../elsewhere"));
    let names = |list: &[RelPath]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&report.links_turned), ["a/around", "absolute"]);
    assert_eq!(names(&report.links_outside), ["climbs", "outside"]);
    assert!(compare(&index, &target, Verify::Sizes).await.is_clean());
}

#[tokio::test]
async fn a_hard_link_whose_first_name_is_not_copied_gets_the_contents() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir_all(source.join("wp-content/uploads")).unwrap();
    fs::write(source.join("first"), "shared").unwrap();
    for name in ["wp-content/uploads/second", "wp-content/uploads/third"] {
        fs::hard_link(source.join("first"), source.join(name)).unwrap();
    }
    let index = take(&source).await;
    let inode = |name: &str| fs::metadata(target.join(name)).unwrap().ino();
    copy(&index, &target, &[Part::Media]).await.unwrap();
    assert!(!target.join("first").exists());
    assert_eq!(fs::read(target.join("wp-content/uploads/third")).unwrap(), b"shared");
    assert_eq!(inode("wp-content/uploads/second"), inode("wp-content/uploads/third"));
    copy(&index, &target, &[Part::Core]).await.unwrap();
    assert_eq!(inode("first"), inode("wp-content/uploads/second"));
}

#[tokio::test]
async fn what_was_whole_stays_and_what_was_not_is_copied_again() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir_all(&source).unwrap();
    for name in ["kept", "longer", "older"] {
        fs::write(source.join(name), bytes(1, 3000)).unwrap();
    }
    let index = take(&source).await;
    copy(&index, &target, &Part::OF_FILES).await.unwrap();
    let kept = fs::metadata(target.join("kept")).unwrap().ino();
    fs::write(target.join("longer"), bytes(2, 4000)).unwrap();
    fs::write(target.join("older"), bytes(3, 3000)).unwrap();
    set_mtime(&target.join("older"), 1_000_000, 0);
    let report = copy(&index, &target, &Part::OF_FILES).await.unwrap();
    assert_eq!((report.parts[&Part::Core].files, report.parts[&Part::Core].whole_files), (2, 1));
    assert_eq!(fs::metadata(target.join("kept")).unwrap().ino(), kept);
    assert_same(&source, &target);
}

#[tokio::test]
async fn a_file_that_changed_since_the_index_is_copied_as_it_is_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir_all(&source).unwrap();
    for name in ["still", "grows", "goes"] {
        fs::write(source.join(name), bytes(1, 100)).unwrap();
    }
    let index = take(&source).await;
    fs::write(source.join("grows"), bytes(9, 70_000)).unwrap();
    fs::remove_file(source.join("goes")).unwrap();
    let report = copy(&index, &target, &Part::OF_FILES).await.unwrap();
    assert_eq!(report.vanished, [RelPath::from(Path::new("goes"))]);
    assert_eq!(report.changed.len(), 1);
    assert_eq!((report.changed[0].path.to_string(), report.changed[0].size), ("grows".to_owned(), 70_000));
    assert!(report.changed[0].settled);
    assert_eq!(fs::read(target.join("grows")).unwrap(), bytes(9, 70_000));

    let again = copy(&index, &target, &Part::OF_FILES).await.unwrap();
    assert_eq!(
        again.parts[&Part::Core].files,
        0,
        "it is whole, though the index does not know it: {again:#?}"
    );

    let mut amended = (*index).clone();
    amended.amend(&report.changed);
    let comparison = compare(&Arc::new(amended), &target, Verify::Full).await;
    assert_eq!(
        (comparison.different, comparison.source_moved_on),
        (1, 0),
        "only what vanished: {comparison:#?}"
    );
}

#[tokio::test]
async fn a_comparison_finds_every_kind_of_difference() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    fs::create_dir_all(source.join("folder/empty")).unwrap();
    for name in ["bytes", "size", "gone", "mode", "kind", "purpose", "folder/fine"] {
        fs::write(source.join(name), bytes(5, 500)).unwrap();
    }
    symlink("bytes", source.join("link")).unwrap();
    let index = take(&source).await;
    copy(&index, &target, &Part::OF_FILES).await.unwrap();
    fs::write(target.join("bytes"), bytes(6, 500)).unwrap();
    fs::write(target.join("size"), bytes(5, 499)).unwrap();
    fs::remove_file(target.join("gone")).unwrap();
    fs::set_permissions(target.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(source.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(target.join("kind")).unwrap();
    fs::create_dir(target.join("kind")).unwrap();
    fs::write(target.join("purpose"), "changed by the job").unwrap();
    fs::remove_file(target.join("link")).unwrap();
    symlink("size", target.join("link")).unwrap();
    fs::write(target.join("folder/more"), "").unwrap();

    let on_purpose = BTreeSet::from([RelPath::from(Path::new("purpose"))]);
    let parts = Part::OF_FILES;
    let comparison =
        files::compare(Arc::clone(&index), &target, &parts, Verify::Full, &on_purpose, &Unwatched)
            .await
            .unwrap();
    let found: Vec<_> =
        comparison.differences.iter().map(|(path, what)| format!("{path}: {what:?}")).collect();
    assert_eq!(
        found,
        [
            "bytes: OtherContent",
            "gone: Missing",
            "kind: OtherKind",
            "link: OtherLink",
            "mode: OtherMode { expected: 420, found: 384 }",
            "size: OtherSize { expected: 500, found: 499 }",
        ]
    );
    assert_eq!(comparison.extra_named, [RelPath::from(Path::new("folder/more"))]);
    let core = comparison.parts[&Part::Core];
    assert_eq!((core.expected.files, core.found.files, comparison.on_purpose), (7, 2, 1));
    assert!(!comparison.is_clean());

    fs::remove_dir_all(&source).unwrap();
    let later = compare(&index, &target, Verify::Full).await;
    assert!(later.source_moved_on > 0 && later.hashed_files == 0, "{later:#?}");
}

#[tokio::test]
async fn what_is_excluded_is_counted_by_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path();
    fs::create_dir_all(source.join("wp-content/cache/deep/er")).unwrap();
    fs::create_dir_all(source.join("wp-content/plugins/a/node_modules/b")).unwrap();
    fs::write(source.join("wp-content/cache/deep/er/x"), bytes(1, 100)).unwrap();
    fs::write(source.join("wp-content/cache/y"), bytes(1, 10)).unwrap();
    fs::write(source.join("wp-content/plugins/a/node_modules/b/z.js"), bytes(1, 1)).unwrap();
    fs::write(source.join("old.zip"), bytes(1, 1000)).unwrap();
    fs::write(source.join("index.php"), "<?php").unwrap();
    let exclusions = Exclusions::new(Some(Path::new("wp-content")), &["*.zip".into()]).unwrap();
    let index = Index::take(source, &exclusions, part_of, &Unwatched).await.unwrap();
    let excluded = index.excluded();
    assert_eq!((excluded["/wp-content/cache/"].files, excluded["/wp-content/cache/"].bytes), (2, 110));
    assert_eq!((excluded["node_modules/"].files, excluded["node_modules/"].bytes), (1, 1));
    assert_eq!((excluded["*.zip"].files, excluded["*.zip"].bytes), (1, 1000));
    let paths: Vec<_> = index.entries().map(|entry| entry.path.display().to_string()).collect();
    assert_eq!(paths, ["", "index.php", "wp-content", "wp-content/plugins", "wp-content/plugins/a"]);
}

#[tokio::test]
async fn an_index_is_kept_and_read_back_and_damage_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    awkward(&source);
    let index = take(&source).await;
    let file = folder.path().join("index");
    index.save(&file).unwrap();
    let back = Index::load(&file).unwrap();
    assert_eq!(back.root(), index.root());
    assert!(back.entries().eq(index.entries()));
    assert_eq!(
        (back.parts(), back.excluded(), back.unreadable()),
        (index.parts(), index.excluded(), index.unreadable())
    );

    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(Index::load(&file).unwrap_err().code, "index.damaged", "byte {at}");
        fs::write(&file, &whole[..at]).unwrap();
        assert_eq!(Index::load(&file).unwrap_err().code, "index.damaged", "cut at {at}");
    }
}

#[tokio::test]
async fn what_a_copy_made_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    awkward(&source);
    let index = take(&source).await;
    copy(&index, &target, &Part::OF_FILES).await.unwrap();
    fs::create_dir_all(target.join("wp-content/uploads/operators")).unwrap();
    fs::write(target.join("wp-content/uploads/operators/notes.txt"), "mine").unwrap();
    fs::create_dir_all(target.join("wp-content/mu-plugins/ours")).unwrap();
    fs::write(target.join("wp-content/mu-plugins/ours/neutral.php"), "<?php").unwrap();
    fs::write(target.join(".clonedeck-0123456789abcdef.part"), "unfinished").unwrap();
    let also = [RelPath::from(Path::new("wp-content/mu-plugins")), RelPath::from(Path::new("../source"))];
    let removed = files::remove_made(Arc::clone(&index), &target, &also, &Unwatched).await.unwrap();
    assert_eq!(removed.kept, [RelPath::from(Path::new("wp-content/uploads/operators"))]);
    assert_eq!(fs::read(target.join("wp-content/uploads/operators/notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
    assert!(source.join("index.php").exists());

    fs::remove_dir_all(target.join("wp-content")).unwrap();
    let again = files::remove_made(index, &target, &also, &Unwatched).await.unwrap();
    assert_eq!(again, files::Removed::default());
}
