//! Where secrets are kept: passwords that jobs work with, and those that they make.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::JobId;

/// A place for secrets, each under a name that is told in the open. Its calls are short, and never wait for a person.
pub trait Vault: Debug + Send + Sync {
    /// Keeps a secret under a name, in place of the one that has it; durable when it returns.
    fn keep(&self, name: &str, secret: &str) -> io::Result<()>;

    /// The secret of that name, if there is one.
    fn read(&self, name: &str) -> io::Result<Option<String>>;

    /// Forgets a secret. Harmless to repeat.
    fn forget(&self, name: &str);
}

/// Secrets as files that only their user can read, in a folder that only their user can open.
#[derive(Debug, Clone)]
pub struct FileVault {
    folder: PathBuf,
}

impl FileVault {
    /// The files of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { folder: folder(data_dir) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Vault for FileVault {
    fn keep(&self, name: &str, secret: &str) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        let target = self.folder.join(name);
        let partial = self.folder.join(format!("{name}.partial"));
        let _ = fs::remove_file(&partial);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&partial)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, target)?;
        if let Ok(folder) = File::open(&self.folder) {
            folder.sync_all()?;
        }
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }
}

/// The folder of a data directory that holds its secrets.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets")
}

fn name(job: JobId) -> String {
    format!("{job}.json")
}

/// The secret part of a job's result, as it is kept in a vault, if it has one.
pub fn secret_result(vault: &dyn Vault, job: JobId) -> io::Result<Option<Value>> {
    Ok(vault.read(&name(job))?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Adds fields to the secret part of a job's result; durable when it returns.
pub(crate) fn add_result(vault: &dyn Vault, job: JobId, value: Value) -> io::Result<()> {
    let value = match (secret_result(vault, job)?, value) {
        (Some(Value::Object(mut all)), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (_, value) => value,
    };
    vault.keep(&name(job), &value.to_string())
}

pub(crate) fn forget_result(vault: &dyn Vault, job: JobId) {
    vault.forget(&name(job));
}
