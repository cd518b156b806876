//! The files of a plan: an index of every tree of the site, and what stays behind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::files::{Exclusions, Index};
use clonedeck_site::platforms::{Site, Tree};
use clonedeck_site::{Part, Problem, Result, Watch, fence};

use super::CloneSpec;
use super::linked::{self, Links};
use super::plan::LeftOut;

/// Entries that may not be read and are named, at most.
pub(super) const MOST_NAMED: usize = 1000;

/// What there is to copy.
#[derive(Default)]
pub(super) struct Trees {
    /// Trees that the site has by links and the copy gets for its own, beyond those of the site.
    pub linked: Vec<Tree>,
    /// The index of each tree: those of the site, then those that are linked.
    pub indexes: Vec<Arc<Index>>,
    /// Files and bytes by part.
    pub parts: BTreeMap<Part, (u64, u64)>,
    /// What stays behind, by pattern.
    pub left_out: BTreeMap<String, LeftOut>,
    /// What stands in the way.
    pub obstacles: Vec<Problem>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// Takes the index of everything that is copied.
pub(super) async fn take(spec: &CloneSpec, site: &Site, watch: &dyn Watch) -> Result<Trees> {
    let mut all = site.trees.clone();
    let mut taken = Trees::default();
    let mut number = 0;
    while let Some(tree) = all.get(number).cloned() {
        fence::check(&tree.from, &spec.target)?;
        let mut index = index(spec, site, &tree, &[], watch).await?;
        let links = linked::folders(&index, &tree, site, &all);
        for link in &links {
            if spec.links == Links::Copy
                && let Some(problem) = linked::holds_the_site(link, site)
            {
                taken.obstacles.push(problem);
                continue;
            }
            taken.warnings.push(linked::sentence(link, spec.links));
            if spec.links == Links::Copy {
                all.push(link.clone());
                taken.linked.push(link.clone());
            }
        }
        let patterns: Vec<_> = links.iter().map(|link| linked::pattern(link, &tree)).collect();
        if !patterns.is_empty() && spec.links != Links::Keep {
            index = self::index(spec, site, &tree, &patterns, watch).await?;
        }
        taken.add(index, &patterns, spec, site);
        number += 1;
    }
    Ok(taken)
}

async fn index(
    spec: &CloneSpec,
    site: &Site,
    tree: &Tree,
    links: &[String],
    watch: &dyn Watch,
) -> Result<Index> {
    let mut patterns = spec.exclude.clone();
    patterns.extend(database_file(site).and_then(|file| {
        let inside = file.strip_prefix(&tree.from).ok()?;
        Some(format!("/{}*", inside.display()))
    }));
    patterns.extend_from_slice(links);
    let content =
        site.content.strip_prefix(&tree.place).ok().filter(|content| !content.as_os_str().is_empty());
    let exclusions = Exclusions::new(content, &patterns)?;
    let (parts_of, place) = (site.clone(), tree.place.clone());
    Index::take(&tree.from, &exclusions, move |path| parts_of.part_of(&place.join(path)), watch).await
}

/// The file of a database that is copied on its own and therefore not with the tree.
fn database_file(site: &Site) -> Option<&PathBuf> {
    match site.database.as_ref().map(|database| &database.address) {
        Some(DatabaseAddress::Sqlite { path }) => Some(path),
        _ => None,
    }
}

impl Trees {
    fn add(&mut self, index: Index, links: &[String], spec: &CloneSpec, site: &Site) {
        if !spec.allow_unreadable
            && let Err(problem) = index.require_readable()
        {
            self.obstacles.push(problem);
        }
        let database =
            database_file(site).and_then(|file| file.file_name()).map(|name| name.to_string_lossy());
        for (pattern, out) in index.excluded() {
            // What a link leads to is copied in its place.
            if links.contains(pattern) && spec.links == Links::Copy {
                continue;
            }
            let reason = match Exclusions::reason(pattern) {
                Some(reason) => reason,
                None if spec.exclude.contains(pattern) => "asked for",
                None if database.as_ref().is_some_and(|name| pattern.contains(&**name)) => {
                    if spec.copies(Part::Database) {
                        "the database is copied on its own"
                    } else {
                        "the database is not wanted in the copy"
                    }
                }
                None => "a link that leads out of the site",
            };
            let sum = self.left_out.entry(pattern.clone()).or_insert_with(|| LeftOut {
                pattern: pattern.clone(),
                reason: reason.to_owned(),
                files: 0,
                bytes: 0,
            });
            sum.files += out.files;
            sum.bytes += out.bytes;
        }
        for unreadable in index.unreadable().iter().take(MOST_NAMED) {
            let pattern = unreadable.path.to_string();
            let reason = format!("may not be read: {}", unreadable.why);
            self.left_out.insert(pattern.clone(), LeftOut { pattern, reason, files: 1, bytes: 0 });
        }
        for (part, counted) in index.parts() {
            let sum = self.parts.entry(part).or_default();
            sum.0 += counted.files;
            sum.1 += counted.bytes;
        }
        self.indexes.push(Arc::new(index));
    }
}
