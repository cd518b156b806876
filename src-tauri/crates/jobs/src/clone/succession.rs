//! Which clone a place belongs to: with *replace*, or once a copy was removed by hand, a later clone may stand where an earlier one
//! stood. From then on the earlier job must not touch that place, whatever it is asked for.

use std::path::Path;

use clonedeck_site::Problem;

use super::{Made, Planned};

/// A later clone that stands in the place of an earlier one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Successor {
    /// The later job's id.
    job: String,
    /// Where it put what it found.
    aside: Option<String>,
}

impl Successor {
    /// Why the earlier job is refused.
    pub(super) fn refusal(&self, made: &Made) -> Problem {
        let problem = Problem::permanent(
            "copy.replaced",
            format!("A later clone, {}, stands in the place of this copy.", self.job),
        )
        .with("target", made.planned.target.display());
        match &self.aside {
            Some(aside) => problem
                .help(format!("What this job made is set aside in {aside}. Cancelling the later clone or deleting its copy puts it back.")),
            None => problem.help("Nothing of this job is left there."),
        }
    }
}

/// The next place in the line of all that the clones beside this job made.
pub(super) fn next_turn(job_dir: &Path) -> u64 {
    others(job_dir).map(|(_, made)| made.turn).max().unwrap_or_default() + 1
}

/// The earlier clones whose place this one takes, by their jobs' ids.
pub(super) fn predecessors(planned: &Planned, job_dir: &Path) -> Vec<String> {
    let earlier = others(job_dir).filter(|(_, made)| is_same_place(&made.planned, planned));
    earlier.map(|(job, _)| job).collect()
}

/// The latest clone that was made at the same place as `made` after it: in the same folder or the same database.
pub(super) fn successor(made: &Made, job_dir: &Path) -> Option<Successor> {
    others(job_dir)
        .filter(|(_, later)| later.turn > made.turn && is_same_place(&made.planned, &later.planned))
        .max_by_key(|(_, later)| later.turn)
        .map(|(job, later)| Successor {
            job,
            aside: later.aside.map(|aside| aside.path().display().to_string()),
        })
}

fn is_same_place(one: &Planned, other: &Planned) -> bool {
    one.target == other.target || (one.database.is_some() && one.database == other.database)
}

/// What the other jobs of this data directory made, with their ids. A note that cannot be read is no reason to stop another job.
fn others(job_dir: &Path) -> impl Iterator<Item = (String, Made)> {
    let own = job_dir.file_name().map(ToOwned::to_owned);
    let folders = job_dir.parent().and_then(|jobs| std::fs::read_dir(jobs).ok());
    folders.into_iter().flatten().flatten().filter(move |entry| Some(entry.file_name()) != own).filter_map(
        |entry| {
            let made = Made::read(&entry.path()).ok()??;
            Some((entry.file_name().to_string_lossy().into_owned(), made))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use clonedeck_queue::{AddOptions, JobId, Options, Queue, Registry, State};
    use clonedeck_site::Unwatched;

    use super::super::{CloneSite, CloneSpec, Made, Owner};
    use crate::{Previews, Secrets};

    struct Deck {
        data: PathBuf,
        queue: Queue,
        kind: CloneSite,
    }

    impl Deck {
        fn open(data: &Path) -> Self {
            let kind = CloneSite { previews: Previews::of(data, false), secrets: Secrets::of(data) };
            let registry = Registry::new().with(kind.clone());
            let options = Options { cpu_limit: 1000.0, ..Options::default() };
            let queue = Queue::open(data, registry, options).unwrap();
            kind.previews.lease_from(&queue);
            Self { data: data.to_owned(), queue, kind }
        }

        async fn clone(&self, spec: &CloneSpec) -> JobId {
            let id = self.queue.add::<CloneSite>(spec, AddOptions::default()).await.unwrap();
            let mut runner = self.queue.run().await.unwrap();
            runner.until_idle().await;
            runner.stop(Duration::from_secs(10)).await;
            let job = self.queue.job(id).await.unwrap();
            assert_eq!(job.state, State::Completed, "{:?}", job.error);
            id
        }

        fn folder(&self, id: JobId) -> PathBuf {
            self.data.join("jobs").join(id.to_string())
        }

        async fn remove(&self, id: JobId, spec: &CloneSpec) {
            let (job, job_dir) = (id.to_string(), self.folder(id));
            let owner = Owner {
                job: &job,
                job_dir: &job_dir,
                finished: true,
                spec,
                secrets: &self.kind.secrets,
                previews: &self.kind.previews,
            };
            Made::read(&job_dir).unwrap().unwrap().remove(&owner, &Unwatched).await.unwrap();
            Made::forget(&job_dir);
        }
    }

    #[tokio::test]
    async fn a_copy_that_was_replaced_is_out_of_reach_of_the_job_that_made_it() {
        let dir = tempfile::tempdir().unwrap();
        let site = |name: &str| {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("index.html"), name).unwrap();
            folder
        };
        let (one, two, target) = (site("one"), site("two"), dir.path().join("copy"));
        let page = || std::fs::read_to_string(target.join("index.html")).unwrap();
        let deck = Deck::open(&dir.path().join("data"));
        let earlier = CloneSpec { source: one, target: target.clone(), ..CloneSpec::default() };
        let later = CloneSpec { source: two, target: target.clone(), replace: true, ..CloneSpec::default() };

        let first = deck.clone(&earlier).await;
        assert!(Made::standing(&deck.folder(first)).unwrap().is_some());
        let second = deck.clone(&later).await;
        let refused = Made::standing(&deck.folder(first)).unwrap_err();
        assert_eq!(refused.code, "copy.replaced");
        assert!(refused.message.contains(&second.to_string()), "{}", refused.message);

        // Neither does what the first takes back touch the second's files …
        let notes = std::fs::read(deck.folder(first).join("made.json")).unwrap();
        deck.remove(first, &earlier).await;
        assert_eq!(page(), "two");
        // … and when the second goes, the first stands again.
        std::fs::write(deck.folder(first).join("made.json"), notes).unwrap();
        deck.remove(second, &later).await;
        assert_eq!(page(), "one");
        assert!(Made::standing(&deck.folder(first)).unwrap().is_some());
        deck.remove(first, &earlier).await;
        assert!(!target.exists());
    }
}
