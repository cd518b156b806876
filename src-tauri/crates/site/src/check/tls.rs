//! How the copy is reached: in the clear or over TLS, by names that are this machine.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Whose certificates are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those signed by somebody whom this machine trusts.
    Certificates,
    /// All.
    Anybody,
}

/// What asks. Without `secure` no certificate is read from this machine.
pub fn agent(secure: bool, trust: Trust) -> ureq::Agent {
    let mut tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(trust == Trust::Anybody);
    if secure {
        let roots = rustls_native_certs::load_native_certs().certs;
        let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        tls = tls.root_certs(RootCerts::new_with_certs(&roots));
    }
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_mins(1)))
        .proxy(None)
        .user_agent("clonedeck-check")
        .tls_config(tls.build())
        .build();
    ureq::Agent::with_parts(config, DefaultConnector::new(), ThisMachine(DefaultResolver::default()))
}

/// Why a certificate was refused; none where something else went wrong.
pub fn distrust(error: &ureq::Error) -> Option<String> {
    let text = error.to_string();
    let (_, reason) = text.split_once("invalid peer certificate: ")?;
    let known = [
        ("UnknownIssuer", "nobody whom this machine trusts has signed it (a self-signed one, perhaps)"),
        ("CaUsedAsEndEntity", "nobody whom this machine trusts has signed it (a self-signed one, perhaps)"),
        ("NotValidForName", "it is for another name"),
        ("certificate not valid for name", "it is for another name"),
        ("Expired", "it has expired"),
        ("certificate expired", "it has expired"),
        ("NotValidYet", "it is not valid yet"),
    ];
    let said = known.iter().find(|(sign, _)| reason.contains(sign)).map(|(_, said)| (*said).to_owned());
    Some(said.unwrap_or_else(|| reason.to_owned()))
}

/// Names below localhost are this machine, whatever the resolver of the system knows of them.
#[derive(Debug)]
struct ThisMachine(DefaultResolver);

impl Resolver for ThisMachine {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        if host != "localhost" && !host.ends_with(".localhost") {
            return self.0.resolve(uri, config, timeout);
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let mut found = self.empty();
        found.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        found.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
        Ok(found)
    }
}
