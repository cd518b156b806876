//! Passwords that an operator gave for a job, kept apart from its public spec: one file each that only this user can read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use clonedeck_site::{Problem, Result, Secret};

/// The folder in which secrets are kept.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    folder: PathBuf,
}

impl Secrets {
    /// Those of a data directory.
    pub fn of(data_dir: &std::path::Path) -> Self {
        Self { folder: data_dir.join("secrets") }
    }

    /// Keeps a secret and answers the name under which it is found again.
    pub fn keep(&self, secret: &Secret) -> Result<String> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let write = || -> std::io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(&name))?;
            file.write_all(secret.reveal().as_bytes())?;
            file.sync_all()?;
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|why| {
            Problem::permanent(
                "secret.kept",
                format!("The password cannot be kept in {}: {why}.", self.folder.display()),
            )
            .help("Look whether this user may write there and the disk has room.")
        })?;
        Ok(name)
    }

    /// The secret of that name; none where no name is given.
    pub fn read(&self, name: Option<&str>) -> Result<Option<Secret>> {
        let Some(name) = name else { return Ok(None) };
        fs::read_to_string(self.file(name)).map(|text| Some(Secret::new(text))).map_err(|why| {
            Problem::permanent(
                "secret.lost",
                format!("The password that was given for this job cannot be read: {why}."),
            )
            .help("Launch the clone again with CLONEDECK_DB_PASSWORD.")
        })
    }

    /// Forgets a secret. Harmless to repeat.
    pub fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.file(name));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.secret"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kept_secret_is_found_again_and_nobody_else_may_read_it() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::of(data.path());
        let name = secrets.keep(&Secret::new("s3cret")).unwrap();
        assert_eq!(secrets.read(Some(&name)).unwrap().unwrap().reveal(), "s3cret");
        assert_eq!(fs::metadata(data.path().join("secrets")).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(secrets.file(&name)).unwrap().permissions().mode() & 0o777, 0o600);
        secrets.forget(&name);
        assert_eq!(secrets.read(Some(&name)).unwrap_err().code, "secret.lost");
    }
}
