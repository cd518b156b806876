//! Secret results: one file a job that only its user can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::JobId;

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets")
}

pub(crate) fn path(data_dir: &Path, job: JobId) -> PathBuf {
    folder(data_dir).join(format!("{job}.json"))
}

/// What is stored, if anything.
pub(crate) fn read(data_dir: &Path, job: JobId) -> io::Result<Option<Value>> {
    match fs::read(path(data_dir, job)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds fields to the job's secret; durable when it returns.
pub(crate) fn add(data_dir: &Path, job: JobId, value: Value) -> Result<(), (PathBuf, io::Error)> {
    let target = path(data_dir, job);
    write(data_dir, &target, job, value).map_err(|error| (target, error))
}

fn write(data_dir: &Path, target: &Path, job: JobId, value: Value) -> io::Result<()> {
    let folder = folder(data_dir);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    let value = match (read(data_dir, job)?, value) {
        (Some(Value::Object(mut all)), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (_, value) => value,
    };
    let partial = target.with_extension("partial");
    let _ = fs::remove_file(&partial);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    file.write_all(value.to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, target)?;
    if let Ok(folder) = File::open(&folder) {
        folder.sync_all()?;
    }
    Ok(())
}

pub(crate) fn remove(data_dir: &Path, job: JobId) {
    let _ = fs::remove_file(path(data_dir, job));
}
