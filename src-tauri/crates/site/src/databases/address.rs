use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::name::LONGEST;
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
    /// The same, spoken to in TLS alone, once the server's certificate is found to be signed and made out to that host.
    Tls {
        /// Name or address of the machine.
        host: String,
        /// Port, 3306 unless told.
        port: u16,
        /// Certificates (PEM) of whom to trust; none for those that this system trusts.
        ca: Option<PathBuf>,
    },
    /// A Unix socket on this machine.
    Socket {
        /// The socket file.
        path: PathBuf,
    },
}

/// Where a database is. Holds no password, so that it can be shown, stored and logged.
///
/// As text: `mysql://user@host[:port]/name`, `mysql://user@/name?socket=/path`, `sqlite:/path`. Over a network, `?tls=verify` speaks
/// TLS with a server whose certificate somebody signed whom this system trusts, and `?ca=/path/ca.pem` one that this file trusts.
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
                    Server::Tls { host, port, ca } => {
                        let port = if *port == 3306 { String::new() } else { format!(":{port}") };
                        match ca {
                            Some(ca) => write!(f, "{host}{port}/{name}?ca={}", ca.display()),
                            None => write!(f, "{host}{port}/{name}?tls=verify"),
                        }
                    }
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
        if name.chars().count() > LONGEST {
            return Err(super::mysql::too_long(&format!(
                "The name of the database in '{text}' is longer than the {LONGEST} characters that servers take."
            )));
        }
        let (mut socket, mut tls, mut ca) = (None, false, None);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("socket", path)) if !path.is_empty() => socket = Some(path),
                Some(("tls", "verify")) => tls = true,
                Some(("ca", path)) if !path.is_empty() => ca = Some(PathBuf::from(path)),
                _ => {
                    return Err(refuse(&format!(
                        "its option '{option}' is none of socket=PATH, tls=verify and ca=PATH"
                    )));
                }
            }
        }
        let server = if let Some(path) = socket {
            if tls || ca.is_some() {
                return Err(refuse("a socket needs no TLS"));
            }
            Server::Socket { path: path.into() }
        } else {
            let (host, port) = match host.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().map_err(|_| refuse("its port is not a number"))?),
                None => (host, 3306),
            };
            let host = if host.is_empty() { "localhost" } else { host }.to_owned();
            if tls || ca.is_some() { Server::Tls { host, port, ca } } else { Server::Tcp { host, port } }
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
            "mysql://shop@db.example.com/shop?tls=verify",
            "mysql://shop@db.example.com:3307/shop?ca=/etc/shop/ca.pem",
            "sqlite:/srv/shop/wp-content/database/.ht.sqlite",
        ] {
            assert_eq!(text.parse::<DatabaseAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_option_that_is_not_known_is_refused_rather_than_left_out() {
        for text in [
            "mysql://shop@db.example.com/shop?tls=verfy",
            "mysql://shop@db.example.com/shop?tsl=verify",
            "mysql://shop@/shop?socket=/run/mysqld/mysqld.sock&tls=verify",
        ] {
            assert_eq!(text.parse::<DatabaseAddress>().unwrap_err().code, "database.address", "{text}");
        }
    }

    #[test]
    fn a_name_that_no_server_takes_is_refused() {
        let text = format!("mysql://shop@localhost/{}", "x".repeat(65));
        assert_eq!(text.parse::<DatabaseAddress>().unwrap_err().code, "database.name-too-long");
    }

    #[test]
    fn a_password_in_an_address_is_refused() {
        let problem = "mysql://shop:secret@localhost/shop".parse::<DatabaseAddress>().unwrap_err();
        assert_eq!(problem.code, "database.address");
        assert!(problem.help.contains("CLONEDECK_DB_PASSWORD"));
        assert!(!format!("{problem:?}").contains("secret"), "the refusal repeats the password");
    }
}
