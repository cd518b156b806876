use std::fs;
use std::path::{Path, PathBuf};

use clonedeck_site::files::write_whole;
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::call::Call;

/// A workflow that is kept for a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedWorkflow {
    /// Its name; unique for the site.
    pub title: String,
    /// What it runs, in order.
    pub calls: Vec<Call>,
    /// Whether everything that can is shown first and done then.
    pub dry_run_first: bool,
}

/// The workflows that are kept, one file for each site.
#[derive(Debug, Clone)]
pub struct SavedWorkflows {
    folder: PathBuf,
}

impl SavedWorkflows {
    /// Those of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("workflows") }
    }

    /// The workflows of a site, by title.
    pub fn list(&self, site: &Path) -> Result<Vec<SavedWorkflow>> {
        let file = self.file(site);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unusable(&file, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(unusable(&file, &error)),
        }
    }

    /// Keeps a workflow of a site; one of the same title is replaced.
    pub fn save(&self, site: &Path, workflow: SavedWorkflow) -> Result<()> {
        let mut all = self.list(site)?;
        all.retain(|other| other.title != workflow.title);
        all.push(workflow);
        all.sort_by(|a, b| a.title.cmp(&b.title));
        self.write(site, &all)
    }

    /// Forgets a workflow of a site. Answers whether there was one.
    pub fn remove(&self, site: &Path, title: &str) -> Result<bool> {
        let mut all = self.list(site)?;
        let before = all.len();
        all.retain(|workflow| workflow.title != title);
        self.write(site, &all)?;
        Ok(all.len() < before)
    }

    fn write(&self, site: &Path, all: &[SavedWorkflow]) -> Result<()> {
        let file = self.file(site);
        let text = serde_json::to_vec_pretty(all).unwrap_or_default();
        write_whole(&file, &text).map_err(|error| unusable(&file, &error))
    }

    fn file(&self, site: &Path) -> PathBuf {
        let site = site.canonicalize().unwrap_or_else(|_| site.to_owned());
        let name = blake3::hash(site.as_os_str().as_encoded_bytes()).to_hex();
        self.folder.join(format!("{}.json", &name[..32]))
    }
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::permanent(
        "workflow.file",
        format!("The workflows in {} cannot be used: {error}.", file.display()),
    )
    .help("Correct or remove that file.")
    .with("path", file.display())
}
