//! A site whose uploads lie outside of it, behind a link.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clonedeck_jobs::clone::{CloneSite, CloneSpec, Links, Made, Owner, draft, learn};
use clonedeck_jobs::{Previews, Secrets};
use clonedeck_queue::{AddOptions, Registry, State};
use clonedeck_site::Unwatched;
use support::{queue, wait_for};

struct Scene {
    home: tempfile::TempDir,
    source: PathBuf,
    shared: PathBuf,
}

impl Scene {
    /// The demo shop with its uploads on another disk.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        let (source, shared) = (root.join("shop"), root.join("shared"));
        clonedeck_site::demo::make(&source).unwrap();
        std::fs::rename(source.join("wp-content/uploads"), &shared).unwrap();
        std::os::unix::fs::symlink(&shared, source.join("wp-content/uploads")).unwrap();
        Self { home, source, shared }
    }

    fn spec(&self, links: Links) -> CloneSpec {
        CloneSpec {
            source: self.source.clone(),
            target: self.source.with_file_name("copy"),
            url: Some("http://copy.test".into()),
            links,
            ..CloneSpec::default()
        }
    }

    async fn draft(&self, links: Links) -> clonedeck_jobs::clone::Draft {
        let (spec, secrets) = (self.spec(links), Secrets::default());
        let site = learn(&spec, &secrets).await.unwrap();
        draft(&spec, &site, &secrets, &Unwatched).await.unwrap()
    }
}

fn files_below(folder: &Path) -> usize {
    let entries =
        std::fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn the_plan_says_what_becomes_of_the_link_and_counts_what_is_copied() {
    let scene = Scene::new();
    let uploads = files_below(&scene.shared) as u64;
    let files =
        |draft: &clonedeck_jobs::clone::Draft| draft.planned.parts.values().map(|part| part.0).sum::<u64>();
    let copied = scene.draft(Links::Copy).await;
    assert!(copied.obstacles.is_empty(), "{:?}", copied.obstacles);
    assert_eq!(copied.planned.linked[0].from, scene.shared);
    assert!(
        copied.warnings.iter().any(|warning| warning.contains("a folder of its own")),
        "{:?}",
        copied.warnings
    );
    let left = scene.draft(Links::LeaveOut).await;
    assert_eq!(files(&copied) - files(&left), uploads);
    let kept = scene.draft(Links::Keep).await;
    assert!(kept.planned.linked.is_empty());
    assert!(kept.warnings.iter().any(|warning| warning.contains("changes for the source too")));
}

#[tokio::test]
async fn a_link_to_what_holds_the_site_stands_in_the_way() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.home.path(), scene.source.join("wp-content/plugins/around")).unwrap();
    let draft = scene.draft(Links::Copy).await;
    assert_eq!(draft.obstacles[0].code, "links.around");
    assert!(scene.draft(Links::Keep).await.obstacles.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copy_has_uploads_of_its_own_and_deleting_it_leaves_the_shared_ones() {
    let scene = Scene::new();
    let data = scene.home.path().join("data");
    let previews = Previews::of(&data, false);
    let kind = CloneSite { previews: previews.clone(), secrets: Secrets::of(&data) };
    let queue = queue(&data, Registry::new().with(kind), 1);
    let runner = queue.run().await.unwrap();
    let spec = scene.spec(Links::Copy);
    let id = queue.add::<CloneSite>(&spec, AddOptions::default()).await.unwrap();
    let job = wait_for(&queue, id, "ended", |job| job.state.is_final()).await;
    assert_eq!(job.state, State::Completed, "{job:#?}");
    assert_eq!(job.result.as_ref().unwrap()["findings"], 0);
    let uploads = spec.target.join("wp-content/uploads");
    assert!(uploads.symlink_metadata().unwrap().is_dir());
    let before = files_below(&scene.shared);
    assert_eq!(files_below(&uploads), before);

    let job_dir = data.join("jobs").join(id.to_string());
    let secrets = Secrets::default();
    let owner = Owner {
        job: &id.to_string(),
        job_dir: &job_dir,
        finished: true,
        spec: &spec,
        secrets: &secrets,
        previews: &previews,
    };
    let made = Made::read(&job_dir).unwrap().unwrap();
    assert!(made.remove(&owner, &Unwatched).await.unwrap().is_empty());
    assert!(!spec.target.exists());
    assert_eq!(files_below(&scene.shared), before);
    runner.stop(Duration::from_secs(5)).await;
}
