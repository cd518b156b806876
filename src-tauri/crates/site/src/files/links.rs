//! What a symbolic link of the source has to say in the copy.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Where a link of the source leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lead {
    /// Into the tree, and said so that it does the same in the copy.
    Inside,
    /// Into the tree by way of the source's own place: in the copy it has to say this instead.
    Turned(PathBuf),
    /// Out of the tree.
    Outside,
}

/// The two trees that links are judged by.
#[derive(Debug, Clone)]
pub(super) struct Trees {
    source: PathBuf,
    /// Device and inode of the source's root, where it is there to ask.
    identity: Option<(u64, u64)>,
    target: PathBuf,
}

impl Trees {
    /// `source` without symbolic links, `target` absolute.
    pub(super) fn new(source: &Path, target: &Path) -> Self {
        let identity = std::fs::metadata(source).ok().map(|meta| (meta.dev(), meta.ino()));
        Self { source: source.to_owned(), identity, target: target.to_owned() }
    }

    /// Judges the link at `path` (below the root) that says `to`.
    pub(super) fn lead(&self, path: &Path, to: &Path) -> Lead {
        let folder = path.parent().unwrap_or(Path::new(""));
        if to.is_absolute() {
            return match self.below_source(to) {
                Some(rest) => Lead::Turned(self.target.join(rest)),
                None => Lead::Outside,
            };
        }
        if stays_below(folder, to) {
            return Lead::Inside;
        }
        // It climbs out of the tree; it may come back in by the name of the source's own folder.
        match self.below_source(&plain(&self.source.join(folder).join(to))) {
            Some(rest) => Lead::Turned(relative(folder, &rest)),
            None => Lead::Outside,
        }
    }

    /// The rest of `path` below the source's root, whatever name it goes by (links and mounts above it).
    fn below_source(&self, path: &Path) -> Option<PathBuf> {
        let path = plain(path);
        if let Ok(rest) = path.strip_prefix(&self.source) {
            return Some(rest.to_owned());
        }
        let identity = self.identity?;
        path.ancestors().find_map(|above| {
            let meta = std::fs::metadata(above).ok()?;
            ((meta.dev(), meta.ino()) == identity)
                .then(|| path.strip_prefix(above).unwrap_or(Path::new("")).to_owned())
        })
    }
}

/// Whether `to`, said in `folder`, never climbs above the root.
fn stays_below(folder: &Path, to: &Path) -> bool {
    let mut depth = folder.components().count();
    for component in to.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth == 0 => return false,
            Component::ParentDir => depth -= 1,
            _ => {}
        }
    }
    true
}

/// An absolute path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// How a link in `folder` says `to`; both below one root.
fn relative(folder: &Path, to: &Path) -> PathBuf {
    let same = folder.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let mut path: PathBuf = folder.components().skip(same).map(|_| Component::ParentDir).collect();
    path.extend(to.components().skip(same));
    if path.as_os_str().is_empty() { ".".into() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(path: &str, to: &str) -> Lead {
        let trees = Trees { source: "/srv/shop".into(), identity: None, target: "/srv/copy".into() };
        trees.lead(Path::new(path), Path::new(to))
    }

    #[test]
    fn a_relative_link_that_stays_in_the_tree_stays_as_it_is() {
        assert_eq!(lead("a/b/link", "../c"), Lead::Inside);
        assert_eq!(lead("a/b/link", "../../index.php"), Lead::Inside);
        assert_eq!(lead("link", "./x/../y"), Lead::Inside);
    }

    #[test]
    fn an_absolute_link_into_the_source_is_turned_to_the_copy() {
        assert_eq!(lead("link", "/srv/shop/a/b"), Lead::Turned("/srv/copy/a/b".into()));
        assert_eq!(lead("link", "/srv/shop/x/../a"), Lead::Turned("/srv/copy/a".into()));
        assert_eq!(lead("link", "/srv/shop"), Lead::Turned("/srv/copy".into()));
        assert_eq!(lead("link", "/srv/shop2/a"), Lead::Outside);
    }

    #[test]
    fn a_relative_link_that_comes_back_by_the_name_of_the_source_is_turned() {
        assert_eq!(lead("a/link", "../../shop/a/b"), Lead::Turned("b".into()));
        assert_eq!(lead("a/link", "../../shop/c/d"), Lead::Turned("../c/d".into()));
        assert_eq!(lead("link", "../shop"), Lead::Turned(".".into()));
    }

    #[test]
    fn what_leads_out_is_said_to() {
        assert_eq!(lead("link", "../shared/uploads"), Lead::Outside);
        assert_eq!(lead("link", "/etc/hosts"), Lead::Outside);
        assert_eq!(lead("a/link", "../../shop/../other"), Lead::Outside);
    }

    #[test]
    fn the_source_is_known_by_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("shop")).unwrap();
        std::os::unix::fs::symlink(root.join("shop"), root.join("www")).unwrap();
        let trees = Trees::new(&root.join("shop"), Path::new("/copy"));
        assert_eq!(trees.lead(Path::new("link"), &root.join("www/a")), Lead::Turned("/copy/a".into()));
    }
}
