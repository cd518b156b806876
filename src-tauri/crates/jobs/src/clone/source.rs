use std::collections::BTreeMap;

use clonedeck_site::check::{self, Values};
use clonedeck_site::databases::{self, Access, DatabaseAddress, ReadBack};
use clonedeck_site::php::Environment;
use clonedeck_site::platforms::{self, Hints, Recognised};
use clonedeck_site::{Part, Problem, Result, Secret, Watch};
use serde::{Deserialize, Serialize};

use super::{CloneSpec, Planned};
use crate::Secrets;

/// The source as it is now: recognised, its database opened for reading.
#[derive(Debug)]
pub struct OpenSource {
    /// The site and the password of its database.
    pub recognised: Recognised,
    /// Its database, where it has one and that is copied.
    pub database: Option<databases::Source>,
}

/// Recognises the source and opens its database, both for reading only.
pub async fn open(spec: &CloneSpec, secrets: &Secrets) -> Result<OpenSource> {
    let recognised = recognise(spec, secrets).await?;
    let database = match &recognised.site.database {
        Some(database) if spec.copies(Part::Database) => {
            Some(databases::Source::open(&database.address, &recognised.password).await?)
        }
        _ => None,
    };
    Ok(OpenSource { recognised, database })
}

async fn recognise(spec: &CloneSpec, secrets: &Secrets) -> Result<Recognised> {
    let hints = hints(spec, secrets)?;
    let folder = spec.source.clone();
    tokio::task::spawn_blocking(move || platforms::recognise(&folder, &hints))
        .await
        .map_err(crate::lost_thread)?
}

/// What an operator gives about a source that must not be stored in the open.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SourceSecrets {
    /// The password of its database.
    pub password: Option<String>,
    /// Environment variables that the web server gives it.
    pub environment: BTreeMap<String, String>,
}

/// What the operator said about the source, its secrets among it.
pub fn hints(spec: &CloneSpec, secrets: &Secrets) -> Result<Hints> {
    let kept = match secrets.given(spec.source_secret.as_deref())? {
        Some(kept) => serde_json::from_str(kept.reveal()).unwrap_or_default(),
        None => SourceSecrets::default(),
    };
    Ok(Hints {
        database: spec.source_db.clone(),
        password: kept.password.map(Secret::new),
        prefix: spec.source_prefix.clone(),
        url: spec.source_url.clone(),
        config: spec.source_config.clone(),
        environment: Environment { values: kept.environment, ..Environment::default() },
    })
}

impl OpenSource {
    /// The password for the database of the copy: the one the operator gave, else the source's where both are one account.
    pub fn password_for(
        &self,
        address: &DatabaseAddress,
        spec: &CloneSpec,
        secrets: &Secrets,
    ) -> Result<Secret> {
        if let Some(given) = secrets.given(spec.db_secret.as_deref())? {
            return Ok(given);
        }
        let own = self.recognised.site.database.as_ref();
        let shared = own.is_some_and(|own| same_account(&own.address, address));
        Ok(if shared { self.recognised.password.clone() } else { Secret::default() })
    }
}

/// Source and copy of the database, open, as a step finds them that comes after `Prepare target`. None where no database is copied.
pub async fn both(
    spec: &CloneSpec,
    planned: &Planned,
    secrets: &Secrets,
    job: &str,
) -> Result<Option<(databases::Source, databases::Target)>> {
    let Some((source, address, password)) = source_and_login(spec, planned, secrets).await? else {
        return Ok(None);
    };
    let target = databases::Target::open(&source, address, &password, job).await?;
    Ok(Some((source, target)))
}

/// The same once the job is done and its marks are gone; nothing but checking is possible then.
pub async fn finished(
    spec: &CloneSpec,
    planned: &Planned,
    secrets: &Secrets,
) -> Result<Option<(databases::Source, databases::Target)>> {
    let Some((source, address, password)) = source_and_login(spec, planned, secrets).await? else {
        return Ok(None);
    };
    let target = databases::Target::finished(&source, address, &password).await?;
    Ok(Some((source, target)))
}

/// Counts the values that parse in the source and not in its copy, by reading both; what was read back already is not read again.
pub async fn values(
    spec: &CloneSpec,
    planned: &Planned,
    secrets: &Secrets,
    read_back: &[ReadBack],
    watch: &dyn Watch,
) -> Result<Values> {
    let recognised = recognise(spec, secrets).await?;
    let (Some(own), Some(address)) = (recognised.site.database.clone(), &planned.database) else {
        return Ok(Values::default());
    };
    let password = recognised.password.clone();
    let for_copy = OpenSource { recognised, database: None }.password_for(address, spec, secrets)?;
    let mut source = databases::tables(&own.address, &password, Access::Read).await?;
    let mut copy = databases::tables(address, &for_copy, Access::Read).await?;
    check::values(address, &mut *source, &mut *copy, read_back, watch).await
}

async fn source_and_login<'a>(
    spec: &CloneSpec,
    planned: &'a Planned,
    secrets: &Secrets,
) -> Result<Option<(databases::Source, &'a DatabaseAddress, Secret)>> {
    let Some(address) = &planned.database else { return Ok(None) };
    let opened = open(spec, secrets).await?;
    let password = opened.password_for(address, spec, secrets)?;
    let source = opened.database.ok_or_else(|| {
        Problem::permanent(
            "database.missing",
            "The source had a database when the clone was planned and has none now.",
        )
        .help("Look at the source's configuration, then launch the clone again.")
    })?;
    Ok(Some((source, address, password)))
}

fn same_account(one: &DatabaseAddress, other: &DatabaseAddress) -> bool {
    match (one, other) {
        (
            DatabaseAddress::Mysql { server: server_one, user: user_one, .. },
            DatabaseAddress::Mysql { server: server_other, user: user_other, .. },
        ) => server_one == server_other && user_one == user_other,
        _ => false,
    }
}

/// The password for the copy's database, also when the source is gone: then only one that the operator gave.
pub async fn password(spec: &CloneSpec, address: &DatabaseAddress, secrets: &Secrets) -> Result<Secret> {
    if let Some(given) = secrets.given(spec.db_secret.as_deref())? {
        return Ok(given);
    }
    let recognised = recognise(spec, secrets).await?;
    OpenSource { recognised, database: None }.password_for(address, spec, secrets)
}
