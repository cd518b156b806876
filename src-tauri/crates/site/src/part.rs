use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The parts of a site that are copied, counted and skipped one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The platform's own files and everything that is in no other part.
    Core,
    /// Plugins and modules.
    Modules,
    /// Themes.
    Themes,
    /// Uploads.
    Media,
    /// The database.
    Database,
}

impl Part {
    /// The parts that are made of files, in the order in which they are copied.
    pub const OF_FILES: [Self; 4] = [Self::Core, Self::Modules, Self::Themes, Self::Media];

    /// The word for it on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Modules => "modules",
            Self::Themes => "themes",
            Self::Media => "media",
            Self::Database => "database",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "core" => Ok(Self::Core),
            "modules" | "plugins" => Ok(Self::Modules),
            "themes" => Ok(Self::Themes),
            "media" | "uploads" => Ok(Self::Media),
            "database" | "db" => Ok(Self::Database),
            _ => Err(format!(
                "'{text}' is no part of a site; parts are core, modules, themes, media and database"
            )),
        }
    }
}
