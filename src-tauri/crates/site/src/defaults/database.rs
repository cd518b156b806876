use super::{Cell, Login, Setting, Tables, Target};
use crate::platforms::{Address, Kind, learn, network_address};
use crate::{Problem, Result};

/// Transients and sessions belong to the source's visitors; the copy starts without any.
const TEMPORARY: [&str; 3] = ["!_transient!_%", "!_site!_transient!_%", "!_wc!_session!_%"];

/// Gives the copy's database its addresses, keeps search engines out, ends sessions and transients, and makes `login` an administrator.
/// `mark` is put before the site's name. Repeating it changes nothing more.
pub async fn settle(
    target: &Target<'_>,
    login: Option<&Login>,
    mark: Option<&str>,
    tables: &mut dyn Tables,
) -> Result<Vec<Setting>> {
    if target.site.kind != Kind::WordPress {
        return Ok(Vec::new());
    }
    let prefix = target.site.prefix().unwrap_or("wp_").to_owned();
    let mut work = Work { target, tables, prefix, settings: Vec::new() };
    work.addresses().await?;
    work.options(mark).await?;
    work.ended().await?;
    if let Some(login) = login {
        work.administrator(login).await?;
    }
    Ok(work.settings)
}

struct Work<'a> {
    target: &'a Target<'a>,
    tables: &'a mut dyn Tables,
    prefix: String,
    settings: Vec<Setting>,
}

impl Work<'_> {
    async fn addresses(&mut self) -> Result<()> {
        let site = self.target.site;
        let new = Address::parse(self.target.url)?;
        let home = site.home.as_deref().map(Address::parse).transpose()?;
        let Some(old) = home else {
            let prefix = self.prefix.clone();
            self.option(&prefix, "home", &new.to_string(), None).await?;
            return self.option(&prefix, "siteurl", &new.to_string(), None).await;
        };
        let moved = |address: &str| -> Result<String> {
            let address = Address::parse(address)?;
            Ok(network_address(site, &address, &old, &new)?.to_string())
        };
        let Some(network) = site.network.as_ref().filter(|network| !network.sites.is_empty()) else {
            let prefix = self.prefix.clone();
            let siteurl = match &site.siteurl {
                Some(siteurl) => {
                    let own = Address::parse(siteurl)?;
                    format!("{new}{}", own.path.strip_prefix(&old.path).unwrap_or(&own.path))
                }
                None => new.to_string(),
            };
            self.option(&prefix, "home", &new.to_string(), site.home.as_deref()).await?;
            return self.option(&prefix, "siteurl", &siteurl, site.siteurl.as_deref()).await;
        };
        for inner in &network.sites {
            let prefix = learn::site_prefix(&self.prefix, inner.id);
            for (name, from) in [("home", &inner.home), ("siteurl", &inner.siteurl)] {
                if !from.is_empty() {
                    self.option(&prefix, name, &moved(from)?, Some(from)).await?;
                }
            }
            let scheme = &old.scheme;
            let place = Address::parse(&moved(&format!("{scheme}://{}{}", inner.domain, inner.path))?)?;
            let sql = format!("UPDATE `{}blogs` SET domain = ?, path = ? WHERE blog_id = ?", self.prefix);
            let path = format!("{}/", place.path);
            self.tables
                .execute(&sql, &[place.authority().into(), path.as_str().into(), inner.id.into()])
                .await?;
            self.note(
                format!("{}blogs {}", self.prefix, inner.id),
                format!("{}{}", inner.domain, inner.path),
                format!("{}{path}", place.authority()),
            );
        }
        let sql = format!(
            "UPDATE `{}site` SET domain = ?, path = ? WHERE id = (SELECT id FROM (SELECT MIN(id) AS id FROM `{}site`) AS one)",
            self.prefix, self.prefix
        );
        let path = format!("{}/", new.path);
        self.tables.execute(&sql, &[new.authority().into(), path.as_str().into()]).await?;
        self.note(
            format!("{}site", self.prefix),
            format!("{}{}", network.domain, network.path),
            format!("{}{path}", new.authority()),
        );
        let sql = format!("UPDATE `{}sitemeta` SET meta_value = ? WHERE meta_key = 'siteurl'", self.prefix);
        self.tables.execute(&sql, &[format!("{new}/").into()]).await?;
        Ok(())
    }

    async fn options(&mut self, mark: Option<&str>) -> Result<()> {
        for prefix in self.target.prefixes() {
            self.option(&prefix, "blog_public", "0", None).await?;
            // Else WordPress may ask the first administrator who logs in whether the address for mail is still right.
            self.option(&prefix, "admin_email_lifespan", "4102444800", None).await?;
            if let Some(mark) = mark {
                let name = self.read_option(&prefix, "blogname").await?.unwrap_or_default();
                if !name.starts_with(mark) {
                    self.option(&prefix, "blogname", &format!("{mark}{name}"), Some(&name)).await?;
                }
            }
        }
        Ok(())
    }

    async fn ended(&mut self) -> Result<()> {
        let names = self.tables.names().await?;
        let users = format!("{}usermeta", self.prefix);
        let ended = self
            .tables
            .execute(&format!("DELETE FROM `{users}` WHERE meta_key = 'session_tokens'"), &[])
            .await?;
        self.count("sessions ended", ended);
        let mut transients = 0;
        for prefix in self.target.prefixes() {
            for pattern in TEMPORARY {
                let sql = format!("DELETE FROM `{prefix}options` WHERE option_name LIKE ? ESCAPE '!'");
                transients += self.tables.execute(&sql, &[pattern.into()]).await?;
            }
            let carts = format!("{prefix}woocommerce_sessions");
            if names.contains(&carts) {
                let ended = self.tables.execute(&format!("DELETE FROM `{carts}`"), &[]).await?;
                self.count("carts ended", ended);
            }
            // Salts that WordPress keeps in its options where the configuration has none.
            for name in [
                "auth_key",
                "auth_salt",
                "logged_in_key",
                "logged_in_salt",
                "nonce_key",
                "nonce_salt",
                "secure_auth_key",
                "secure_auth_salt",
                "secret",
            ] {
                let sql = format!("DELETE FROM `{prefix}options` WHERE option_name = ?");
                if self.tables.execute(&sql, &[name.into()]).await? > 0 {
                    self.settings.push(Setting::secret(name));
                }
            }
        }
        let meta = format!("{}sitemeta", self.prefix);
        if names.contains(&meta) {
            let sql = format!("DELETE FROM `{meta}` WHERE meta_key LIKE ? ESCAPE '!'");
            transients += self.tables.execute(&sql, &["!_site!_transient!_%".into()]).await?;
        }
        self.count("transients ended", transients);
        Ok(())
    }

    async fn administrator(&mut self, login: &Login) -> Result<()> {
        let users = format!("{}users", self.prefix);
        let hash = login.hash()?;
        let by_name = format!("SELECT ID FROM `{users}` WHERE user_login = ?");
        let found = self.tables.query(&by_name, &[login.user.as_str().into()]).await?;
        if found.is_empty() {
            let email = format!("{}@localhost.invalid", login.user);
            let sql = format!(
                "INSERT INTO `{users}` (user_login, user_pass, user_nicename, user_email, user_url, user_registered, \
                 user_activation_key, user_status, display_name) VALUES (?, ?, ?, ?, '', CURRENT_TIMESTAMP, '', 0, ?)"
            );
            let user = || Cell::from(login.user.as_str());
            self.tables.execute(&sql, &[user(), hash.as_str().into(), user(), email.into(), user()]).await?;
        } else {
            let sql =
                format!("UPDATE `{users}` SET user_pass = ?, user_activation_key = '' WHERE user_login = ?");
            self.tables.execute(&sql, &[hash.as_str().into(), login.user.as_str().into()]).await?;
        }
        let found = self.tables.query(&by_name, &[login.user.as_str().into()]).await?;
        let id = found.first().and_then(|row| row[0].number()).ok_or_else(|| {
            Problem::permanent(
                "login.refused",
                format!("The user {} could not be made in the copy.", login.user),
            )
        })?;
        for prefix in self.target.prefixes() {
            self.user_meta(id, &format!("{prefix}capabilities"), "a:1:{s:13:\"administrator\";b:1;}").await?;
            self.user_meta(id, &format!("{prefix}user_level"), "10").await?;
        }
        if self.target.site.network.is_some() {
            self.super_admin(&login.user).await?;
        }
        self.settings.push(Setting::new("administrator", "", &login.user));
        Ok(())
    }

    /// Adds the user to the network's list, an array that PHP serialized.
    async fn super_admin(&mut self, user: &str) -> Result<()> {
        let meta = format!("{}sitemeta", self.prefix);
        let rows = self
            .tables
            .query(&format!("SELECT meta_value FROM `{meta}` WHERE meta_key = 'site_admins'"), &[])
            .await?;
        let list = rows.first().map(|row| row[0].text()).unwrap_or_default();
        let entry = format!("s:{}:\"{user}\";", user.len());
        if list.contains(&entry) {
            return Ok(());
        }
        let count =
            list.strip_prefix("a:").and_then(|rest| rest.split_once(':')).and_then(|(count, rest)| {
                Some((count.parse::<usize>().ok()?, rest.strip_prefix('{')?.strip_suffix('}')?))
            });
        // A key that no list reaches by counting keeps clear of the keys in use.
        let value = match count {
            Some((count, inside)) => format!("a:{}:{{{inside}i:{};{entry}}}", count + 1, 900_000 + count),
            None => format!("a:1:{{i:0;{entry}}}"),
        };
        let sql = format!("UPDATE `{meta}` SET meta_value = ? WHERE meta_key = 'site_admins'");
        self.tables.execute(&sql, &[value.into()]).await?;
        Ok(())
    }

    async fn user_meta(&mut self, user: i64, key: &str, value: &str) -> Result<()> {
        let meta = format!("{}usermeta", self.prefix);
        let sql = format!("DELETE FROM `{meta}` WHERE user_id = ? AND meta_key = ?");
        self.tables.execute(&sql, &[user.into(), key.into()]).await?;
        let sql = format!("INSERT INTO `{meta}` (user_id, meta_key, meta_value) VALUES (?, ?, ?)");
        self.tables.execute(&sql, &[user.into(), key.into(), value.into()]).await?;
        Ok(())
    }

    async fn read_option(&mut self, prefix: &str, name: &str) -> Result<Option<String>> {
        let sql = format!("SELECT option_value FROM `{prefix}options` WHERE option_name = ?");
        let rows = self.tables.query(&sql, &[name.into()]).await?;
        Ok(rows.first().map(|row| row[0].text()))
    }

    /// Sets an option; `from` is what the source had, where the copy no longer tells.
    async fn option(&mut self, prefix: &str, name: &str, value: &str, from: Option<&str>) -> Result<()> {
        let before = self.read_option(prefix, name).await?;
        match &before {
            Some(before) if before == value => {}
            Some(_) => {
                let sql = format!("UPDATE `{prefix}options` SET option_value = ? WHERE option_name = ?");
                self.tables.execute(&sql, &[value.into(), name.into()]).await?;
            }
            None => {
                let sql = format!(
                    "INSERT INTO `{prefix}options` (option_name, option_value, autoload) VALUES (?, ?, 'yes')"
                );
                self.tables.execute(&sql, &[name.into(), value.into()]).await?;
            }
        }
        let from = from.map(str::to_owned).or(before).unwrap_or_default();
        self.note(format!("{prefix}options {name}"), from, value.to_owned());
        Ok(())
    }

    fn note(&mut self, name: String, from: String, to: String) {
        if from != to {
            self.settings.push(Setting { name, from, to });
        }
    }

    fn count(&mut self, name: &str, number: u64) {
        if number > 0 {
            self.settings.push(Setting::new(name, number.to_string(), "0"));
        }
    }
}
