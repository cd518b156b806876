//! What one server says that another does not understand.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::session::Session;
use crate::Result;

/// A server's product and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Product {
    pub mariadb: bool,
    pub version: (u32, u32, u32),
}

impl Product {
    pub(super) async fn of(session: &mut Session) -> Result<Self> {
        Ok(Self::read(&session.text("SELECT VERSION()").await?))
    }

    fn read(version: &str) -> Self {
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
        let mut next = || numbers.next().unwrap_or_default();
        Self { mariadb: version.to_ascii_lowercase().contains("mariadb"), version: (next(), next(), next()) }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{} {major}.{minor}.{patch}", if self.mariadb { "MariaDB" } else { "MySQL" })
    }
}

/// A definition as the target's product takes it, and in words what was changed for that.
pub(super) fn adapt(definition: &str, _from: &Product, _to: &Product) -> (String, Vec<String>) {
    (definition.to_owned(), Vec::new())
}
