use super::salts;
use crate::{Problem, Result, Secret};

/// An administrator of the copy.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name to log in with.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Login {
    /// A login for `user` with a new password from the operating system's random source.
    pub fn new(user: &str) -> Result<Self> {
        Ok(Self { user: user.to_owned(), password: Secret::new(salts::password()?) })
    }

    /// The password's hash, in the form that every WordPress since version 2.5 takes (bcrypt).
    pub(crate) fn hash(&self) -> Result<String> {
        let failed = |_| Problem::permanent("login.refused", "The password cannot be hashed.");
        let parts = bcrypt::hash_with_result(self.password.reveal(), 10).map_err(failed)?;
        Ok(parts.format_for_version(bcrypt::Version::TwoY))
    }
}
