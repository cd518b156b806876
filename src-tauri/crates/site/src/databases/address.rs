use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Problem;

/// Where a database server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// A TCP address.
    Tcp {
        /// Name or address of the machine.
        host: String,
        /// Port, 3306 unless told.
        port: u16,
    },
    /// A Unix socket on this machine.
    Socket {
        /// The socket file.
        path: PathBuf,
    },
}

/// Where a database is. Holds no password, so that it can be shown, stored and logged.
///
/// As text: `mysql://user@host[:port]/name`, `mysql://user@/name?socket=/path`, `sqlite:/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseAddress {
    /// MariaDB or MySQL.
    Mysql {
        /// Where the server listens.
        server: Server,
        /// User name; empty for the name of the operating system's user.
        user: String,
        /// Name of the database.
        name: String,
    },
    /// A SQLite file.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
}

impl DatabaseAddress {
    /// The same server and user with another database; a file stays what it is.
    pub fn with_name(&self, name: &str) -> Self {
        match self {
            Self::Mysql { server, user, .. } => {
                Self::Mysql { server: server.clone(), user: user.clone(), name: name.to_owned() }
            }
            Self::Sqlite { .. } => self.clone(),
        }
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql { server, user, name } => {
                f.write_str("mysql://")?;
                if !user.is_empty() {
                    write!(f, "{user}@")?;
                }
                match server {
                    Server::Tcp { host, port: 3306 } => write!(f, "{host}/{name}"),
                    Server::Tcp { host, port } => write!(f, "{host}:{port}/{name}"),
                    Server::Socket { path } => write!(f, "/{name}?socket={}", path.display()),
                }
            }
            Self::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl FromStr for DatabaseAddress {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let refuse = |why: &str| {
            Problem::permanent("database.address", format!("'{text}' is not an address of a database: {why}."))
                .help("Write mysql://user@host/name, mysql://user@/name?socket=/path/to.sock or sqlite:/path/to/file.")
        };
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(refuse("it names no file"));
            }
            return Ok(Self::Sqlite { path: path.into() });
        }
        let rest = text
            .strip_prefix("mysql://")
            .or_else(|| text.strip_prefix("mariadb://"))
            .ok_or_else(|| refuse("it starts neither with mysql:// nor with sqlite:"))?;
        let (authority, path) = rest.split_once('/').ok_or_else(|| refuse("it names no database"))?;
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return Err(Problem::permanent("database.address", "An address of a database must not hold a password.").help(
                "Give the password as CLONEDECK_DB_PASSWORD; it is kept out of process lists and logs that way.",
            ));
        }
        let (name, query) = path.split_once('?').unwrap_or((path, ""));
        if name.is_empty() {
            return Err(refuse("it names no database"));
        }
        let socket = query.split('&').find_map(|part| part.strip_prefix("socket="));
        let server = match socket {
            Some(path) => Server::Socket { path: path.into() },
            None if host.is_empty() => Server::Tcp { host: "localhost".into(), port: 3306 },
            None => {
                let (host, port) = match host.rsplit_once(':') {
                    Some((host, port)) => {
                        (host, port.parse().map_err(|_| refuse("its port is not a number"))?)
                    }
                    None => (host, 3306),
                };
                Server::Tcp { host: host.to_owned(), port }
            }
        };
        Ok(Self::Mysql { server, user: user.to_owned(), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in [
            "mysql://shop@db.example.com/shop",
            "mysql://shop@db.example.com:3307/shop",
            "mysql://root@/shop?socket=/run/mysqld/mysqld.sock",
            "sqlite:/srv/shop/wp-content/database/.ht.sqlite",
        ] {
            assert_eq!(text.parse::<DatabaseAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused() {
        let problem = "mysql://shop:secret@localhost/shop".parse::<DatabaseAddress>().unwrap_err();
        assert_eq!(problem.code, "database.address");
        assert!(problem.help.contains("CLONEDECK_DB_PASSWORD"));
        assert!(!format!("{problem:?}").contains("secret"), "the refusal repeats the password");
    }
}
