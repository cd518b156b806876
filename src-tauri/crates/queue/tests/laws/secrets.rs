//! Secrets and where they lie.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, Done, Job, JobId, Level, Line, Needs, Options, Queue, Registry, State, Step, StepError,
};

use crate::toys::options;

/// A job that handles a password, and what of such jobs was let go.
#[derive(Default)]
struct Secretive(Arc<Mutex<Vec<String>>>);
struct Handle;

impl Job for Secretive {
    const KIND: &'static str = "secretive";
    /// The name of what is kept for the job elsewhere.
    type Spec = String;
    fn title(&self, _: &String) -> String {
        "Secretive".into()
    }
    fn let_go(&self, _: JobId, kept: &String) {
        self.0.lock().unwrap().push(kept.clone());
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Handle);
    }
    fn needs(&self, _: &String) -> Needs {
        Needs::nothing()
    }
}

impl Step for Handle {
    type Job = Secretive;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "handle";
    const TITLE: &'static str = "Handle";
    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        ctx.register_secret("hunter2 & co");
        ctx.log(Level::Info, "logging in with hunter2 & co");
        ctx.message("mysql://root:hunter2%20%26%20co@localhost");
        ctx.set_secret_result(serde_json::json!({ "password": "hunter2 & co" }))?;
        ctx.set_result(serde_json::json!({ "user": "admin" }))?;
        let file = ctx.job_dir()?.join("index");
        std::fs::write(file, "1").map_err(|error| StepError::io(&error, "index"))?;
        Err(StepError::permanent("denied", "Access denied for hunter2 & co.")
            .with("password", "hunter2 & co"))
    }
}

#[tokio::test]
async fn a_secret_reaches_the_disk_in_its_own_file_only() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue::open(dir.path(), Registry::new().with(Secretive::default()), options()).unwrap();
    let id = queue.add::<Secretive>(&"elsewhere".into(), AddOptions::default()).await.unwrap();
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    runner.stop(Duration::from_secs(5)).await;
    let job = queue.job(id).await.unwrap();
    assert_eq!(job.error.as_ref().unwrap().message, "Access denied for [secret].");
    assert_eq!(queue.secret_result(id).await.unwrap().unwrap()["password"], "hunter2 & co");
    queue.close().await;
    let mut files = vec![dir.path().to_owned()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.parent().unwrap().ends_with("secrets") {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
            seen += 1;
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(7).any(|part| part == b"hunter2");
            assert!(!found, "the secret is in {}", path.display());
        }
    }
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn secrets_go_when_their_job_can_no_longer_need_them() {
    let dir = tempfile::tempdir().unwrap();
    let gone = Arc::new(Mutex::new(Vec::new()));
    let registry = Registry::new().with(Secretive(gone.clone()));
    let options = Options { keep_jobs: 0, ..options() };
    let queue = Queue::open(dir.path(), registry, options).unwrap();
    let add =
        async |kept: &str| queue.add::<Secretive>(&kept.to_owned(), AddOptions::default()).await.unwrap();
    let (first, second) = (add("first").await, add("second").await);

    queue.cancel(first).await.unwrap();
    assert_eq!(*gone.lock().unwrap(), ["first"]);

    // One that failed may be tried again.
    let mut runner = queue.run().await.unwrap();
    runner.until_idle().await;
    runner.stop(Duration::from_secs(5)).await;
    assert_eq!(queue.job(second).await.unwrap().state, State::Failed);
    assert_eq!(gone.lock().unwrap().len(), 1);
    assert!(queue.secret_result(second).await.unwrap().is_some());

    queue.tidy().await.unwrap();
    assert!(gone.lock().unwrap().contains(&"second".to_owned()));
    assert!(queue.secret_result(second).await.unwrap().is_none());
}
