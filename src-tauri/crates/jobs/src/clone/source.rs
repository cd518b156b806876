use clonedeck_site::databases::{self, DatabaseAddress};
use clonedeck_site::platforms::{self, Hints, Recognised};
use clonedeck_site::{Part, Problem, Result, Secret};

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
pub async fn open(spec: &CloneSpec) -> Result<OpenSource> {
    let recognised = recognise(spec).await?;
    let database = match &recognised.site.database {
        Some(database) if spec.copies(Part::Database) => {
            Some(databases::Source::open(&database.address, &recognised.password).await?)
        }
        _ => None,
    };
    Ok(OpenSource { recognised, database })
}

async fn recognise(spec: &CloneSpec) -> Result<Recognised> {
    let hints = Hints { database: spec.source_db.clone(), url: spec.source_url.clone(), ..Hints::default() };
    let folder = spec.source.clone();
    tokio::task::spawn_blocking(move || platforms::recognise(&folder, &hints))
        .await
        .map_err(crate::lost_thread)?
}

impl OpenSource {
    /// The password for the database of the copy: the one the operator gave, else the source's where both are one account.
    pub fn password_for(
        &self,
        address: &DatabaseAddress,
        spec: &CloneSpec,
        secrets: &Secrets,
    ) -> Result<Secret> {
        if let Some(given) = secrets.read(spec.db_secret.as_deref())? {
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

async fn source_and_login<'a>(
    spec: &CloneSpec,
    planned: &'a Planned,
    secrets: &Secrets,
) -> Result<Option<(databases::Source, &'a DatabaseAddress, Secret)>> {
    let Some(address) = &planned.database else { return Ok(None) };
    let opened = open(spec).await?;
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
    if let Some(given) = secrets.read(spec.db_secret.as_deref())? {
        return Ok(given);
    }
    let recognised = recognise(spec).await?;
    OpenSource { recognised, database: None }.password_for(address, spec, secrets)
}
