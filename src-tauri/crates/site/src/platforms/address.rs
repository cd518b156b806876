use std::path::Path;

use super::{NetworkKind, Site};
use crate::{Problem, Result};

/// An `http` or `https` address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `http` or `https`.
    pub scheme: String,
    /// Host name, in lower case.
    pub host: String,
    /// Port, where the address names one.
    pub port: Option<u16>,
    /// Path without a slash at its end; empty for the root.
    pub path: String,
}

impl Address {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// `address.refused` for anything but an http or https address.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Problem::permanent("address.refused", format!("'{text}' is not an address of a site: {why}."))
                .help("Write it like https://shop.example.com or http://localhost:8080/shop.")
        };
        let (scheme, rest) =
            text.trim().split_once("://").ok_or_else(|| refused("it has no http:// or https://"))?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(refused("only http and https are served"));
        }
        let (authority, path) =
            rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, Some(port.parse().map_err(|_| refused("its port is no number"))?))
            }
            _ => (authority, None),
        };
        if host.is_empty()
            || host.contains(|character: char| character.is_whitespace() || "@?#'\"<>\\".contains(character))
        {
            return Err(refused("its host name is not one"));
        }
        if path.contains(['?', '#']) || path.contains(char::is_whitespace) {
            return Err(refused("it has more than a path after the host"));
        }
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port, path })
    }

    /// Host and port as they stand in an address.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The port that a client connects to.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }

    /// The same with `www.` before the host, or without; none where the host is no name of the internet.
    fn twin(&self) -> Option<Self> {
        let is_name = self.host.contains('.')
            && !self.is_loopback()
            && self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err();
        let host = match self.host.strip_prefix("www.") {
            Some(bare) => bare.to_owned(),
            None => format!("www.{}", self.host),
        };
        (is_name && host.contains('.')).then(|| Self { host, ..self.clone() })
    }

    /// Whether the address is one of this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

/// Which texts a copy of `site` at `url` in folder `root` has in place of which: its addresses in both schemes first, with and without
/// `www.`, then the folders of its files.
///
/// # Errors
/// `address.unknown` if the site's own address is not known, `address.refused` if `url` is none or cannot serve a network of
/// sub-domains.
pub fn pairs(site: &Site, url: &str, root: &Path) -> Result<Vec<(String, String)>> {
    let new = Address::parse(url)?;
    let home = site.home.as_deref().ok_or_else(|| {
        Problem::needs_person(
            "address.unknown",
            format!("The address of the site in {} is not known.", site.root.display()),
        )
        .help("Give it with --source-url.")
    })?;
    let old = Address::parse(home)?;
    let mut known = vec![(old.clone(), new.clone())];
    if let Some(siteurl) = &site.siteurl {
        let siteurl = Address::parse(siteurl)?;
        let tail = siteurl.path.strip_prefix(&old.path).unwrap_or(&siteurl.path);
        let target = Address { path: format!("{}{tail}", new.path), ..new.clone() };
        known.push((siteurl, target));
    }
    for inner in site.network.iter().flat_map(|network| &network.sites) {
        for address in [&inner.home, &inner.siteurl] {
            let Ok(address) = Address::parse(address) else { continue };
            let target = network_address(site, &address, &old, &new)?;
            known.push((address, target));
        }
    }
    let mut pairs = Vec::new();
    for (old, new) in &known {
        add(&mut pairs, old, new);
    }
    // Content is full of links by the other name of a host, which leads to the same site.
    for (old, new) in &known {
        let is_another =
            |twin: &Address| known.iter().any(|(old, _)| old.host == twin.host) || twin.host == new.host;
        if let Some(twin) = old.twin().filter(|twin| !is_another(twin)) {
            add(&mut pairs, &twin, new);
        }
    }
    for tree in &site.trees {
        let to = if tree.place.as_os_str().is_empty() { root.to_owned() } else { root.join(&tree.place) };
        if let (Some(from), Some(to)) = (tree.from.to_str(), to.to_str()) {
            pairs.push((from.to_owned(), to.to_owned()));
        }
    }
    Ok(pairs)
}

/// Where the copy has a site of the network that is at `address` in the source.
pub(crate) fn network_address(
    site: &Site,
    address: &Address,
    old: &Address,
    new: &Address,
) -> Result<Address> {
    let mut target = new.clone();
    let same_host = address.authority() == old.authority();
    if same_host {
        let tail = address.path.strip_prefix(&old.path).unwrap_or(&address.path);
        target.path = format!("{}{tail}", new.path);
        return Ok(target);
    }
    if new.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        return Err(Problem::permanent(
            "address.refused",
            format!("{new} cannot serve the sites of this network: they have host names of their own."),
        )
        .help(
            "Give the copy a host name, http://localhost:8080 for instance: its sites become name.localhost.",
        ));
    }
    let subdomains = site.network.as_ref().is_some_and(|network| network.kind == NetworkKind::Subdomain);
    let main = old.host.strip_prefix("www.").unwrap_or(&old.host);
    let label = match address.host.strip_suffix(main).and_then(|rest| rest.strip_suffix('.')) {
        Some(label) if subdomains && !label.is_empty() => label.to_owned(),
        // A site with a domain of its own becomes a sub-domain of the copy.
        _ => address.host.replace('.', "-"),
    };
    let parent = new.host.strip_prefix("www.").unwrap_or(&new.host);
    target.host = format!("{label}.{parent}");
    target.path.clone_from(&address.path);
    Ok(target)
}

fn add(pairs: &mut Vec<(String, String)>, old: &Address, new: &Address) {
    for scheme in [old.scheme.as_str(), if old.scheme == "https" { "http" } else { "https" }] {
        let old = Address { scheme: scheme.to_owned(), ..old.clone() }.to_string();
        let new = new.to_string();
        let implied = pairs.iter().any(|(from, to)| {
            old.strip_prefix(from.as_str()).is_some_and(|tail| {
                (tail.is_empty() || tail.starts_with('/')) && new == format!("{to}{tail}")
            })
        });
        if !implied {
            pairs.push((old, new));
        }
    }
}
