use std::collections::BTreeMap;
use std::path::Path;

use clonedeck_site::databases::TableRows;
use clonedeck_site::defaults::Setting;
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::made;
use super::plan::LeftOut;

/// What a clone did, and the proof of it. Kept in the job's folder, in the words of the command line's contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The files.
    pub files: Files,
    /// Rows by table.
    pub tables: Vec<TableRows>,
    /// Definitions of the database that could not be brought over exactly, and what stands in the copy instead.
    #[serde(default)]
    pub definitions: Vec<String>,
    /// The addresses.
    pub rewrite: Rewrite,
    /// What keeps the copy quiet.
    pub neutralised: Vec<String>,
    /// Settings that differ from the source's.
    pub settings: Vec<Setting>,
    /// What the running copy answered.
    pub pages: Vec<String>,
    /// Everything that a person should read; empty is clean.
    pub findings: Vec<String>,
}

/// The files of a receipt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// Files in the copy.
    pub count: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What was left out.
    pub excluded: Vec<LeftOut>,
    /// Files compared byte for byte.
    pub verified: u64,
    /// Where the copy is not what the index says.
    pub differences: Vec<String>,
    /// What an operator should know of single files.
    pub listed: Vec<String>,
}

/// The addresses of a receipt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rewrite {
    /// Cells that were read.
    pub cells_scanned: u64,
    /// Cells that were changed.
    pub cells_changed: u64,
    /// Changes by kind of value.
    pub by_kind: BTreeMap<String, u64>,
    /// Where the old address is left.
    pub left_over: Vec<String>,
    /// Serialized values and JSON documents that parse in the source, all of which were read again in the copy.
    #[serde(default)]
    pub parsed: u64,
    /// Those of them that do not parse in the copy.
    pub newly_broken: u64,
    /// Values that hold the old address and were left.
    pub unchanged_unsafe: Vec<String>,
}

impl Receipt {
    /// The receipt of the job of this folder.
    pub fn read(job_dir: &Path) -> Result<Self> {
        let text = std::fs::read(job_dir.join("receipt.json")).map_err(|_| {
            Problem::permanent("receipt.none", "This job has no receipt.")
                .help("A clone has one once its copy was checked.")
        })?;
        serde_json::from_slice(&text).map_err(|why| {
            Problem::permanent("receipt.damaged", format!("The receipt of this job cannot be read: {why}."))
        })
    }

    /// Keeps it.
    pub(super) fn keep(&self, job_dir: &Path) -> Result<()> {
        made::keep(&job_dir.join("receipt.json"), self)
    }
}
