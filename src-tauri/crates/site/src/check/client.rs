use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::tls::{self, Trust};
use crate::platforms::Address;
use crate::{Problem, Result};

/// Redirects that are followed before a page is given up.
const REDIRECTS: usize = 6;

/// The most of a page that is read, in bytes.
const PAGE: u64 = 8 * 1024 * 1024;

/// A browser without a screen: it follows redirects within the copy, keeps cookies, and never leaves the copy. On this machine it asks
/// on where a certificate is not trusted, and says so.
pub struct Client {
    agent: ureq::Agent,
    home: Address,
    cookies: BTreeMap<String, String>,
    distrusted: Option<String>,
}

/// What came back for a page.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The address that answered in the end.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// The address outside of the copy that a redirect led to.
    pub leads_away: Option<String>,
    /// The names of cookies that were set.
    pub cookies: Vec<String>,
    /// Whether it tells browsers never again to come without TLS.
    pub insists: bool,
    /// Whether the plugin that keeps a copy neutral was at work.
    pub neutral: bool,
    /// Type of the content.
    pub content_type: String,
    /// The page.
    pub body: Vec<u8>,
    /// Time from the first request to the last byte.
    pub took: Duration,
}

impl Client {
    /// A client for the copy at `url`.
    pub fn new(url: &str) -> Result<Self> {
        let home = Address::parse(url)?;
        let agent = tls::agent(home.scheme == "https", Trust::Certificates);
        Ok(Self { agent, home, cookies: BTreeMap::new(), distrusted: None })
    }

    /// Why the certificate of the copy is not trusted, once it was asked and is not.
    pub fn distrusted(&self) -> Option<&str> {
        self.distrusted.as_deref()
    }

    /// The page at `path` of the copy.
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.home);
        self.follow(url, None)
    }

    /// Sends a form to `path` of the copy, and follows where it leads.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let url = format!("{}{path}", self.home);
        self.follow(url, Some(form))
    }

    fn follow(&mut self, mut url: String, mut form: Option<&[(&str, &str)]>) -> Result<Answer> {
        let since = Instant::now();
        let mut set = Vec::new();
        for _ in 0..=REDIRECTS {
            let mut answer = self.once(&url, form.take())?;
            for cookie in answer.headers().get_all("set-cookie") {
                let text = cookie.to_str().unwrap_or_default();
                if let Some((name, value)) = text.split(';').next().and_then(|pair| pair.split_once('='))
                    && is_taken(text, &url)
                {
                    set.push(name.to_owned());
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let header = |name: &str| {
                answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
            };
            let status = answer.status().as_u16();
            let location = header("location").filter(|_| (300..400).contains(&status));
            let next = location.map(|location| resolve(&url, &location));
            let away = next.clone().filter(|next| !self.is_own(next));
            if next.is_none() || away.is_some() {
                let content_type = header("content-type").unwrap_or_default();
                let insists = header("strict-transport-security").is_some();
                let neutral = header("x-clonedeck-copy").is_some();
                let body = answer
                    .body_mut()
                    .with_config()
                    .limit(PAGE)
                    .read_to_vec()
                    .map_err(|error| gone(&url, &error))?;
                return Ok(Answer {
                    url,
                    status,
                    leads_away: away,
                    cookies: set,
                    insists,
                    neutral,
                    content_type,
                    body,
                    took: since.elapsed(),
                });
            }
            url = next.unwrap_or_default();
        }
        Err(Problem::permanent("check.redirects", format!("{url} leads on and on from one address to the next."))
            .help("A rule of the site sends every request elsewhere, to https say; look at its .htaccess and its plugins."))
    }

    fn once(&mut self, url: &str, form: Option<&[(&str, &str)]>) -> Result<ureq::http::Response<ureq::Body>> {
        let mut sent = self.send(url, form);
        if let Err(error) = &sent
            && self.distrusted.is_none()
            && self.home.is_loopback()
            && let Some(why) = tls::distrust(error)
        {
            self.distrusted = Some(why);
            self.agent = tls::agent(true, Trust::Anybody);
            sent = self.send(url, form);
        }
        sent.map_err(|error| gone(url, &error))
    }

    fn send(
        &self,
        url: &str,
        form: Option<&[(&str, &str)]>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        match form {
            None => self.agent.get(url).header("cookie", &cookies).call(),
            Some(form) => {
                let form = form.iter().map(|(name, value)| (*name, *value));
                self.agent.post(url).header("cookie", &cookies).send_form(form)
            }
        }
    }

    fn is_own(&self, url: &str) -> bool {
        Address::parse(url.split(['?', '#']).next().unwrap_or(url)).is_ok_and(|address| {
            let parent = format!(".{}", self.home.host);
            address.scheme == self.home.scheme
                && address.port_or_default() == self.home.port_or_default()
                && (address.host == self.home.host || address.host.ends_with(&parent))
        })
    }
}

fn gone(url: &str, error: &ureq::Error) -> Problem {
    Problem::transient("check.no-answer", format!("{url} does not answer: {error}."))
        .help("See whether the preview or the web server runs.")
        .with("url", url)
}

/// Whether a browser takes a cookie that `url` sets: one for another domain it throws away.
fn is_taken(cookie: &str, url: &str) -> bool {
    let mut attributes = cookie.split(';').skip(1).filter_map(|attribute| attribute.split_once('='));
    let domain = attributes.find(|(name, _)| name.trim().eq_ignore_ascii_case("domain"));
    let Some(domain) = domain.map(|(_, value)| value.trim().trim_start_matches('.').to_ascii_lowercase())
    else {
        return true;
    };
    let host = Address::parse(url.split(['?', '#']).next().unwrap_or(url)).map(|address| address.host);
    domain.is_empty()
        || host.is_ok_and(|host| {
            host.strip_suffix(&*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// Where a redirect from `base` to `location` leads.
fn resolve(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    if let Some(host) = location.strip_prefix("//") {
        return format!("{scheme}://{host}");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{scheme}://{authority}/{folder}{slash}{location}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_taken_where_a_browser_would_take_it() {
        let taken = |cookie: &str| is_taken(cookie, "http://shop.localhost:4300/wp-login.php?x=/");
        assert!(taken("a=1; path=/; HttpOnly"));
        assert!(taken("a=1; Domain=.localhost"));
        assert!(taken("a=1; domain=shop.localhost; path=/"));
        assert!(!taken("a=1; path=/; domain=.localhost:4300"));
        assert!(!taken("a=1; domain=op.localhost"));
        assert!(!taken("a=1; domain=shop.test"));
    }

    #[test]
    fn a_redirect_leads_where_a_browser_would_go() {
        let from = "http://a.test:81/shop/page.php?x=/y";
        assert_eq!(resolve(from, "http://b.test/"), "http://b.test/");
        assert_eq!(resolve(from, "//b.test/z"), "http://b.test/z");
        assert_eq!(resolve(from, "/z"), "http://a.test:81/z");
        assert_eq!(resolve(from, "z"), "http://a.test:81/shop/z");
        assert_eq!(resolve("http://a.test", "z"), "http://a.test/z");
    }
}
