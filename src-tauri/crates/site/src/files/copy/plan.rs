use std::collections::HashMap;

use crate::Part;
use crate::files::index::{Index, Kind};

/// Files of one folder that are handled in one go, so that their folder is opened once.
const RUN: usize = 32;
/// From this size on a file is a run of its own.
const LARGE: u64 = 1 << 20;

/// What one thread takes at a time; the numbers are those of entries.
pub(super) enum Work {
    /// Files and symbolic links of one folder.
    Run(Vec<u32>),
    /// All names of one file, also those in parts that are not copied, in their order.
    Names(Vec<u32>),
}

/// What a copy has to do.
pub(super) struct Plan {
    /// Folders to be made, parents first: those of the parts and those above them.
    pub folders: Vec<u32>,
    pub work: Vec<Work>,
    pub parts: Vec<Part>,
    /// Names of files and links to be made.
    pub files: u64,
    /// Bytes of files to be copied, each file once.
    pub bytes: u64,
}

impl Plan {
    pub(super) fn new(index: &Index, parts: &[Part]) -> Self {
        let mut plan =
            Self { folders: Vec::new(), work: Vec::new(), parts: parts.to_vec(), files: 0, bytes: 0 };
        let mut needed = vec![false; index.len()];
        let mut names: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in index.entries() {
            if let Kind::HardLink { of } = entry.kind {
                names.entry(of).or_insert_with(|| vec![of]).push(entry.number);
            }
        }
        let mut singles: Vec<(u32, u64, u32)> = Vec::new();
        for entry in index.entries().filter(|entry| parts.contains(&entry.part)) {
            let folder = match entry.kind {
                Kind::Special => continue,
                Kind::Folder => entry.number,
                _ => index.parent(entry.number),
            };
            let mut above = folder;
            while !std::mem::replace(&mut needed[above as usize], true) {
                above = index.parent(above);
            }
            match entry.kind {
                Kind::File if !names.contains_key(&entry.number) => {
                    plan.bytes += entry.size;
                    singles.push((folder, entry.identity.1, entry.number));
                }
                Kind::Link { .. } => singles.push((folder, entry.identity.1, entry.number)),
                _ => {}
            }
            plan.files += u64::from(entry.kind != Kind::Folder);
        }
        plan.folders = (0..index.len() as u32).filter(|number| needed[*number as usize]).collect();
        plan.work = runs(index, singles);
        let mut names: Vec<_> = names.into_values().collect();
        names.retain(|names| names.iter().any(|number| parts.contains(&index.entry(*number).part)));
        names.sort_unstable();
        plan.bytes += names.iter().map(|names| index.entry(names[0]).size).sum::<u64>();
        plan.work.extend(names.into_iter().map(Work::Names));
        plan
    }
}

/// Groups `(folder, inode, entry)` into runs, ordered by inode: on a cold disk that is about the order of the data.
fn runs(index: &Index, mut singles: Vec<(u32, u64, u32)>) -> Vec<Work> {
    singles.sort_unstable();
    let mut runs: Vec<(u64, Vec<u32>)> = Vec::new();
    let mut open: Option<u32> = None;
    for (folder, inode, number) in singles {
        if index.entry(number).size >= LARGE {
            runs.push((inode, vec![number]));
            open = None;
            continue;
        }
        match runs.last_mut() {
            Some((_, run)) if open == Some(folder) && run.len() < RUN => run.push(number),
            _ => {
                runs.push((inode, vec![number]));
                open = Some(folder);
            }
        }
    }
    runs.sort_by_key(|(inode, _)| *inode);
    runs.into_iter().map(|(_, run)| Work::Run(run)).collect()
}
