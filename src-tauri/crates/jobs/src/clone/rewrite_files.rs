use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clonedeck_rewrite::{Outcome, Rewriter};
use clonedeck_site::files::{Index, Kind, RelPath, belong_like, target_trouble};
use clonedeck_site::platforms::{Kind as Platform, Site};
use clonedeck_site::{Part, Result, Watch};
use serde::{Deserialize, Serialize};

use super::Made;

/// A file larger than this is data, not a style sheet that a page builder wrote.
const LARGEST: u64 = 8 << 20;

/// What was rewritten in files: those that plugins generate from the database, and pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewrittenFiles {
    /// Files that were read.
    pub scanned: u64,
    /// Files that were changed, by their path below the target.
    pub changed: BTreeSet<RelPath>,
    /// Occurrences that were changed.
    pub occurrences: u64,
}

/// Whether a file is text that may hold addresses: the style sheets and scripts that page builders put among the uploads, and the
/// pages of a site that has them in files. Code is left as it is.
fn is_generated(site: &Site, part: Part, path: &Path, size: u64) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let is_text = matches!(kind, "css" | "js" | "json" | "svg" | "xml" | "html");
    let is_page = matches!(kind, "htm" | "txt" | "webmanifest");
    let foreign = || path.iter().any(|folder| folder == "vendor" || folder == "node_modules");
    size <= LARGEST
        && if site.kind == Platform::WordPress {
            part == Part::Media && is_text
        } else {
            (is_text || is_page) && !foreign()
        }
}

/// The text files of the copy in which addresses are changed, by their path below the target.
pub fn generated<'a>(made: &'a Made, indexes: &'a [Arc<Index>]) -> impl Iterator<Item = PathBuf> + 'a {
    indexes.iter().zip(&made.site.trees).flat_map(|(index, tree)| {
        index
            .entries()
            .filter(|entry| {
                matches!(entry.kind, Kind::File { .. })
                    && is_generated(&made.site, entry.part, entry.path, entry.size)
            })
            .map(|entry| {
                if tree.place.as_os_str().is_empty() {
                    entry.path.to_owned()
                } else {
                    tree.place.join(entry.path)
                }
            })
    })
}

/// Rewrites the addresses in them. Repeating it on a file that is done would rewrite it twice where the new address holds the old
/// one, so what a file has to be is made from the source's bytes, not from its own.
pub async fn rewrite(
    made: &Made,
    indexes: &[Arc<Index>],
    rewriter: &Rewriter,
    watch: &dyn Watch,
) -> Result<RewrittenFiles> {
    let mut done = RewrittenFiles::default();
    for path in generated(made, indexes) {
        watch.safe_point().await?;
        let Some(source) = source_of(made, &path) else { continue };
        let Ok(bytes) = std::fs::read(&source) else { continue };
        done.scanned += 1;
        let rewritten = rewriter.rewrite(&bytes);
        if let Outcome::Changed(new) = rewritten.outcome {
            let target = made.planned.target.join(&path);
            replace(&target, &new).map_err(|why| target_trouble(&target, &why))?;
            done.occurrences += rewritten.tally.total();
            done.changed.insert(RelPath::from(path));
        }
    }
    Ok(done)
}

/// Where a file of the copy comes from.
fn source_of(made: &Made, path: &Path) -> Option<PathBuf> {
    let tree = made
        .site
        .trees
        .iter()
        .filter(|tree| path.starts_with(&tree.place))
        .max_by_key(|tree| tree.place.components().count())?;
    Some(tree.from.join(path.strip_prefix(&tree.place).ok()?))
}

/// Puts new contents in the place of a file: there is always the old file or the new one, with the old one's mode.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".clonedeck-new");
    let new = path.with_file_name(name);
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    belong_like(&new, path);
    file.set_permissions(mode)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
