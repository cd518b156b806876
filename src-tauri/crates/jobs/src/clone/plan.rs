use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clonedeck_queue::{Ctx, Done, Level, Step, StepError};
use clonedeck_site::databases::{self, Count, DatabaseAddress, MissingRight, Survey};
use clonedeck_site::files::{self, Index};
use clonedeck_site::platforms::{self, Site, Tree};
use clonedeck_site::{Part, Problem, Result, Secret, Watch, fence, preview};
use serde::{Deserialize, Serialize};

use super::{AttachPlatform, CloneSite, CloneSpec, shared, source, trees};
use crate::words::{bytes, counted};
use crate::{Previews, Secrets, Watching};

/// Takes the index of files and tables, decides where everything goes, and finds what stands in the way before anything is written.
#[derive(Debug)]
pub struct Plan {
    /// Where passwords are kept.
    pub secrets: Secrets,
    /// Where copies are served.
    pub previews: Previews,
}

/// One pattern's share of what is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The pattern.
    pub pattern: String,
    /// Why.
    pub reason: String,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Where everything goes, and how much it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Folder of the copy, absolute, without symbolic links.
    pub target: PathBuf,
    /// Address of the copy; in a draft, one that we make up has the port 0.
    pub url: String,
    /// Whether the address is one that we made up, on this machine.
    pub preview: bool,
    /// Database of the copy.
    pub database: Option<DatabaseAddress>,
    /// Files and bytes of each part that is copied.
    pub parts: BTreeMap<Part, (u64, u64)>,
    /// Rows of the source's database, about.
    pub rows: u64,
    /// Tables of the source's database.
    pub tables: u64,
    /// Bytes of the source's database, about.
    pub database_bytes: u64,
    /// What is left out.
    pub left_out: Vec<LeftOut>,
    /// Folders outside of the source that it has by links, which the copy gets for its own.
    #[serde(default)]
    pub linked: Vec<Tree>,
}

impl Planned {
    /// The site with all the trees that are copied.
    pub fn whole(&self, mut site: Site) -> Site {
        site.trees.extend(self.linked.iter().cloned());
        site
    }
}

/// A plan before it is carried out: all that can be said without writing anything.
pub struct Draft {
    /// Where everything goes.
    pub planned: Planned,
    /// Files and bytes of every part of the source, whether copied or not.
    pub all_parts: BTreeMap<Part, (u64, u64)>,
    /// The index of each tree of the site, in its order.
    pub indexes: Vec<Arc<Index>>,
    /// The source's database.
    pub survey: Option<Survey>,
    /// Bytes free where the copy goes.
    pub free: u64,
    /// Bytes that the copy takes there.
    pub needed: u64,
    /// What stands in the way.
    pub obstacles: Vec<Problem>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

impl Step for Plan {
    type Job = CloneSite;
    type Cursor = ();
    type Output = Planned;
    const NAME: &'static str = "plan";
    const TITLE: &'static str = "Plan";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<Planned>, StepError> {
        let watch = Watching::new(ctx.handle());
        let site = ctx.output_of::<AttachPlatform>()?.site;
        let draft =
            draft(ctx.spec(), &site, &self.secrets, &watch).await.map_err(|problem| watch.error(problem))?;
        for warning in &draft.warnings {
            ctx.log(Level::Warn, warning);
        }
        let mut obstacles = draft.obstacles.into_iter();
        if let Some(first) = obstacles.next() {
            for path in draft.indexes.iter().flat_map(|index| index.unreadable()).take(trees::MOST_NAMED) {
                ctx.log(Level::Warn, format!("may not be read: {} ({})", path.path, path.why));
            }
            for further in obstacles {
                ctx.log(Level::Warn, format!("what also stands in the way: {}", further.message));
            }
            return Err(watch.error(first));
        }
        let folder = ctx.job_dir()?;
        for (number, index) in draft.indexes.iter().enumerate() {
            index.save(&index_file(&folder, number)).map_err(|problem| watch.error(problem))?;
        }
        let mut planned = draft.planned;
        if planned.preview {
            let port = self.previews.reserve(&ctx.job_id().to_string()).await;
            planned.url = preview::address(&site, port.map_err(|problem| watch.error(problem))?);
        } else {
            let address = platforms::Address::parse(&planned.url).map_err(|problem| watch.error(problem))?;
            let claimed = self.previews.claim(&ctx.job_id().to_string(), &address).await;
            claimed.map_err(|problem| watch.error(problem))?;
        }
        ctx.set_weights(&weights(&planned)).await?;
        let (files, size) = planned.parts.values().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let mut told = format!("{} · {}", counted(files, "file"), bytes(size));
        if planned.tables > 0 {
            told.push_str(&format!(" · {}", counted(planned.tables, "table")));
        }
        for out in planned.left_out.iter().filter(|out| out.files > 0) {
            ctx.log(
                Level::Info,
                format!(
                    "left out {}: {}, {} ({})",
                    out.pattern,
                    counted(out.files, "file"),
                    bytes(out.bytes),
                    out.reason
                ),
            );
        }
        ctx.log(Level::Info, format!("{told}; the copy answers at {}", planned.url));
        ctx.message(&told);
        ctx.set_result(serde_json::json!({ "folder": planned.target, "url": planned.url }))?;
        Ok(Done::Completed(planned))
    }
}

/// Bytes that a machine copies, and rows that a database copies and rewrites, in about the same time as one another.
const BYTES_OF_A_FILE: f64 = 30_000.0;
const BYTES_OF_A_ROW: f64 = 4_000.0;

/// Weights that follow the real work, so that the whole moves evenly.
fn weights(planned: &Planned) -> Vec<(&'static str, f64)> {
    let part = |part| {
        planned.parts.get(&part).map_or(0.0, |(files, bytes)| *bytes as f64 + *files as f64 * BYTES_OF_A_FILE)
    };
    let data = planned.database_bytes as f64 * 4.0 + planned.rows as f64 * BYTES_OF_A_ROW;
    let whole = Part::OF_FILES.into_iter().map(part).sum::<f64>() + data;
    let small = (whole * 0.01).max(1.0);
    vec![
        ("attach-platform", small),
        ("plan", small),
        ("prepare-target", small),
        ("copy-core", part(Part::Core)),
        ("copy-modules", part(Part::Modules)),
        ("copy-themes", part(Part::Themes)),
        ("copy-media", part(Part::Media)),
        ("copy-database", data * 0.7),
        ("rewrite-addresses", data * 0.15),
        ("update-site-defaults", small),
        ("check-the-copy", data * 0.15 + small * 5.0),
        ("ready", small),
    ]
}

/// Where the index of a tree is kept.
pub(super) fn index_file(job_dir: &Path, number: usize) -> PathBuf {
    job_dir.join(format!("index-{number}"))
}

/// Reads the index of every tree of the site.
pub(super) fn indexes(job_dir: &Path, site: &Site) -> Result<Vec<Arc<Index>>> {
    (0..site.trees.len()).map(|number| Index::load(&index_file(job_dir, number)).map(Arc::new)).collect()
}

/// Looks at everything and writes nothing.
pub async fn draft(spec: &CloneSpec, site: &Site, secrets: &Secrets, watch: &dyn Watch) -> Result<Draft> {
    let mut obstacles = Vec::new();
    let mut warnings = site.unread.clone();
    let ground = fence::check(&site.root, &spec.target)?;
    if !spec.replace
        && let Err(problem) = ground.require_free()
    {
        obstacles.push(problem);
    }
    if let Err(problem) = ground.require_writable() {
        obstacles.push(problem);
    }
    let target = ground.path().to_owned();

    let files = trees::take(spec, site, watch).await?;
    obstacles.extend(files.obstacles);
    warnings.extend(files.warnings);
    let all_parts = files.parts;
    let parts: BTreeMap<_, _> =
        all_parts.iter().filter(|(part, _)| spec.copies(**part)).map(|(part, sum)| (*part, *sum)).collect();

    let opened = source::open(spec, secrets).await?;
    let survey = match &opened.database {
        Some(database) => Some(database.survey(Count::Estimate, watch).await?),
        None => None,
    };
    let database = match (&survey, &site.database) {
        (Some(_), Some(own)) => Some(match &spec.db {
            Some(asked) => asked.clone(),
            None => beside(&own.address, &opened.recognised.password, site, &target).await?,
        }),
        _ => None,
    };
    if let (Some(survey), Some(address)) = (&survey, &database) {
        let password = opened.password_for(address, spec, secrets)?;
        let missing = databases::missing_rights(survey, address, &password).await?;
        obstacles.extend(rights_missing(&missing));
    } else if let Some(asked) = &spec.db
        && spec.copies(Part::Database)
    {
        obstacles.push(
            Problem::permanent(
                "database.none",
                format!("It is not known which database this site has, so nothing would go into {asked}."),
            )
            .help("Name the database of the source with --source-db, or leave --db out."),
        );
    }
    if let Some(asked) = spec.db.as_ref().filter(|_| !spec.copies(Part::Database)) {
        obstacles.push(
            Problem::permanent(
                "database.skipped",
                format!("Nothing would go into {asked}: the database is left out."),
            )
            .help("Leave out either --db or --skip database."),
        );
    }
    let database_bytes = survey.as_ref().map_or(0, Survey::bytes);
    let files_bytes: u64 = parts.values().map(|part| part.1).sum();
    let needed = files_bytes + database_bytes;
    let free = files::free_space(&target)?.bytes;
    let files_number: u64 = parts.values().map(|part| part.0).sum();
    if let Err(problem) = files::require_space(&target, needed, files_number) {
        obstacles.push(problem);
    }
    let (url, preview) = match &spec.url {
        Some(url) => {
            let address = platforms::Address::parse(url)?;
            warnings.extend(occupied(&address, &target));
            (address.to_string(), false)
        }
        // Its port is leased when the plan is carried out.
        None => (preview::address(site, 0), true),
    };
    if site.home.is_some() {
        platforms::pairs(site, &url, &target)?;
    } else if site.database.is_some() {
        warnings.push(
            "The address of the source is not known, so no address is rewritten. Give it with --source-url."
                .into(),
        );
    }
    let planned = Planned {
        target,
        url,
        preview,
        database,
        parts,
        rows: survey.as_ref().map_or(0, Survey::rows),
        tables: survey.as_ref().map_or(0, |survey| survey.tables.len() as u64),
        database_bytes,
        left_out: files.left_out.into_values().chain(skipped(spec, &all_parts)).collect(),
        linked: files.linked,
    };
    if let Some(index) = files.indexes.first()
        && let Some(shares) = shared::sentence(site, &planned, index, &site.root)
    {
        warnings.push(format!("The copy will not be started: {shares}"));
    }
    Ok(Draft { planned, all_parts, indexes: files.indexes, survey, free, needed, obstacles, warnings })
}

/// Parts that are left out because that was asked: a copy without them must not look whole.
fn skipped(spec: &CloneSpec, all: &BTreeMap<Part, (u64, u64)>) -> Vec<LeftOut> {
    let skipped = all.iter().filter(|(part, _)| !spec.copies(**part));
    let left_out = skipped.map(|(part, (files, bytes))| LeftOut {
        pattern: part.name().to_owned(),
        reason: "a part of the site that is not wanted in the copy".to_owned(),
        files: *files,
        bytes: *bytes,
    });
    left_out.collect()
}

/// What is said when somebody is at the copy's address already.
fn occupied(address: &platforms::Address, target: &Path) -> Option<String> {
    if address.scheme != "http" || !address.is_loopback() {
        return None;
    }
    let problem = preview::refusal(address.port_or_default())?;
    Some(format!(
        "{} Let a web server show {} there, or choose another address for the copy.",
        problem.message,
        target.display()
    ))
}

/// All rights that are missing, as one thing that stands in the way: who may give them gives them in one go.
fn rights_missing(missing: &[MissingRight]) -> Option<Problem> {
    let first = missing.first()?;
    let rights = missing.iter().map(|missing| missing.right.as_str()).collect::<Vec<_>>().join(", ");
    let grant = first.grant.replacen(&first.right, &rights, 1);
    let (what, them) = if missing.len() == 1 { ("right", "it") } else { ("rights", "them") };
    let is = if missing.len() == 1 { "is" } else { "are" };
    let message =
        format!("The {what} {rights} on {} {is} missing for the database of the copy.", first.database);
    Some(
        Problem::needs_person("rights.missing", message)
            .help(format!("Somebody who may gives {them} so: {grant}")),
    )
}

/// A database for the copy beside the source's: on the same server under a new name, or the same file in the copied tree.
async fn beside(
    own: &DatabaseAddress,
    password: &Secret,
    site: &Site,
    target: &Path,
) -> Result<DatabaseAddress> {
    match own {
        DatabaseAddress::Mysql { server, user, name } => {
            let name = databases::name_for_copy(name, own, password, target).await?;
            Ok(DatabaseAddress::Mysql { server: server.clone(), user: user.clone(), name })
        }
        DatabaseAddress::Sqlite { path } => {
            let tree = site
                .trees
                .iter()
                .filter(|tree| path.starts_with(&tree.from))
                .max_by_key(|tree| tree.from.components().count());
            let inside = tree.and_then(|tree| Some(tree.place.join(path.strip_prefix(&tree.from).ok()?)));
            let inside = inside.unwrap_or_else(|| path.file_name().unwrap_or_default().into());
            Ok(DatabaseAddress::Sqlite { path: target.join(inside) })
        }
    }
}

/// A folder beside the source that does not exist.
pub fn target_beside(source: &Path) -> PathBuf {
    let name = source.file_name().map_or_else(|| "site".into(), |name| name.to_string_lossy().into_owned());
    let parent = source.parent().unwrap_or(source);
    let first = parent.join(format!("{name}-copy"));
    let further = (2..10_000).map(|number| parent.join(format!("{name}-copy-{number}")));
    std::iter::once(first.clone())
        .chain(further)
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or(first)
}
