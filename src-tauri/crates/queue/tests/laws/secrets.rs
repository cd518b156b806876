//! Secrets and where they lie.

use std::time::Duration;

use clonedeck_queue::{AddOptions, Ctx, Done, Job, Level, Line, Needs, Queue, Registry, Step, StepError};

use crate::toys::options;

/// A job that handles a password.
struct Secretive;
struct Handle;

impl Job for Secretive {
    const KIND: &'static str = "secretive";
    type Spec = ();
    fn title(&self, (): &()) -> String {
        "Secretive".into()
    }
    fn steps(&self, line: &mut Line<Self>) {
        line.step(Handle);
    }
    fn needs(&self, (): &()) -> Needs {
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
    let queue = Queue::open(dir.path(), Registry::new().with(Secretive), options()).unwrap();
    let id = queue.add::<Secretive>(&(), AddOptions::default()).await.unwrap();
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
