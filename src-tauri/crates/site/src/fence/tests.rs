use std::os::unix::fs::symlink;

use super::*;

/// A folder with a small site in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("shop/wp-content")).unwrap();
    fs::write(root.join("shop/index.php"), "<?php").unwrap();
    (folder, root)
}

fn refused(source: &Path, target: &Path) -> &'static str {
    check(source, target).unwrap_err().code
}

#[test]
fn the_source_is_no_target_however_it_is_spelled() {
    let (_folder, root) = place();
    symlink(root.join("shop"), root.join("www")).unwrap();
    let shop = root.join("shop");
    assert_eq!(refused(&shop, &shop), "target.is-source");
    assert_eq!(refused(&shop, &root.join("www")), "target.is-source");
    assert_eq!(refused(&root.join("www"), &shop), "target.is-source");
    assert_eq!(refused(&shop, &root.join("shop/wp-content/..")), "target.is-source");
    assert_eq!(refused(&shop, &root.join("nothing/../shop/.")), "target.is-source");
}

#[test]
fn a_place_inside_the_source_is_no_target_even_before_it_exists() {
    let (_folder, root) = place();
    symlink(root.join("shop/wp-content"), root.join("content")).unwrap();
    let shop = root.join("shop");
    assert_eq!(refused(&shop, &root.join("shop/copy")), "target.in-source");
    assert_eq!(refused(&shop, &root.join("content/deep/er/copy")), "target.in-source");
    assert_eq!(refused(&shop, &root.join("other/../shop/wp-content/x")), "target.in-source");
}

#[test]
fn a_place_that_holds_the_source_is_no_target() {
    let (_folder, root) = place();
    symlink(&root, root.join("up")).unwrap();
    assert_eq!(refused(&root.join("shop"), &root), "source.in-target");
    assert_eq!(refused(&root.join("shop"), &root.join("up")), "source.in-target");
    assert_eq!(refused(&root.join("shop"), Path::new("/")), "source.in-target");
}

#[test]
fn a_free_place_beside_the_source_is_fine() {
    let (_folder, root) = place();
    fs::create_dir(root.join("empty")).unwrap();
    for target in ["copy", "empty", "new/deep/copy", "shop2", "gone/../copy"] {
        let ground = check(&root.join("shop"), &root.join(target)).unwrap();
        ground.require_free().unwrap();
    }
    assert_eq!(check(&root.join("shop"), &root.join("gone/../copy")).unwrap().path(), root.join("copy"));
}

#[test]
fn a_place_that_holds_anything_is_refused_until_it_is_set_aside() {
    let (_folder, root) = place();
    fs::create_dir(root.join("old")).unwrap();
    fs::write(root.join("old/.hidden"), "").unwrap();
    fs::write(root.join("file"), "").unwrap();
    for target in ["old", "file"] {
        let ground = check(&root.join("shop"), &root.join(target)).unwrap();
        assert!(!ground.is_free());
        assert_eq!(ground.require_free().unwrap_err().code, "target.not-empty");
        set_aside(ground.path(), "job1").unwrap().unwrap();
        check(&root.join("shop"), &root.join(target)).unwrap().require_free().unwrap();
    }
}

#[test]
fn a_place_that_may_not_be_written_is_refused_by_the_folder_above_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, root) = place();
    fs::create_dir(root.join("closed")).unwrap();
    let writable = |target: &str| check(&root.join("shop"), &root.join(target)).unwrap().require_writable();
    writable("closed/copy").unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    // Whoever may write everywhere sees no difference.
    if fs::write(root.join("closed/probe"), "").is_err() {
        for target in ["closed/copy", "closed/deep/copy", "closed"] {
            assert_eq!(writable(target).unwrap_err().code, "target.not-writable");
        }
    }
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_link_that_leads_nowhere_is_no_target() {
    let (_folder, root) = place();
    symlink("nowhere", root.join("dangling")).unwrap();
    assert_eq!(refused(&root.join("shop"), &root.join("dangling")), "target.unreachable");
    assert_eq!(refused(&root.join("shop"), &root.join("dangling/copy")), "target.unreachable");
    assert_eq!(refused(&root.join("missing"), &root.join("copy")), "source.missing");
}

#[test]
fn a_claim_makes_folders_and_takes_back_just_these() {
    let (_folder, root) = place();
    fs::create_dir(root.join("sites")).unwrap();
    let claim = check(&root.join("shop"), &root.join("sites/new/copy")).unwrap().claim();
    claim.make().unwrap();
    claim.make().unwrap();
    assert!(root.join("sites/new/copy").is_dir());
    fs::write(root.join("sites/new/copy/left"), "").unwrap();
    assert!(!claim.unmake().unwrap());
    fs::remove_file(root.join("sites/new/copy/left")).unwrap();
    assert!(claim.unmake().unwrap());
    assert!(claim.unmake().unwrap());
    assert!(root.join("sites").is_dir() && !root.join("sites/new").exists());

    let there = check(&root.join("shop"), &root.join("sites")).unwrap().claim();
    there.make().unwrap();
    assert!(there.unmake().unwrap());
    assert!(root.join("sites").is_dir(), "it was there before");
}

#[test]
fn old_content_is_set_aside_and_put_back_in_one_move() {
    let (_folder, root) = place();
    let target = root.join("old");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("precious"), "old").unwrap();
    let aside = set_aside(&target, "job1").unwrap().unwrap();
    assert!(!target.exists());
    assert_eq!(set_aside(&target, "job1").unwrap().unwrap(), aside, "a repeated step finds what it did");

    assert!(!aside.is_back().unwrap());
    assert_eq!(aside.put_back().unwrap(), None);
    assert!(aside.is_back().unwrap(), "what stands there now is the old content and nobody's copy");
    assert_eq!(fs::read(target.join("precious")).unwrap(), b"old");
    assert_eq!(aside.put_back().unwrap(), None);

    let aside = set_aside(&target, "job1").unwrap().unwrap();
    fs::create_dir(&target).unwrap();
    fs::write(target.join("index.php"), "copy").unwrap();
    assert!(!aside.is_back().unwrap());
    let copy_is_at = aside.put_back().unwrap().unwrap();
    assert_eq!(fs::read(target.join("precious")).unwrap(), b"old");
    assert_eq!(fs::read(copy_is_at.join("index.php")).unwrap(), b"copy");
    assert_eq!(aside.put_back().unwrap(), Some(copy_is_at), "repeating does not change places again");
}

#[test]
fn nothing_to_set_aside_is_no_failure_and_lost_content_is_said() {
    let (_folder, root) = place();
    assert_eq!(set_aside(&root.join("nothing"), "job1").unwrap(), None);
    let name = "n".repeat(255);
    fs::create_dir(root.join(&name)).unwrap();
    let aside = set_aside(&root.join(&name), "job1").unwrap().unwrap();
    fs::remove_dir(aside.path()).unwrap();
    assert_eq!(aside.put_back().unwrap_err().code, "aside.missing");
}
