//! Bedrock: what differs between places stands in `.env` files, and is changed there. What the code below `config` fixes all the same
//! is changed in that code.

use std::path::{Path, PathBuf};

use super::configuration::{
    NOT_COPIED, Wanted, direct, environment_type, host, mapped_text, moved, siteurl, spoken,
};
use super::{Setting, Target, joined, salts, write_inside};
use crate::Result;
use crate::databases::DatabaseAddress;
use crate::php::{Edit, Reading, Value};
use crate::platforms::{Address, EnvFile, pairs};

const APPLICATION: &str = "config/application.php";

/// Gives the copy's configuration its own values.
pub(super) fn configure(target: &Target<'_>) -> Result<Vec<Setting>> {
    let mut settings = environment(target)?;
    settings.extend(code(target)?);
    Ok(settings)
}

/// The `.env` files of the copy. The last line that sets a name counts, so the first file gets every name and each later one those that
/// it sets.
struct Files(Vec<(PathBuf, EnvFile)>);

impl Files {
    fn read(root: &Path) -> Result<Self> {
        let paths = EnvFile::places(root).into_iter().map(|place| root.join(place));
        paths.map(|path| Ok((path.clone(), EnvFile::read(&path)?))).collect::<Result<_>>().map(Self)
    }

    fn set(&mut self, name: &str, value: &str) {
        for (number, (_, file)) in self.0.iter_mut().enumerate() {
            if number == 0 || file.sets(name) {
                file.set(name, value);
            }
        }
    }

    fn whole(&self) -> EnvFile {
        EnvFile::parse(&self.0.iter().map(|(_, file)| file.text()).collect::<Vec<_>>().join("\n"))
    }
}

fn environment(target: &Target<'_>) -> Result<Vec<Setting>> {
    let before = EnvFile::of_bedrock(&target.site.root)?;
    let mut files = Files::read(target.root)?;
    let url = Address::parse(target.url)?;
    let mut settings = Vec::new();
    let mut set = |files: &mut Files, name: &str, value: &str, secret: bool| {
        files.set(name, value);
        let from = before.get(name).unwrap_or_default();
        if from != value {
            settings.push(if secret { Setting::secret(name) } else { Setting::new(name, from, value) });
        }
    };
    if before.get("DATABASE_URL").is_some() {
        set(&mut files, "DATABASE_URL", "", true);
    }
    if let Some(DatabaseAddress::Mysql { server, user, name }) = target.database {
        set(&mut files, "DB_NAME", name, false);
        set(&mut files, "DB_USER", user, false);
        set(&mut files, "DB_PASSWORD", target.password.reveal(), true);
        set(&mut files, "DB_HOST", &host(server), false);
    } else if target.database.is_none() {
        set(&mut files, "DB_NAME", NOT_COPIED, false);
    }
    set(&mut files, "WP_HOME", &url.to_string(), false);
    set(&mut files, "WP_SITEURL", &siteurl(target, &url), false);
    set(&mut files, "WP_ENVIRONMENT_TYPE", environment_type(&url), false);
    if target.site.network.is_some() {
        set(&mut files, "DOMAIN_CURRENT_SITE", &url.authority(), false);
        set(&mut files, "PATH_CURRENT_SITE", &format!("{}/", url.path), false);
    }
    for name in salts::NAMES {
        set(&mut files, name, &salts::salt()?, true);
    }
    let addresses = match target.site.home {
        Some(_) => pairs(target.site, target.url, target.root)?,
        None => Vec::new(),
    };
    for (name, value) in files.whole().environment().values {
        if !salts::NAMES.contains(&name.as_str())
            && let Some(moved) = mapped_text(target, &addresses, &value)
        {
            set(&mut files, &name, &moved, false);
        }
    }
    for (path, file) in files.0 {
        write_inside(target.root, &path, file.text().as_bytes())?;
    }
    Ok(settings)
}

/// What the code says whatever stands in the files.
fn code(target: &Target<'_>) -> Result<Vec<Setting>> {
    let (before, _) = read(target, &target.site.root)?;
    let mut settings = Vec::new();
    for pass in [direct, moved] {
        let (reading, environment) = read(target, target.root)?;
        let mut edit = Edit::new(&reading);
        for Wanted { name, mut value, secret, variable } in pass(target, &reading, &before)? {
            if salts::NAMES.contains(&name.as_str())
                && let Some(salt) = environment.get(&name)
            {
                value = Value::Text(salt);
            }
            let known = if variable { reading.variable(&name) } else { reading.constant(&name) };
            match known {
                Ok(Some(known)) if *known == value => continue,
                // The platform asks the environment, or its database, where a constant is missing; not for this one.
                Ok(None) if name != "COOKIE_DOMAIN" => continue,
                _ => {}
            }
            if variable {
                edit.variable(&name, &value);
            } else {
                edit.constant(&name, &value);
            }
            let known = if variable { before.variable(&name) } else { before.constant(&name) };
            let from = known.ok().flatten().map(spoken).unwrap_or_default();
            let shown = if variable { format!("${name}") } else { name };
            settings.push(if secret {
                Setting::secret(shown)
            } else {
                Setting::new(shown, from, spoken(&value))
            });
        }
        for (path, bytes) in edit.finish()? {
            write_inside(target.root, &path, &bytes)?;
        }
    }
    settings.retain(|setting| setting.from != setting.to);
    Ok(settings)
}

/// What the code in `root` makes of the files there.
fn read(target: &Target<'_>, root: &Path) -> Result<(Reading, EnvFile)> {
    let files = EnvFile::of_bedrock(root)?;
    let abspath = format!("{}/", joined(root, &target.site.core).display());
    let reading = Reading::of(&root.join(APPLICATION), &files.environment(), &[("ABSPATH", &abspath)])?;
    Ok((reading, files))
}
