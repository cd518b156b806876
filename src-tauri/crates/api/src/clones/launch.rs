//! Adding clones to the queue, one or many.

use std::collections::HashSet;
use std::path::PathBuf;

use clonedeck_jobs::Secrets;
use clonedeck_jobs::clone::{self, CloneSite, CloneSpec};
use clonedeck_queue::{AddOptions, Batch};
use clonedeck_site::files::Exclusions;
use clonedeck_site::{Secret, fence, platforms};

use super::Given;
use super::request::spec;
use crate::wire::{CloneRequest, LaunchedBatch, Problem};
use crate::{Clonedeck, convert, problem};

impl Clonedeck {
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
}

fn options(spec: &CloneSpec, priority: i32) -> AddOptions {
    AddOptions::default().priority(priority).unique(format!("clone:{}", spec.target.display()))
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
