//! The keychain of the desktop session: Secret Service on Linux. It is asked and never waited for: one that is locked, or would put a
//! question to a person, counts as not there.

use std::fmt;

/// Why secrets cannot be in a keychain now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The environment says not to use it.
    Off,
    /// This system has none that Clonedeck knows.
    Unknown,
    /// There is no session bus: a terminal without a desktop, a server, cron.
    NoSession,
    /// Nothing on the session bus keeps secrets.
    NoService,
    /// The service has no place in which secrets are kept by default.
    NoCollection,
    /// It is locked.
    Locked,
    /// It does not answer in time, or wants to ask a person first.
    Silent,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "CLONEDECK_KEYCHAIN says not to use the keychain",
            Self::Unknown => "on this system, Clonedeck does not use a keychain",
            Self::NoSession => "there is no desktop session here, and so no keychain",
            Self::NoService => "no keychain answers in this desktop session",
            Self::NoCollection => "the keychain has no default collection yet",
            Self::Locked => "the keychain is locked",
            Self::Silent => "the keychain does not answer by itself",
        })
    }
}

impl std::error::Error for Absence {}

/// The variable that keeps Clonedeck out of the keychain, when it is `off`.
pub const SWITCH: &str = "CLONEDECK_KEYCHAIN";

/// Whether secrets can be kept in the keychain now.
pub fn stands() -> Result<(), Absence> {
    system::stands()
}

/// Keeps a secret under a name that nothing else has.
pub fn keep(name: &str, secret: &str) -> Result<(), Absence> {
    system::keep(name, secret)
}

/// The secret of that name, if the keychain has it.
pub fn read(name: &str) -> Result<Option<String>, Absence> {
    system::read(name)
}

/// Forgets a secret. Harmless to repeat.
pub fn forget(name: &str) -> Result<(), Absence> {
    system::forget(name)
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashMap;
    use std::time::Duration;

    use secret_service::{Collection, EncryptionType, Error, Item, SecretService};

    use super::{Absence, SWITCH};

    /// How long the keychain may take for anything.
    const PATIENCE: Duration = Duration::from_secs(2);
    /// What tells our secrets from those of others.
    const APPLICATION: &str = "dev.clonedeck.desktop";

    pub fn stands() -> Result<(), Absence> {
        ask(async |service| open(service).await.map(drop))
    }

    pub fn keep(name: &str, secret: &str) -> Result<(), Absence> {
        ask(async |service| {
            let collection = open(service).await?;
            let label = format!("Clonedeck: {name}");
            let kept =
                collection.create_item(&label, attributes(name), secret.as_bytes(), true, "text/plain");
            kept.await.map(drop).map_err(absence)
        })
    }

    pub fn read(name: &str) -> Result<Option<String>, Absence> {
        ask(async |service| match find(service, name).await?.first() {
            Some(item) => {
                let secret = item.get_secret().await.map_err(absence)?;
                Ok(Some(String::from_utf8_lossy(&secret).into_owned()))
            }
            None => Ok(None),
        })
    }

    pub fn forget(name: &str) -> Result<(), Absence> {
        ask(async |service| {
            for item in find(service, name).await? {
                item.delete().await.map_err(absence)?;
            }
            Ok(())
        })
    }

    fn attributes(name: &str) -> HashMap<&str, &str> {
        HashMap::from([("application", APPLICATION), ("name", name)])
    }

    /// The default collection, where it is open.
    async fn open<'a>(service: &'a SecretService<'_>) -> Result<Collection<'a>, Absence> {
        let collection = service.get_default_collection().await.map_err(absence)?;
        // Anything else would ask a person to unlock it.
        if collection.is_locked().await.map_err(absence)? { Err(Absence::Locked) } else { Ok(collection) }
    }

    async fn find<'a>(service: &'a SecretService<'_>, name: &'a str) -> Result<Vec<Item<'a>>, Absence> {
        let found = service.search_items(attributes(name)).await.map_err(absence)?;
        if found.unlocked.is_empty() && !found.locked.is_empty() {
            return Err(Absence::Locked);
        }
        Ok(found.unlocked)
    }

    fn absence(error: Error) -> Absence {
        match error {
            Error::Locked => Absence::Locked,
            Error::NoResult => Absence::NoCollection,
            Error::Unavailable => Absence::NoService,
            _ => Absence::Silent,
        }
    }

    /// Asks the keychain on a thread of its own: whoever calls may be an async task or none.
    fn ask<T: Send>(
        question: impl AsyncFnOnce(&SecretService<'_>) -> Result<T, Absence> + Send,
    ) -> Result<T, Absence> {
        if std::env::var(SWITCH).is_ok_and(|switch| switch == "off") {
            return Err(Absence::Off);
        }
        let asked = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|_| Absence::Silent)?.block_on(async {
                let answer = async {
                    let bus = zbus::Connection::session().await.map_err(|_| Absence::NoSession)?;
                    let service = SecretService::connect_with_existing(EncryptionType::Dh, bus).await;
                    question(&service.map_err(absence)?).await
                };
                tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(Absence::Silent))
            })
        };
        std::thread::scope(|scope| scope.spawn(asked).join().unwrap_or(Err(Absence::Silent)))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Absence;

    pub fn stands() -> Result<(), Absence> {
        Err(Absence::Unknown)
    }

    pub fn keep(_: &str, _: &str) -> Result<(), Absence> {
        Err(Absence::Unknown)
    }

    pub fn read(_: &str) -> Result<Option<String>, Absence> {
        Err(Absence::Unknown)
    }

    pub fn forget(_: &str) -> Result<(), Absence> {
        Err(Absence::Unknown)
    }
}
