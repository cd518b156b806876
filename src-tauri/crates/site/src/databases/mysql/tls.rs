//! Whom to trust about a server's certificate.

use std::path::Path;

use mysql_async::SslOpts;

use crate::{Problem, Result};

/// Trusts the certificates in a file, or those that this system trusts, and nobody else.
pub(super) fn trust(ca: Option<&Path>) -> Result<SslOpts> {
    let trusted = match ca {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|error| unreadable(path, &error.to_string()))?;
            if !pem.windows(MARK.len()).any(|some| some == MARK) {
                return Err(unreadable(path, "it holds no certificate in PEM form"));
            }
            vec![pem.into()]
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                return Err(Problem::needs_person(
                    "database.tls",
                    "This system trusts no certificates: none were found.",
                )
                .help("Install the system's certificates (Debian: ca-certificates), or name a file: ?ca=/path/ca.pem."));
            }
            found.certs.into_iter().map(|certificate| certificate.to_vec().into()).collect()
        }
    };
    Ok(SslOpts::default().with_disable_built_in_roots(true).with_root_certs(trusted))
}

/// What every certificate in PEM form begins with.
const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn unreadable(path: &Path, why: &str) -> Problem {
    Problem::needs_person(
        "database.tls",
        format!("The certificates in {} cannot be read: {why}.", path.display()),
    )
    .help("Name a file with the certificate of whoever signed the server's: ?ca=/path/ca.pem.")
}
