//! Launching clones: what is there, what would be done, and the launch itself.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use clonedeck_jobs::Secrets;
use clonedeck_jobs::clone::{self, CloneSite, CloneSpec, SourceSecrets};
use clonedeck_queue::{AddOptions, Batch, Filter, Job};
use clonedeck_site::databases::{self, Count, DatabaseAddress};
use clonedeck_site::files::{Exclusions, Index};
use clonedeck_site::platforms::{self, Kind, Site};
use clonedeck_site::{Part, Secret, Unwatched, fence};

use crate::wire::{
    CloneDefaults, ClonePasswords, ClonePlan, CloneRequest, DatabaseReport, Excluded, LaunchedBatch,
    NeutraliseSwitch, PartReport, Problem, SiteReport, SiteSeen,
};
use crate::{Clonedeck, convert, estimate, problem};

/// Ended jobs that are looked through for the sites they had to do with.
const REMEMBERED: usize = 500;

/// The switches that keep a copy quiet: id, title, what it does.
const SWITCHES: [(&str, &str, &str); 7] = [
    ("mail", "Catch mail", "Mail is caught into a folder, none is sent"),
    ("egress", "Block requests", "Requests to other servers are refused and listed"),
    ("cron", "Stop cron", "Cron and Action Scheduler stand still"),
    ("crawlers", "Keep crawlers out", "Search engines are told to stay away"),
    (
        "identities",
        "Blank identities",
        "Live keys of payment, mail and backup services are blanked or set to test",
    ),
    ("mark", "Mark the copy", "The admin bar and the login say that this is a copy"),
    ("caches", "Set caches aside", "Object and page caches shared with the source are set aside"),
];

/// The same for a site in PHP of no known kind, whose copy only its preview keeps.
const SWITCHES_OF_PHP: [(&str, &str, &str); 3] = [
    ("mail", "Catch mail", "Mail that the preview sends with PHP is caught into a folder"),
    ("egress", "Block requests", "Requests that the preview makes with curl are refused"),
    ("crawlers", "Keep crawlers out", "Search engines are told to stay away"),
];

/// The switches that a kind of site has.
fn switches_of(kind: Kind) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let all: &[_] = match kind {
        Kind::WordPress => &SWITCHES,
        Kind::Php | Kind::Static => &SWITCHES_OF_PHP,
    };
    all.iter().filter(move |(id, ..)| kind != Kind::Static || *id == "crawlers")
}

/// What an operator gives beside a request, which is stored in the open.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The password for the copy's database, where one is named.
    pub password: Option<String>,
    /// The password for the source's database, where its configuration does not say.
    pub source_password: Option<String>,
    /// Environment variables that the web server gives the source.
    pub source_environment: BTreeMap<String, String>,
}

impl From<ClonePasswords> for Given {
    fn from(passwords: ClonePasswords) -> Self {
        let typed = |password: Option<String>| password.filter(|password| !password.is_empty());
        Self {
            password: typed(passwords.copy),
            source_password: typed(passwords.source),
            source_environment: BTreeMap::new(),
        }
    }
}

impl Given {
    /// The password for the copy's database.
    fn of_copy(&self, spec: &CloneSpec) -> Option<Secret> {
        self.password.as_deref().filter(|_| spec.db.is_some()).map(Secret::new)
    }

    /// What was given for the source, as it is kept.
    fn of_source(&self) -> Option<Secret> {
        if self.source_password.is_none() && self.source_environment.is_empty() {
            return None;
        }
        let source = SourceSecrets {
            password: self.source_password.clone(),
            environment: self.source_environment.clone(),
        };
        Some(Secret::new(serde_json::to_string(&source).unwrap_or_default()))
    }

    /// Holds it in memory for as long as a look takes.
    fn hold(&self, spec: &mut CloneSpec) -> Secrets {
        let held = [("copy", self.of_copy(spec)), ("source", self.of_source())];
        let held = held.map(|(name, secret)| Some((name.to_owned(), secret?)));
        let name = |of: &Option<(String, Secret)>| of.as_ref().map(|(name, _)| name.clone());
        (spec.db_secret, spec.source_secret) = (name(&held[0]), name(&held[1]));
        Secrets::held(held.into_iter().flatten())
    }
}

impl Clonedeck {
    /// What is there: platform, version, files by part, database, addresses.
    pub async fn inspect(request: &CloneRequest, given: &Given) -> Result<SiteReport, Problem> {
        let mut spec = source_of(request)?;
        let secrets = given.hold(&mut spec);
        Ok(look(&spec, &secrets).await?.0)
    }

    /// The same with what the operator says beyond the folder, as a new clone is put together. What the folders hold is kept for
    /// [`Clonedeck::folder_page`].
    pub async fn inspect_for(&self, request: &CloneRequest, given: &Given) -> Result<SiteReport, Problem> {
        let mut spec = source_of(request)?;
        let secrets = given.hold(&mut spec);
        let (report, site, index) = look(&spec, &secrets).await?;
        self.sizes.keep(&spec.source, &site, index);
        Ok(report)
    }

    /// Sane answers for a new clone of a source.
    pub async fn clone_defaults(&self, source: &Path) -> Result<CloneDefaults, Problem> {
        let target = clone::target_beside(&absolute(source)?);
        Ok(CloneDefaults { target: target.display().to_string(), db: None })
    }

    /// What a clone would do, and what stands in its way. Writes nothing.
    pub async fn plan_clone(&self, request: &CloneRequest, given: &Given) -> Result<ClonePlan, Problem> {
        let mut spec = spec(request)?;
        let secrets = given.hold(&mut spec);
        let planned = async {
            let site = clone::learn(&spec, &secrets).await?;
            let draft = clone::draft(&spec, &site, &secrets, &Unwatched).await?;
            Ok((site, draft))
        };
        let planned = planned.await;
        let (site, draft) = planned.map_err(convert::site_problem)?;
        let obstacles: Vec<Problem> = draft.obstacles.into_iter().map(convert::site_problem).collect();
        let paces = self.queue.paces(CloneSite::KIND).await.map_err(convert::queue_problem)?;
        let eta = estimate::of(&paces, &draft.planned);
        let neutralise = switches_of(site.kind)
            .map(|(id, title, message)| NeutraliseSwitch {
                id: (*id).to_owned(),
                title: (*title).to_owned(),
                message: (*message).to_owned(),
                on: !(spec.neutralise_off.iter().any(|off| off == id) || *id == "egress" && spec.open_egress),
            })
            .collect();
        Ok(ClonePlan {
            source: report(&site, &draft.all_parts, draft.survey.as_ref()),
            target: draft.planned.target.display().to_string(),
            url: if draft.planned.preview {
                draft.planned.url.replace(":0", ":…")
            } else {
                draft.planned.url
            },
            database: draft.planned.database.map(|address| address.to_string()),
            excluded: draft
                .planned
                .left_out
                .into_iter()
                .map(|out| Excluded {
                    pattern: out.pattern,
                    reason: out.reason,
                    files: out.files,
                    bytes: out.bytes,
                })
                .collect(),
            bytes_needed: draft.needed,
            bytes_free: draft.free,
            eta_seconds: Some(eta),
            neutralise,
            obstacles,
            warnings: draft.warnings,
        })
    }

    /// Adds a clone. When this returns, the job is on the disk. What can be refused at once is refused, and then nothing was added.
    pub async fn launch_clone(&self, request: &CloneRequest, given: &Given) -> Result<String, Problem> {
        let mut spec = spec(request)?;
        self.keep_given(&mut spec, given)?;
        let added = async {
            self.accept(&mut spec).await?;
            self.add_clone(&spec, request.priority).await
        };
        let added = added.await;
        if added.is_err() {
            self.secrets.forget_given(&spec);
        }
        added
    }

    /// Adds several clones as one batch: all of them or none. Of a request that is refused, the problem says in `request` which it is,
    /// counted from 0.
    pub async fn launch_clones(
        &self,
        title: &str,
        requests: &[(CloneRequest, Given)],
    ) -> Result<LaunchedBatch, Problem> {
        let mut specs = Vec::new();
        let added = self.add_clones(title, requests, &mut specs).await;
        if added.is_err() {
            for spec in &specs {
                self.secrets.forget_given(spec);
            }
        }
        added
    }

    /// What was accepted so far stands in `specs`, also when a later one is refused.
    async fn add_clones(
        &self,
        title: &str,
        requests: &[(CloneRequest, Given)],
        specs: &mut Vec<CloneSpec>,
    ) -> Result<LaunchedBatch, Problem> {
        let mut batch = Batch::new(title.trim());
        let mut targets = HashSet::new();
        for (number, (request, given)) in requests.iter().enumerate() {
            let which = |mut problem: Problem| {
                problem.context.insert("request".into(), number.to_string());
                problem
            };
            let mut spec = spec(request).map_err(which)?;
            let kept = self.keep_given(&mut spec, given);
            specs.push(spec.clone());
            kept.map_err(which)?;
            self.accept(&mut spec).await.map_err(which)?;
            if !targets.insert(spec.target.clone()) {
                let message = format!("Two of the copies would go into {}.", spec.target.display());
                return Err(which(problem("target.twice", message, "Give each copy a folder of its own.")));
            }
            let options = options(&spec, request.priority);
            batch = batch.job::<CloneSite>(spec, options);
        }
        let (id, jobs) = self.queue.add_batch(batch).await.map_err(convert::queue_problem)?;
        Ok(LaunchedBatch { batch: id.to_string(), jobs: jobs.iter().map(ToString::to_string).collect() })
    }

    /// Refuses what can be refused at once, without reading more than a few files; finds the folder that is really meant.
    async fn accept(&self, spec: &mut CloneSpec) -> Result<(), Problem> {
        let (look, secrets) = (spec.clone(), self.secrets.clone());
        spec.target = tokio::task::spawn_blocking(move || refuse_early(&look, &secrets))
            .await
            .map_err(convert::lost_thread)?
            .map_err(convert::site_problem)?;
        Ok(())
    }

    /// Keeps what was given apart from what the job is asked for.
    fn keep_given(&self, spec: &mut CloneSpec, given: &Given) -> Result<(), Problem> {
        let keep = |secret: Option<Secret>| {
            secret.map(|secret| self.secrets.keep_given(&secret)).transpose().map_err(convert::site_problem)
        };
        spec.db_secret = keep(given.of_copy(spec))?;
        spec.source_secret = keep(given.of_source())?;
        Ok(())
    }

    /// Adds a clone, unless one that has not ended writes the same folder: asked for the very same, that one's id is the answer,
    /// anything else is refused.
    pub(crate) async fn add_clone(&self, spec: &CloneSpec, priority: i32) -> Result<String, Problem> {
        let options = options(spec, priority);
        let id = self.queue.add::<CloneSite>(spec, options).await.map_err(convert::queue_problem)?;
        let first = self.queue.job(id).await.map_err(convert::queue_problem)?;
        let asked: Option<CloneSpec> = serde_json::from_value(first.spec).ok();
        if asked.as_ref() == Some(spec) {
            return Ok(id.to_string());
        }
        // The names under which passwords are kept are new every time.
        let plain = |spec: &CloneSpec| CloneSpec { db_secret: None, source_secret: None, ..spec.clone() };
        if asked.as_ref().map(plain) == Some(plain(spec)) {
            // That job works with those that were given with it.
            self.secrets.forget_given(spec);
            return Ok(id.to_string());
        }
        Err(problem(
            "target.taken",
            format!("Another clone is to make {}: the job {id}.", spec.target.display()),
            format!(
                "Choose another folder, wait until that job has ended, or cancel it: clonedeck cancel {id}"
            ),
        ))
    }

    /// The sites that clones and commands had to do with, the latest first.
    pub async fn recent_sites(&self) -> Result<Vec<SiteSeen>, Problem> {
        let kinds = ["clone", "command", "workflow"].map(str::to_owned).into();
        let filter = Filter { kinds, limit: Some(REMEMBERED), ..Filter::default() };
        let page = self.queue.list(filter).await.map_err(convert::queue_problem)?;
        let mut seen: Vec<SiteSeen> = Vec::new();
        for job in page.jobs {
            let row = convert::row(&job, 0);
            let view = convert::job(job, 0);
            for (path, copy) in [(&view.source, false), (&view.target, true)] {
                let Some(path) = path else { continue };
                if let Some(known) = seen.iter_mut().find(|site| site.path == *path) {
                    known.jobs += 1;
                    known.platform = known.platform.take().or_else(|| view.platform.clone());
                    known.copy |= copy;
                } else {
                    seen.push(SiteSeen {
                        path: path.clone(),
                        address: view.result.as_ref().and_then(|result| result.url.clone()).filter(|_| copy),
                        platform: view.platform.clone(),
                        copy,
                        last_job: view.id.clone(),
                        last_at: row.finished_at.clone().unwrap_or_else(|| view.created_at.clone()),
                        jobs: 1,
                    });
                }
            }
        }
        Ok(seen)
    }
}

/// Looks at a site: what is told of it, and the index of its main tree.
async fn look(spec: &CloneSpec, secrets: &Secrets) -> Result<(SiteReport, Site, Option<Index>), Problem> {
    let site = clone::learn(spec, secrets).await.map_err(convert::site_problem)?;
    let mut counted: BTreeMap<Part, (u64, u64)> = BTreeMap::new();
    let mut main = None;
    for tree in &site.trees {
        let (inside, place) = (site.clone(), tree.place.clone());
        let index = Index::take(
            &tree.from,
            &Exclusions::none(),
            move |path| inside.part_of(&place.join(path)),
            &Unwatched,
        )
        .await
        .map_err(convert::site_problem)?;
        for (part, count) in index.parts() {
            let sum = counted.entry(part).or_default();
            sum.0 += count.files;
            sum.1 += count.bytes;
        }
        if tree.place.as_os_str().is_empty() {
            main = Some(index);
        }
    }
    let opened = clone::open_source(spec, secrets).await.map_err(convert::site_problem)?;
    let survey = match &opened.database {
        Some(database) => {
            Some(database.survey(Count::Estimate, &Unwatched).await.map_err(convert::site_problem)?)
        }
        None => None,
    };
    let report = report(&site, &counted, survey.as_ref());
    Ok((report, site, main))
}

/// The source of a request, with what is said of it.
fn source_of(request: &CloneRequest) -> Result<CloneSpec, Problem> {
    Ok(CloneSpec {
        source: absolute(Path::new(&request.source))?,
        source_db: address(request.source_db.as_deref())?,
        source_url: word(request.source_url.as_deref()),
        source_prefix: word(request.source_prefix.as_deref()),
        source_config: config(request)?,
        ..CloneSpec::default()
    })
}

fn options(spec: &CloneSpec, priority: i32) -> AddOptions {
    AddOptions::default().priority(priority).unique(format!("clone:{}", spec.target.display()))
}

fn address(text: Option<&str>) -> Result<Option<DatabaseAddress>, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::parse).transpose().map_err(convert::site_problem)
}

fn word(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The configuration of the source, where it is in no usual place.
fn config(request: &CloneRequest) -> Result<Option<PathBuf>, Problem> {
    word(request.source_config.as_deref()).map(|file| absolute(Path::new(&file))).transpose()
}

/// What can be refused before a job is added, without reading more than a few files. Answers the folder of the copy, free of links.
fn refuse_early(spec: &CloneSpec, secrets: &Secrets) -> clonedeck_site::Result<PathBuf> {
    let site = platforms::recognise(&spec.source, &clone::hints(spec, secrets)?)?.site;
    let ground = fence::check(&site.root, &spec.target)?;
    if !spec.replace {
        ground.require_free()?;
    }
    if let Some(url) = &spec.url {
        platforms::Address::parse(url)?;
    }
    Exclusions::only(&spec.exclude)?;
    Ok(ground.path().to_owned())
}

fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    if path.as_os_str().is_empty() {
        return Err(problem("site.missing", "No folder was given.", "Name the folder of the site."));
    }
    std::path::absolute(path)
        .map_err(|why| problem("site.missing", format!("{} is no usable path: {why}.", path.display()), ""))
}

fn spec(request: &CloneRequest) -> Result<CloneSpec, Problem> {
    if request.target.is_empty() {
        return Err(problem(
            "target.missing",
            "No folder was given for the copy.",
            "Name a folder that does not exist yet.",
        ));
    }
    if !(-10..=10).contains(&request.priority) {
        return Err(problem("job.priority", "A priority is from -10 to 10.", "0 is the usual one."));
    }
    let skip = request.skip.iter().map(|part| part.parse::<Part>()).collect::<Result<Vec<_>, _>>();
    Ok(CloneSpec {
        source: absolute(Path::new(&request.source))?,
        target: absolute(Path::new(&request.target))?,
        url: word(request.url.as_deref()),
        db: address(request.db.as_deref())?,
        source_db: address(request.source_db.as_deref())?,
        source_url: word(request.source_url.as_deref()),
        source_prefix: word(request.source_prefix.as_deref()),
        source_config: config(request)?,
        links: word(request.links.as_deref())
            .map_or(Ok(clone::Links::default()), |links| links.parse())
            .map_err(convert::site_problem)?,
        skip: skip.map_err(|why| {
            problem(
                "part.unknown",
                format!("{why}."),
                "Leave out one of core, modules, themes, media, database.",
            )
        })?,
        exclude: request.exclude.clone(),
        replace: request.replace,
        keep_guids: request.keep_guids,
        open_egress: request.open_egress,
        neutralise_off: request.neutralise_off.clone(),
        allow_unreadable: request.allow_unreadable,
        verify_all: request.verify == "full",
        ..CloneSpec::default()
    })
}

fn report(
    site: &Site,
    counted: &BTreeMap<Part, (u64, u64)>,
    survey: Option<&databases::Survey>,
) -> SiteReport {
    let mut addresses: Vec<String> = site.home.iter().cloned().collect();
    for inner in site.network.iter().flat_map(|network| &network.sites) {
        addresses.push(inner.home.clone());
    }
    addresses.extend(site.siteurl.clone());
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| !address.is_empty() && seen.insert(address.clone()));
    SiteReport {
        path: site.root.display().to_string(),
        platform: match site.kind {
            Kind::WordPress => "wordpress",
            Kind::Php => "php",
            Kind::Static => "static",
        }
        .to_owned(),
        platform_title: clone::platform_title(site),
        version: site.version.clone(),
        title: site.title.clone(),
        addresses,
        parts: counted
            .iter()
            .map(|(part, (files, bytes))| PartReport {
                part: part.name().to_owned(),
                files: *files,
                bytes: *bytes,
            })
            .collect(),
        database: site.database.as_ref().map(|database| DatabaseReport {
            address: database.address.to_string(),
            server: survey.map(|survey| survey.product.clone()).unwrap_or_default(),
            tables: survey.map_or(0, |survey| survey.tables.len() as u64),
            rows: survey.map_or(0, databases::Survey::rows),
            bytes: survey.map_or(0, databases::Survey::bytes),
        }),
        notes: site.unread.clone(),
    }
}
