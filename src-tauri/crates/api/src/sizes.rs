//! What the folders of a site hold, for whoever chooses what of it to leave out.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clonedeck_site::files::{Exclusions, Index, Kind};
use clonedeck_site::platforms::Site;

use crate::wire::{CloneRequest, FolderEntry, FolderPage, Problem};
use crate::{Clonedeck, Given, convert, problem};

/// More entries of one folder are not told one by one.
const MOST: usize = 400;

/// The site that was looked at last. An index of a million files is large, so that there is never a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes {
    last: Arc<Mutex<Option<Arc<Sized>>>>,
}

/// A tree with the sum of each of its folders.
#[derive(Debug)]
struct Sized {
    source: PathBuf,
    index: Index,
    /// Files and bytes of each entry, with all that is in it.
    sums: Vec<(u64, u64)>,
    /// What is left out of a copy when nobody says otherwise.
    defaults: Exclusions,
}

impl Sizes {
    /// Keeps the main tree of a site that was just looked at.
    pub fn keep(&self, source: &Path, site: &Site, index: Option<Index>) {
        let content = Some(site.content.as_path()).filter(|content| !content.as_os_str().is_empty());
        let kept = index.zip(Exclusions::new(content, &[]).ok()).map(|(index, defaults)| {
            let sums = sums(&index);
            Arc::new(Sized { source: source.to_owned(), index, sums, defaults })
        });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    fn of(&self, source: &Path) -> Option<Arc<Sized>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|last| last.source == source).cloned()
    }
}

impl Clonedeck {
    /// What a folder of a source holds, the largest first; `folder` is below the source, empty for the source itself.
    pub async fn folder_page(
        &self,
        request: &CloneRequest,
        given: &Given,
        folder: &str,
    ) -> Result<FolderPage, Problem> {
        let source = std::path::absolute(&request.source).map_err(|why| {
            problem("site.missing", format!("{} is no usable path: {why}.", request.source), "")
        })?;
        let sized = match self.sizes.of(&source) {
            Some(sized) => sized,
            None => {
                self.inspect_for(request, given).await?;
                self.sizes.of(&source).ok_or_else(|| {
                    problem(
                        "folder.unknown",
                        "The folders of this site are not in one tree.",
                        "Leave files out by a pattern.",
                    )
                })?
            }
        };
        let folder = PathBuf::from(folder);
        tokio::task::spawn_blocking(move || sized.page(&folder)).await.map_err(convert::lost_thread)?
    }
}

fn sums(index: &Index) -> Vec<(u64, u64)> {
    let mut sums: Vec<(u64, u64)> = index
        .entries()
        .map(|entry| match entry.kind {
            Kind::File => (1, entry.size),
            Kind::HardLink { .. } | Kind::Link { .. } => (1, 0),
            Kind::Folder | Kind::Special => (0, 0),
        })
        .collect();
    // A folder stands before what it holds, so that from behind each sum is whole when it is handed on.
    for number in (1..sums.len()).rev() {
        let (files, bytes) = sums[number];
        let above = &mut sums[index.parent(number as u32) as usize];
        above.0 += files;
        above.1 += bytes;
    }
    sums
}

impl Sized {
    fn page(&self, folder: &Path) -> Result<FolderPage, Problem> {
        let found = self.index.find(folder).filter(|entry| entry.kind == Kind::Folder);
        let Some(parent) = found.map(|entry| entry.number) else {
            let message = format!("There is no folder {} in this site any more.", folder.display());
            return Err(problem("folder.unknown", message, "Look at the site anew."));
        };
        let mut numbers: Vec<u32> = (parent + 1..self.index.len() as u32)
            .take_while(|number| self.index.entry(*number).path.starts_with(folder))
            .filter(|number| self.index.parent(*number) == parent)
            .collect();
        numbers.sort_by_key(|number| std::cmp::Reverse(self.sums[*number as usize].1));
        let more = numbers.split_off(numbers.len().min(MOST));
        Ok(FolderPage {
            entries: numbers.into_iter().map(|number| self.entry(number)).collect(),
            more_bytes: more.iter().map(|number| self.sums[*number as usize].1).sum(),
            more: more.len() as u64,
        })
    }

    fn entry(&self, number: u32) -> FolderEntry {
        let entry = self.index.entry(number);
        let (files, bytes) = self.sums[number as usize];
        let folder = entry.kind == Kind::Folder;
        FolderEntry {
            name: entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            pattern: Exclusions::just(entry.path, folder),
            folder,
            files,
            bytes,
            left_out: self
                .defaults
                .pattern_against(entry.path, folder)
                .and_then(Exclusions::reason)
                .map(str::to_owned),
            path: entry.path.to_string_lossy().into_owned(),
        }
    }
}
