use std::path::{Path, PathBuf};

use clonedeck_rewrite::Rewriter;
use serde::{Deserialize, Serialize};

use super::{Answer, Client};
use crate::defaults::{Login, Tables, Target, joined};
use crate::neutral;
use crate::platforms::Kind;
use crate::{Problem, Result};

/// What PHP and WordPress write into a page when something is wrong.
const ERRORS: [(&str, &str); 12] = [
    ("<b>Fatal error</b>:", "a fatal error of PHP"),
    ("<b>Parse error</b>:", "a parse error of PHP"),
    ("<b>Warning</b>:", "a warning of PHP"),
    ("<b>Notice</b>:", "a notice of PHP"),
    ("<b>Deprecated</b>:", "a deprecation of PHP"),
    ("PHP Fatal error:", "a fatal error of PHP"),
    ("PHP Warning:", "a warning of PHP"),
    ("Fatal error: Uncaught", "an uncaught error of PHP"),
    ("There has been a critical error on this website", "WordPress's critical error page"),
    ("Error establishing a database connection", "no connection to the database"),
    ("wp-die-message", "a refusal of WordPress"),
    ("Briefly unavailable for scheduled maintenance", "WordPress's maintenance page"),
];

/// What is said of a copy whose plugin is there and does not run.
const NOT_NEUTRAL: &str = "the plugin that keeps the copy neutral is not at work: its mail is not caught, its requests are not refused";

/// Files that the front page needs and that are looked at, at most.
const ASSETS: usize = 8;

/// What is to be looked at.
pub struct Plan<'a> {
    /// The copy's address.
    pub url: &'a str,
    /// What kind of site it is.
    pub kind: Kind,
    /// The folder that is served. Files of a page that are not in it were not in the source either.
    pub web: PathBuf,
    /// Where one post is, below the address; see [`sample_post`].
    pub post: Option<String>,
    /// Path of the platform's own files below the address, `/wp` for Bedrock; empty for the address itself.
    pub core: String,
    /// Whether the copy is to be neutral by its plugin.
    pub neutral: bool,
    /// The login that has to work.
    pub login: Option<&'a Login>,
    /// Knows the old addresses.
    pub old: &'a Rewriter,
}

impl<'a> Plan<'a> {
    /// What to look at on a copy. `post` comes from [`sample_post`].
    pub fn of(
        target: &Target<'a>,
        post: Option<String>,
        login: Option<&'a Login>,
        old: &'a Rewriter,
    ) -> Self {
        let site = target.site;
        let path = |address: &Option<String>| {
            address
                .as_deref()
                .and_then(|address| crate::platforms::Address::parse(address).ok())
                .map(|address| address.path)
        };
        let core = match (path(&site.home), path(&site.siteurl)) {
            (Some(home), Some(core)) => core.strip_prefix(&home).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        Self {
            url: target.url,
            kind: site.kind,
            web: joined(target.root, &site.web),
            post,
            core,
            neutral: neutral::has_plugin(target),
            login,
            old,
        }
    }
}

/// What was found on one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What it is: `front page`, `post`, `login page`, `login`, `asset`.
    pub name: String,
    /// Its address.
    pub url: String,
    /// HTTP status; 0 where nothing answered.
    pub status: u16,
    /// Time until the last byte, in milliseconds.
    pub ms: u64,
    /// Bytes of the page.
    pub bytes: u64,
    /// What is wrong with it, a sentence each; empty where all is well.
    pub findings: Vec<String>,
}

/// What was found on all pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    /// Page by page.
    pub pages: Vec<Page>,
    /// Whether the new login really logged in; none where there was none to try.
    pub logged_in: Option<bool>,
}

impl Pages {
    /// Everything that is wrong, with the page it was found on.
    pub fn findings(&self) -> Vec<String> {
        let each = |page: &Page| -> Vec<_> {
            page.findings.iter().map(|finding| format!("{} ({}): {finding}", page.name, page.url)).collect()
        };
        self.pages.iter().flat_map(each).collect()
    }

    /// Looks at the copy. Whatever is wrong with a page is a finding; only a copy that does not answer at all is a problem.
    ///
    /// # Errors
    /// `check.no-answer`.
    pub fn look(plan: &Plan<'_>) -> Result<Self> {
        let mut client = Client::new(plan.url)?;
        let mut pages = Self::default();
        let front = client.get("/")?;
        let mut first = page("front page", plan, &front);
        if let Some(why) = client.distrusted() {
            first.findings.push(format!("browsers warn of its certificate: {why}"));
            if front.insists {
                first.findings.push(
                    "it tells browsers to insist on a trusted certificate (Strict-Transport-Security), so that they refuse it from then on".into(),
                );
            }
        }
        pages.pages.push(first);
        for asset in assets(plan.url, &plan.web, &front) {
            let looked = client.get(&asset);
            pages.add("asset", plan, &asset, looked);
        }
        if let Some(post) = &plan.post {
            let looked = client.get(post);
            pages.add("post", plan, post, looked);
        }
        if plan.kind == Kind::WordPress {
            let path = format!("{}/wp-login.php", plan.core);
            let looked = client.get(&path);
            let loud = plan.neutral && looked.as_ref().is_ok_and(|answer| !answer.neutral);
            pages.add("login page", plan, &path, looked);
            if loud && let Some(page) = pages.pages.last_mut() {
                page.findings.push(NOT_NEUTRAL.to_owned());
            }
            if let Some(login) = plan.login {
                let page = log_in(plan, login);
                pages.logged_in = Some(page.findings.is_empty());
                pages.pages.push(page);
            }
        }
        Ok(pages)
    }

    fn add(&mut self, name: &str, plan: &Plan<'_>, path: &str, looked: Result<Answer>) {
        self.pages.push(match looked {
            Ok(answer) => page(name, plan, &answer),
            Err(problem) => failed(name, &format!("{}{path}", plan.url), &problem),
        });
    }
}

/// Where one published post of the copy is, below its address.
pub async fn sample_post(target: &Target<'_>, tables: &mut dyn Tables) -> Result<Option<String>> {
    let Some(prefix) = target.site.prefix().filter(|_| target.site.kind == Kind::WordPress) else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT ID FROM `{prefix}posts` WHERE post_type = 'post' AND post_status = 'publish' AND post_password = '' ORDER BY ID DESC LIMIT 1"
    );
    let rows = tables.query(&sql, &[]).await?;
    Ok(rows.first().map(|row| format!("/?p={}", row[0].text())))
}

fn page(name: &str, plan: &Plan<'_>, answer: &Answer) -> Page {
    let mut findings = Vec::new();
    if let Some(away) = &answer.leads_away {
        findings.push(format!("it leads to {away}, outside of the copy"));
    } else if answer.status != 200 {
        findings.push(format!("it answers {}", answer.status));
    }
    let text = String::from_utf8_lossy(&answer.body);
    let is_page = answer.content_type.contains("html");
    for (sign, meaning) in ERRORS {
        if is_page && text.contains(sign) {
            findings.push(format!("it shows {meaning}"));
        }
    }
    if answer.body.is_empty() && is_page && answer.leads_away.is_none() {
        findings.push("it is empty".into());
    }
    for trace in plan.old.scan(&answer.body).into_iter().take(3) {
        findings.push(format!("it holds an old address: {}", trace.excerpt));
    }
    Page {
        name: name.to_owned(),
        url: answer.url.clone(),
        status: answer.status,
        ms: answer.took.as_millis() as u64,
        bytes: answer.body.len() as u64,
        findings,
    }
}

fn failed(name: &str, url: &str, problem: &Problem) -> Page {
    let findings = vec![problem.message.clone()];
    Page { name: name.to_owned(), url: url.to_owned(), status: 0, ms: 0, bytes: 0, findings }
}

/// Logs in as a browser does, and asks for the dashboard with the cookie that came back.
fn log_in(plan: &Plan<'_>, login: &Login) -> Page {
    let path = format!("{}/wp-login.php", plan.core);
    let attempt = || -> Result<Page> {
        let mut client = Client::new(plan.url)?;
        // The page sets the cookie by which WordPress knows that cookies work.
        client.get(&path)?;
        let dashboard = format!("{}{}/wp-admin/", plan.url.trim_end_matches('/'), plan.core);
        let answer = client.post(
            &path,
            &[
                ("log", &login.user),
                ("pwd", login.password.reveal()),
                ("wp-submit", "Log In"),
                ("redirect_to", &dashboard),
                ("testcookie", "1"),
            ],
        )?;
        let mut page = page("login", plan, &answer);
        let cookie = answer.cookies.iter().any(|name| name.starts_with("wordpress_logged_in"));
        let asked = answer.url.contains("action=confirm_admin_email");
        let inside = String::from_utf8_lossy(&answer.body).contains("wp-admin")
            && !answer.url.contains("wp-login.php");
        let inside = inside || asked;
        if !cookie || !inside {
            page.findings.push(format!("the user {} cannot log in", login.user));
        }
        Ok(page)
    };
    attempt().unwrap_or_else(|problem| failed("login", &format!("{}{path}", plan.url), &problem))
}

/// Styles, scripts and pictures of the copy that its page asks for, as paths below its address.
fn assets(url: &str, web: &Path, page: &Answer) -> Vec<String> {
    let text = String::from_utf8_lossy(&page.body);
    let home = url.trim_end_matches('/');
    let base = crate::platforms::Address::parse(url).map(|address| address.path).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for attribute in ["src=", "href="] {
        for rest in text.split(attribute).skip(1) {
            let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
                continue;
            };
            let Some(value) = rest[1..].split(quote).next() else { continue };
            let value = value.replace("&#038;", "&").replace("&amp;", "&");
            let below = value.strip_prefix(home).or_else(|| value.strip_prefix(base.as_str()));
            let Some(path) = below else { continue };
            let file = path.split(['?', '#']).next().unwrap_or(path);
            let wanted = ["css", "js", "png", "jpg", "jpeg", "gif", "webp", "svg", "woff2"]
                .iter()
                .any(|end| file.rsplit_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(end)));
            let is_there = web.join(file.trim_start_matches('/')).is_file();
            if wanted
                && is_there
                && path.starts_with('/')
                && !path.starts_with("//")
                && !found.iter().any(|known| known == path)
            {
                found.push(path.to_owned());
            }
        }
    }
    found.truncate(ASSETS);
    found
}
