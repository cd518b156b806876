//! Passwords that an operator gave for a job, and logins that jobs made, kept apart from everything that is stored in the open: in the
//! keychain of the desktop session where one answers, else in files that only this user can read.
//!
//! They are forgotten when the job can no longer need them: when it is cancelled, when its copy is deleted, when retention forgets it.
//! A job that failed keeps them for its retry, and one that has completed for the later check, the lift and the deletion of its copy.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use clonedeck_queue::{FileVault, JobId, Vault};
use clonedeck_site::keychain::{self, Absence};
use clonedeck_site::{Problem, Result, Secret};

use crate::clone::CloneSpec;

/// The secrets of a data directory. Which of the two places a secret is in is told by a file: its own, or an empty one named after it
/// with `.keychain` at the end.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    files: Option<FileVault>,
    held: Arc<BTreeMap<String, Secret>>,
}

impl Secrets {
    /// Those of a data directory.
    pub fn of(data_dir: &Path) -> Self {
        Self { files: Some(FileVault::of(data_dir)), ..Self::default() }
    }

    /// Secrets that are only held in memory: for a look at a site, which keeps nothing.
    pub fn held(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self { files: None, held: Arc::new(secrets.into_iter().collect()) }
    }

    fn files(&self) -> io::Result<&FileVault> {
        self.files.as_ref().ok_or_else(|| io::Error::other("nothing is kept for a look at a site"))
    }

    /// Keeps what an operator gave and answers the name under which it is found again.
    pub fn keep_given(&self, secret: &Secret) -> Result<String> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        self.keep(&file(&name), secret.reveal()).map_err(|why| {
            Problem::permanent("secret.kept", format!("The password cannot be kept: {why}."))
                .help("Look whether this user may write into the data directory and its disk has room.")
        })?;
        Ok(name)
    }

    /// What was given under that name; none where no name is.
    ///
    /// # Errors
    /// `secret.locked` where it is in a keychain that is not open, `secret.lost` where it is nowhere.
    pub fn given(&self, name: Option<&str>) -> Result<Option<Secret>> {
        let Some(name) = name else { return Ok(None) };
        if let Some(held) = self.held.get(name) {
            return Ok(Some(held.clone()));
        }
        match self.read(&file(name)) {
            Ok(Some(secret)) => Ok(Some(Secret::new(secret))),
            Ok(None) => Err(Problem::permanent(
                "secret.lost",
                "The password that was given for this job is no longer kept.",
            )
            .help("Launch the clone again with CLONEDECK_DB_PASSWORD.")),
            Err(why) => Err(unread(&why)),
        }
    }

    /// Forgets what was given with an order. Harmless to repeat.
    pub fn forget_given(&self, spec: &CloneSpec) {
        for name in spec.db_secret.iter().chain(&spec.source_secret) {
            self.forget(&file(name));
        }
    }

    /// The secret part of a job's result.
    pub fn result(&self, job: JobId) -> Result<Option<serde_json::Value>> {
        clonedeck_queue::secret_result(self, job).map_err(|why| unread(&why))
    }
}

impl Vault for Secrets {
    fn keep(&self, name: &str, secret: &str) -> io::Result<()> {
        let files = self.files()?;
        match keychain::keep(name, secret) {
            Ok(()) => {
                files.keep(&marker(name), "")?;
                files.forget(name);
            }
            Err(_) => {
                files.keep(name, secret)?;
                // One that the keychain has of this name is of the past.
                forget_in_keychain(files, name);
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Option<String>> {
        let Ok(files) = self.files() else { return Ok(None) };
        if let Some(secret) = files.read(name)? {
            return Ok(Some(secret));
        }
        if files.read(&marker(name))?.is_none() {
            return Ok(None);
        }
        keychain::read(name).map_err(io::Error::other)
    }

    fn forget(&self, name: &str) {
        if let Ok(files) = self.files() {
            files.forget(name);
            forget_in_keychain(files, name);
        }
    }
}

fn forget_in_keychain(files: &FileVault, name: &str) {
    if !matches!(files.read(&marker(name)), Ok(Some(_))) {
        return;
    }
    match keychain::forget(name) {
        Ok(()) => files.forget(&marker(name)),
        Err(absence) => tracing::warn!(name, %absence, "a secret stays in the keychain"),
    }
}

fn file(name: &str) -> String {
    format!("{name}.secret")
}

fn marker(name: &str) -> String {
    format!("{name}.keychain")
}

fn unread(why: &io::Error) -> Problem {
    let inner = why.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<Absence>()) {
        Some(absence) => Problem::needs_person(
            "secret.locked",
            format!("The password of this job is in the keychain, and {absence}."),
        )
        .help("Unlock the keychain of the desktop session in which the job was launched, then resume the job there."),
        None => Problem::permanent("secret.unread", format!("The password of this job cannot be read: {why}."))
            .help("Look who owns the folder `secrets` in the data directory."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn without_a_keychain_a_secret_is_in_a_file_that_nobody_else_may_read() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::of(data.path());
        let name = secrets.keep_given(&Secret::new("s3cret")).unwrap();
        assert_eq!(secrets.given(Some(&name)).unwrap().unwrap().reveal(), "s3cret");
        let folder = data.path().join("secrets");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(file(&name))), 0o600);
        secrets.forget_given(&CloneSpec { db_secret: Some(name.clone()), ..CloneSpec::default() });
        assert_eq!(secrets.given(Some(&name)).unwrap_err().code, "secret.lost");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_secret_in_a_keychain_that_is_closed_waits_for_a_person() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::of(data.path());
        secrets.files().unwrap().keep(&marker(&file("name")), "").unwrap();
        let problem = secrets.given(Some("name")).unwrap_err();
        assert_eq!((problem.code, problem.class), ("secret.locked", clonedeck_site::Class::NeedsPerson));
    }
}
