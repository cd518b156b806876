//! An address as people type it: scheme, host, port and path prefix, in one normal form.

use std::fmt;

use crate::pair::PairError;

/// `[scheme:]//host[:port][/path]` with lower-case host, no default port, and no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `http` or `https`; none keeps what is found.
    pub scheme: Option<&'static str>,
    pub host: Host,
    pub port: Option<u16>,
    /// Empty, or `/a/b`.
    pub path: String,
}

/// A host in both of its spellings, which are the same for a plain ASCII name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    /// The name on the wire, with `xn--` labels.
    pub ascii: String,
    /// The name as people read it.
    pub unicode: String,
}

impl Host {
    fn is_bracketed(&self) -> bool {
        self.ascii.starts_with('[')
    }

    /// Whether the name can be told from a word when nothing stands around it.
    pub fn is_telling(&self) -> bool {
        self.ascii.contains('.') || self.is_bracketed()
    }
}

impl Address {
    pub fn has_no_boundary(&self) -> bool {
        !self.host.is_telling() && self.port.is_none() && self.scheme.is_none()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.host.unicode)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

pub(crate) fn parse_address(word: &str) -> Result<Address, PairError> {
    let word = word.trim();
    let bad = |why| PairError::NotAnAddress { word: word.to_owned(), why };
    let (scheme, rest) = split_scheme(word).ok_or_else(|| bad("only http:// and https:// are known"))?;
    if rest.contains(['?', '#']) {
        return Err(bad("it may have a path, but no query and no fragment"));
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    if authority.contains('@') {
        return Err(bad("leave out the user name"));
    }
    let (name, port) =
        split_port(authority).ok_or_else(|| bad("its port is not a number from 1 to 65535"))?;
    let host = parse_host(name).ok_or_else(|| bad("its host name is not valid"))?;
    let path = path.trim_end_matches('/');
    if path.chars().any(|c| c.is_control() || c.is_whitespace() || "\"'<>\\`{}|^".contains(c)) {
        return Err(bad("its path holds a character that must be written as %xx"));
    }
    let default = match scheme {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    Ok(Address { scheme, host, port: port.filter(|port| Some(*port) != default), path: path.to_owned() })
}

/// The scheme, if any, and what follows `//`; `None` for a scheme that is not of the web.
fn split_scheme(word: &str) -> Option<(Option<&'static str>, &str)> {
    let lower = word.to_ascii_lowercase();
    for scheme in ["https", "http"] {
        if lower.starts_with(scheme) && lower[scheme.len()..].starts_with("://") {
            return Some((Some(scheme), &word[scheme.len() + 3..]));
        }
    }
    if word.contains("://") {
        return None;
    }
    Some((None, word.strip_prefix("//").unwrap_or(word)))
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority[after_bracket..].rfind(':') else { return Some((authority, None)) };
    let (name, digits) = (&authority[..after_bracket + colon], &authority[after_bracket + colon + 1..]);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port > 0).map(|port| (name, Some(port)))
}

fn parse_host(name: &str) -> Option<Host> {
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: std::net::Ipv6Addr = inner.parse().ok()?;
        let ascii = format!("[{address}]");
        return Some(Host { unicode: ascii.clone(), ascii });
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let ascii = idna::domain_to_ascii(name).ok()?;
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if ascii.is_empty() || ascii.len() > 253 || !ascii.split('.').all(label_ok) {
        return None;
    }
    let (unicode, valid) = idna::domain_to_unicode(&ascii);
    let unicode = if valid.is_ok() { unicode } else { ascii.clone() };
    Some(Host { ascii, unicode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_normal_form() {
        let address = parse_address("HTTP://Old.Example.com:80/Blog/").unwrap();
        assert_eq!(address.to_string(), "http://old.example.com/Blog");
        assert_eq!(parse_address("//old.example.com:8080").unwrap().to_string(), "old.example.com:8080");
        assert_eq!(parse_address("https://[::1]:8443/x").unwrap().to_string(), "https://[::1]:8443/x");
    }

    #[test]
    fn unicode_and_punycode_are_one_host() {
        let (a, b) =
            (parse_address("müller.example").unwrap(), parse_address("xn--mller-kva.example").unwrap());
        assert_eq!(a, b);
        assert_eq!(a.host.ascii, "xn--mller-kva.example");
        assert_eq!(a.host.unicode, "müller.example");
    }
}
