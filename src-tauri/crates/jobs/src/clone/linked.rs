//! Folders that a site has in itself by a symbolic link and that lie outside of it: uploads on a shared disk, a plugin under
//! development. A copy with the same link would write where the source writes, so by default the copy gets what is in them.

use std::path::Path;

use clonedeck_site::files::{Exclusions, Index, Kind as EntryKind};
use clonedeck_site::platforms::{Kind, Site, Tree};
use clonedeck_site::{Part, Problem};
use serde::{Deserialize, Serialize};

/// What becomes of folders outside of the source that it has in itself by a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// The copy has a folder of its own there, with what is in them.
    #[default]
    Copy,
    /// The copy has the same link, and shares the folder with the source.
    Keep,
    /// The copy has nothing there.
    LeaveOut,
}

impl std::str::FromStr for Links {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "copy" => Ok(Self::Copy),
            "keep" => Ok(Self::Keep),
            "leave-out" => Ok(Self::LeaveOut),
            _ => Err(Problem::permanent(
                "links.unknown",
                format!("'{word}' is nothing that can be done with links."),
            )
            .help("Say copy, keep or leave-out.")),
        }
    }
}

/// The folders outside of the site to which links of one of its trees lead, each as the tree that it would be in the copy. Links to
/// the platform's own code are left alone: nothing writes there.
pub(super) fn folders(index: &Index, tree: &Tree, site: &Site, trees: &[Tree]) -> Vec<Tree> {
    let below =
        |path: &Path| if tree.place.as_os_str().is_empty() { path.to_owned() } else { tree.place.join(path) };
    index
        .entries()
        .filter(|entry| matches!(entry.kind, EntryKind::Link { .. }))
        .filter(|entry| {
            entry.part != Part::Core || site.kind != Kind::WordPress || is_content(&below(entry.path), site)
        })
        .filter_map(|entry| {
            let from = std::fs::canonicalize(tree.from.join(entry.path)).ok()?;
            let outside = from.is_dir() && !trees.iter().any(|known| from.starts_with(&known.from));
            outside.then(|| Tree { from, place: below(entry.path) })
        })
        .collect()
}

fn is_content(path: &Path, site: &Site) -> bool {
    !site.content.as_os_str().is_empty() && path.starts_with(&site.content)
}

/// The pattern that keeps a link of a tree out of its index.
pub(super) fn pattern(link: &Tree, tree: &Tree) -> String {
    Exclusions::just(link.place.strip_prefix(&tree.place).unwrap_or(&link.place), false)
}

/// A sentence for the plan.
pub(super) fn sentence(link: &Tree, links: Links) -> String {
    let (place, from) = (link.place.display(), link.from.display());
    match links {
        Links::Copy => format!(
            "{place} is a link to {from}: the copy gets a folder of its own with what is in it (--links copy)."
        ),
        Links::Keep => {
            format!(
                "{place} is a link to {from}: the copy keeps it, and what is changed there changes for the source too (--links keep)."
            )
        }
        Links::LeaveOut => {
            format!("{place} is a link to {from}: the copy has nothing there (--links leave-out).")
        }
    }
}

/// What stands in the way of copying a folder that holds the site itself.
pub(super) fn holds_the_site(link: &Tree, site: &Site) -> Option<Problem> {
    site.root.starts_with(&link.from).then(|| {
        Problem::permanent(
            "links.around",
            format!(
                "{} is a link to {}, which holds the site itself.",
                link.place.display(),
                link.from.display()
            ),
        )
        .help("Launch the clone with --links keep or --links leave-out.")
        .with("path", link.from.display())
    })
}
