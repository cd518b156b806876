//! What the command line says of the source of a clone, where the site itself does not say it.

use std::path::{Path, PathBuf};

use clap::Args;
use clonedeck_api::Given;
use clonedeck_api::wire::{CloneRequest, Problem};

use crate::say::Failure;

/// Hints at a source.
#[derive(Debug, Args)]
pub struct SourceWords {
    /// Database of the source, where its configuration does not say; its password is read from CLONEDECK_SOURCE_DB_PASSWORD
    #[arg(long, value_name = "URL")]
    source_db: Option<String>,
    /// Address of the source, where neither configuration nor database say
    #[arg(long, value_name = "URL")]
    source_url: Option<String>,
    /// What the names of the source's tables begin with, where its configuration does not say
    #[arg(long, value_name = "PREFIX")]
    source_prefix: Option<String>,
    /// Configuration file of the source, where it is in no usual place
    #[arg(long, value_name = "FILE")]
    source_config: Option<PathBuf>,
    /// An environment variable that the source's configuration reads (can be given more than once); its value is the one that it has
    /// here, and is kept as a secret
    #[arg(long, value_name = "NAME")]
    source_env: Vec<String>,
}

impl SourceWords {
    /// A request that says this of the source and nothing else yet.
    pub fn request(&self, source: &Path) -> CloneRequest {
        CloneRequest {
            source: absolute(source),
            source_db: self.source_db.clone(),
            source_url: self.source_url.clone(),
            source_prefix: self.source_prefix.clone(),
            source_config: self.source_config.as_deref().map(absolute),
            ..CloneRequest::default()
        }
    }

    /// What comes from the environment, because the command line is seen by others.
    pub fn given(&self) -> Result<Given, Failure> {
        let secret = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let value = |name: &String| match std::env::var(name) {
            Ok(value) => Ok((name.clone(), value)),
            Err(_) => Err(Problem {
                code: "environment.missing".to_owned(),
                message: format!("There is no environment variable {name} here."),
                help: format!("Set it for this command: {name}=… clonedeck …"),
                context: std::collections::BTreeMap::new(),
                retryable: false,
            }),
        };
        Ok(Given {
            password: secret("CLONEDECK_DB_PASSWORD"),
            source_password: secret("CLONEDECK_SOURCE_DB_PASSWORD"),
            source_environment: self.source_env.iter().map(value).collect::<Result<_, _>>()?,
        })
    }
}

/// The queue may be run by another process with another working folder.
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
