//! What is asked for, as a job stores it, and what is given beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clonedeck_jobs::Secrets;
use clonedeck_jobs::clone::{self, CloneSpec, SourceSecrets};
use clonedeck_site::databases::DatabaseAddress;
use clonedeck_site::{Part, Secret};

use crate::wire::{ClonePasswords, CloneRequest, Problem};
use crate::{convert, problem};

/// What an operator gives beside a request, which is stored in the open.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The password for the copy's database, where one is named.
    pub password: Option<String>,
    /// The password for the source's database, where its configuration does not say.
    pub source_password: Option<String>,
    /// Environment variables that the web server gives the source.
    pub source_environment: BTreeMap<String, String>,
}

impl From<ClonePasswords> for Given {
    fn from(passwords: ClonePasswords) -> Self {
        let typed = |password: Option<String>| password.filter(|password| !password.is_empty());
        Self {
            password: typed(passwords.copy),
            source_password: typed(passwords.source),
            source_environment: BTreeMap::new(),
        }
    }
}

impl Given {
    /// The password for the copy's database.
    pub(super) fn of_copy(&self, spec: &CloneSpec) -> Option<Secret> {
        self.password.as_deref().filter(|_| spec.db.is_some()).map(Secret::new)
    }

    /// What was given for the source, as it is kept.
    pub(super) fn of_source(&self) -> Option<Secret> {
        if self.source_password.is_none() && self.source_environment.is_empty() {
            return None;
        }
        let source = SourceSecrets {
            password: self.source_password.clone(),
            environment: self.source_environment.clone(),
        };
        Some(Secret::new(serde_json::to_string(&source).unwrap_or_default()))
    }

    /// Holds it in memory for as long as a look takes.
    pub(super) fn hold(&self, spec: &mut CloneSpec) -> Secrets {
        let held = [("copy", self.of_copy(spec)), ("source", self.of_source())];
        let held = held.map(|(name, secret)| Some((name.to_owned(), secret?)));
        let name = |of: &Option<(String, Secret)>| of.as_ref().map(|(name, _)| name.clone());
        (spec.db_secret, spec.source_secret) = (name(&held[0]), name(&held[1]));
        Secrets::held(held.into_iter().flatten())
    }
}

/// The source of a request, with what is said of it.
pub(super) fn source_of(request: &CloneRequest) -> Result<CloneSpec, Problem> {
    Ok(CloneSpec {
        source: absolute(Path::new(&request.source))?,
        source_db: address(request.source_db.as_deref())?,
        source_url: word(request.source_url.as_deref()),
        source_prefix: word(request.source_prefix.as_deref()),
        source_config: config(request)?,
        ..CloneSpec::default()
    })
}

pub(super) fn spec(request: &CloneRequest) -> Result<CloneSpec, Problem> {
    if request.target.is_empty() {
        return Err(problem(
            "target.missing",
            "No folder was given for the copy.",
            "Name a folder that does not exist yet.",
        ));
    }
    if !(-10..=10).contains(&request.priority) {
        return Err(problem("job.priority", "A priority is from -10 to 10.", "0 is the usual one."));
    }
    let skip = request.skip.iter().map(|part| part.parse::<Part>()).collect::<Result<Vec<_>, _>>();
    Ok(CloneSpec {
        source: absolute(Path::new(&request.source))?,
        target: absolute(Path::new(&request.target))?,
        url: word(request.url.as_deref()),
        db: address(request.db.as_deref())?,
        source_db: address(request.source_db.as_deref())?,
        source_url: word(request.source_url.as_deref()),
        source_prefix: word(request.source_prefix.as_deref()),
        source_config: config(request)?,
        links: word(request.links.as_deref())
            .map_or(Ok(clone::Links::default()), |links| links.parse())
            .map_err(convert::site_problem)?,
        skip: skip.map_err(|why| {
            problem(
                "part.unknown",
                format!("{why}."),
                "Leave out one of core, modules, themes, media, database.",
            )
        })?,
        exclude: request.exclude.clone(),
        replace: request.replace,
        keep_guids: request.keep_guids,
        open_egress: request.open_egress,
        neutralise_off: request.neutralise_off.clone(),
        allow_unreadable: request.allow_unreadable,
        verify_all: request.verify == "full",
        ..CloneSpec::default()
    })
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    if path.as_os_str().is_empty() {
        return Err(problem("site.missing", "No folder was given.", "Name the folder of the site."));
    }
    std::path::absolute(path)
        .map_err(|why| problem("site.missing", format!("{} is no usable path: {why}.", path.display()), ""))
}

fn address(text: Option<&str>) -> Result<Option<DatabaseAddress>, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::parse).transpose().map_err(convert::site_problem)
}

fn word(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The configuration of the source, where it is in no usual place.
fn config(request: &CloneRequest) -> Result<Option<PathBuf>, Problem> {
    word(request.source_config.as_deref()).map(|file| absolute(Path::new(&file))).transpose()
}
