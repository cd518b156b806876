//! A real WordPress is recognised, its copy gets settings of its own, is neutral before it starts, is served and checked.

mod alone;
mod networks;
mod quiet;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use clonedeck_rewrite::{DumpOptions, Options, Pair, Rewriter, rewrite_dump};
use clonedeck_site::Secret;
use clonedeck_site::check::{Pages, Plan, sample_post};
use clonedeck_site::databases::{Access, DatabaseAddress, tables};
use clonedeck_site::defaults::{Login, Setting, Target, configure, settle};
use clonedeck_site::neutral::{self, Neutralised, Switches};
use clonedeck_site::platforms::{Hints, Site, pairs, recognise};
use clonedeck_site::preview::{self, Served};
use clonedeck_site::process::{Records, Running};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::{WordPress, copy_tree};

/// A copy made the plain way: files copied, the dump rewritten and loaded, then given its settings.
struct Copy {
    site: Site,
    root: PathBuf,
    url: String,
    database: DatabaseAddress,
    password: Secret,
    login: Login,
    rewriter: Rewriter,
    settings: Vec<Setting>,
    neutralised: Vec<Neutralised>,
}

impl Copy {
    async fn of(source: &WordPress, server: &MariaDb, root: &Path, mark: Option<&str>) -> Self {
        let mut site = recognise(&source.folder, &Hints::default()).expect("a site").site;
        let address = site.database.clone().expect("a database").address;
        let mut read = tables(&address, &Secret::default(), Access::Read).await.expect("a connection");
        site.learn(&mut *read).await.expect("what the database knows");
        let url = preview::address(&site, preview::free_port().expect("a port"));
        let root = fs::canonicalize(root.parent().expect("a folder"))
            .expect("a folder")
            .join(root.file_name().expect("a name"));
        copy_tree(&source.folder, &root);
        let name = server.fresh_database("copy");
        let found = pairs(&site, &url, &root)
            .expect("pairs")
            .into_iter()
            .map(|(old, new)| Pair::parse(&old, &new).expect("a pair"));
        let rewriter = Rewriter::new(found, Options::default()).expect("a rewriter");
        let dump = server.client("mariadb-dump").arg(&source.database).output().expect("a dump").stdout;
        let mut new = Vec::new();
        rewrite_dump(&rewriter, &dump[..], &mut new, DumpOptions::default()).expect("a rewritten dump");
        server.sql_in(&name, std::str::from_utf8(&new).expect("a dump in UTF-8"));
        let mut copy = Self {
            database: server.address(&name).parse().expect("an address"),
            password: Secret::default(),
            login: Login::new("clonedeck").expect("a login"),
            settings: Vec::new(),
            neutralised: Vec::new(),
            site,
            root,
            url,
            rewriter,
        };
        let mut write = tables(&copy.database, &copy.password, Access::Write).await.expect("a connection");
        let target = copy.target();
        let mut settings = configure(&target).expect("a configuration");
        settings.extend(settle(&target, Some(&copy.login), mark, &mut *write).await.expect("settings"));
        let mut neutralised = neutral::install(&target, &Switches::default()).expect("a neutral copy");
        neutralised.extend(neutral::disarm(&target, &mut *write).await.expect("no identities"));
        copy.settings = settings;
        copy.neutralised = neutralised;
        copy
    }

    fn target(&self) -> Target<'_> {
        Target {
            site: &self.site,
            root: &self.root,
            url: &self.url,
            database: Some(&self.database),
            password: &self.password,
            debug: None,
        }
    }

    fn name(&self) -> &str {
        let DatabaseAddress::Mysql { name, .. } = &self.database else { panic!("a MariaDB") };
        name
    }

    fn as_wordpress(&self) -> WordPress {
        WordPress {
            folder: self.root.clone(),
            database: self.name().to_owned(),
            url: self.url.clone(),
            first_post: 0,
        }
    }

    async fn preview(&self, data: &Path, job: &str) -> Running {
        let service = preview::Plan::of(&self.target(), data, job).service().expect("a preview");
        let port = service.port.expect("that of the address");
        let (served, running) = service.start(port, &records(data)).expect("it starts");
        served.ready().await.expect("it answers");
        running
    }

    async fn look(&self) -> Pages {
        let mut read = tables(&self.database, &self.password, Access::Read).await.expect("a connection");
        let post = sample_post(&self.target(), &mut *read).await.expect("a post");
        assert!(post.is_some());
        Pages::look(&Plan::of(&self.target(), post, Some(&self.login), &self.rewriter)).expect("an answer")
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn caught(copy: &Copy) -> Vec<PathBuf> {
    let folder = neutral::caught(&copy.target()).expect("a folder of what was caught");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn letters(copy: &Copy) -> Vec<String> {
    let is_letter = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
    caught(copy)
        .into_iter()
        .filter(is_letter)
        .map(|path| fs::read_to_string(path).expect("a letter"))
        .collect()
}

fn records(data: &Path) -> Records {
    Records::open(data.join("previews")).expect("a folder for records")
}

fn served_from(data: &Path) -> Vec<Served> {
    preview::list(&records(data)).expect("records")
}

/// What a server answers to a path that is sent as it is.
fn raw(url: &str, path: &str) -> String {
    let authority = url.strip_prefix("http://").expect("an http address");
    let mut stream = TcpStream::connect(authority).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}
