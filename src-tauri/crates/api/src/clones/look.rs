//! Looking at a site that may be cloned.

use std::collections::BTreeMap;

use clonedeck_jobs::Secrets;
use clonedeck_jobs::clone::{self, CloneSpec};
use clonedeck_site::databases::{self, Count};
use clonedeck_site::files::{Exclusions, Index};
use clonedeck_site::platforms::{Kind, Site};
use clonedeck_site::{Part, Unwatched};

use super::Given;
use super::request::source_of;
use crate::wire::{CloneRequest, DatabaseReport, PartReport, Problem, SiteReport};
use crate::{Clonedeck, convert};

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

pub(super) fn report(
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
