//! Build jobs with real programs.

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clonedeck_jobs::build::{BuildJob, BuildOrder, Builds};
use clonedeck_queue::{AddOptions, JobId, JobView, Queue, Registry, State, StepState, StepView};
use support::{
    again, count, ended, left_in, log, queue, run_after_a_kill, some_ports, tiny_project, wait_for,
};

struct Bench {
    data: tempfile::TempDir,
    folder: PathBuf,
    queue: Queue,
    builds: Builds,
}

fn bench(ports: u16) -> Bench {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().canonicalize().unwrap().join("project");
    std::fs::create_dir(&folder).unwrap();
    let (queue, builds) = open(data.path(), some_ports(ports), 4);
    Bench { data, folder, queue, builds }
}

fn open(data: &Path, ports: std::ops::RangeInclusive<u16>, slots: usize) -> (Queue, Builds) {
    let builds = Builds::new(data).ports(ports);
    (queue(data, Registry::new().with(BuildJob { builds: builds.clone() }), slots), builds)
}

impl Bench {
    async fn build(&self, change: impl FnOnce(&mut BuildOrder)) -> JobId {
        let mut order = BuildOrder::new(self.folder.clone()).unwrap();
        change(&mut order);
        self.queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join(file), text).unwrap();
    }

    async fn leaves_nothing(&self) {
        self.builds.previews().close().await.unwrap();
        let records = || self.data.path().join("processes/builds").read_dir().map_or(0, Iterator::count);
        let ports = || self.builds.previews().ports().leased().unwrap();
        let until = Instant::now() + Duration::from_secs(15);
        // A record goes when the server's end was noticed.
        while !left_in(&self.folder).is_empty() || !ports().is_empty() || records() > 0 {
            assert!(
                Instant::now() < until,
                "{:?}, {:?}, {} records",
                left_in(&self.folder),
                ports(),
                records()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.builds.previews().list().unwrap(), []);
    }
}

fn shop(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shop");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    for file in ["package.json", "package-lock.json", "index.html", "tsconfig.json", "src/main.ts"] {
        std::fs::copy(from.join(file), folder.join(file)).unwrap();
    }
}

fn step<'a>(job: &'a JobView, name: &str) -> &'a StepView {
    job.steps.iter().find(|step| step.name == name).unwrap()
}

async fn page(port: u64) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream =
        tokio::net::TcpStream::connect(("127.0.0.1", port as u16)).await.expect("the preview answers");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_vite_project_is_installed_checked_built_and_shown_and_the_second_time_comes_from_the_cache() {
    let bench = bench(4);
    shop(&bench.folder);
    let runner = bench.queue.run().await.unwrap();
    let began = Instant::now();
    let id = bench.build(|order| (order.build, order.preview) = (true, false)).await;
    let job = ended(&bench.queue, id).await;
    let first = began.elapsed();
    assert_eq!(job.state, State::Completed, "{:?}\n{}", job.error, log(&bench.queue, id).await);
    assert!(bench.folder.join("dist/index.html").is_file());

    std::fs::remove_dir_all(bench.folder.join("node_modules")).unwrap();
    std::fs::remove_dir_all(bench.folder.join("dist")).unwrap();
    let began = Instant::now();
    let id = bench.build(|order| (order.build, order.preview) = (true, false)).await;
    let job = ended(&bench.queue, id).await;
    let second = began.elapsed();
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    for name in ["install", "type-check", "build"] {
        assert_eq!(step(&job, name).state, StepState::Skipped, "{name} is not from the cache");
    }
    println!(
        "first build {first:?}, second {second:?}: {:.1} %",
        second.as_secs_f64() / first.as_secs_f64() * 100.0
    );
    assert!(second < first / 4, "{second:?} after {first:?}");
    assert!(bench.folder.join("dist/index.html").is_file());

    // What is linked really works.
    bench.write("src/main.ts", "document.title = 'New';\n");
    let id = bench.build(|_| ()).await;
    let job = ended(&bench.queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}\n{}", job.error, log(&bench.queue, id).await);
    assert_eq!(
        (step(&job, "install").state, step(&job, "type-check").state),
        (StepState::Skipped, StepState::Completed)
    );
    let result = job.result.unwrap();
    assert!(page(result["port"].as_u64().unwrap()).await.contains("<title>Shop</title>"));
    let previews = bench.builds.previews().list().unwrap();
    assert_eq!((previews.len(), previews[0].url.as_str()), (1, result["url"].as_str().unwrap()));
    assert!(previews[0].usage().memory > 10 << 20);
    assert!(bench.builds.previews().stop(&id.to_string()).await.unwrap());
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_type_error_fails_the_type_check_and_names_its_place() {
    let bench = bench(1);
    shop(&bench.folder);
    bench.write("src/main.ts", "const price: number = 'twelve';\nconsole.log(price);\n");
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|_| ()).await;
    let job = ended(&bench.queue, id).await;
    let error = job.error.clone().expect("it failed");
    assert_eq!(
        (step(&job, "install").state, step(&job, "type-check").state),
        (StepState::Completed, StepState::Failed)
    );
    assert!(error.context["output"].contains("src/main.ts(1,7): error TS2322"), "{error:?}");
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn without_a_lock_file_the_packages_are_installed_and_that_is_remarked() {
    let bench = bench(1);
    tiny_project(&bench.folder);
    std::fs::remove_file(bench.folder.join("package-lock.json")).unwrap();
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|order| order.preview = false).await;
    let job = ended(&bench.queue, id).await;
    let log = log(&bench.queue, id).await;
    assert_eq!(job.state, State::Completed, "{log}");
    assert!(log.contains("no lock file") && log.contains("npm install"), "{log}");
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_install_that_fails_says_why() {
    let bench = bench(1);
    bench.write(
        "package.json",
        r#"{"name":"x","dependencies":{"vite":"0.0.0-there-is-none"},"scripts":{"dev":"vite"}}"#,
    );
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|_| ()).await;
    let job = ended(&bench.queue, id).await;
    let error = job.error.clone().expect("it failed");
    assert_eq!((step(&job, "install").state, error.code.as_str()), (StepState::Failed, "process.failed"));
    assert!(error.context["output"].contains("there-is-none"), "{error:?}");
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_ended_and_its_port_given_back() {
    let bench = bench(1);
    bench.write(
        "package.json",
        r#"{"name":"x","scripts":{"dev":"node -e \"console.log('up'); setInterval(() => {}, 1000)\""}}"#,
    );
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|order| order.ready_seconds = 2).await;
    let job = ended(&bench.queue, id).await;
    let error = job.error.expect("it failed");
    assert_eq!(error.code, "preview.silent");
    assert!(error.context["output"].contains("up"), "{error:?}");
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_not_waited_for() {
    let bench = bench(1);
    bench.write(
        "package.json",
        r#"{"name":"x","scripts":{"dev":"node -e \"console.error('no config'); process.exit(3)\""}}"#,
    );
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|order| order.ready_seconds = 60).await;
    let job = ended(&bench.queue, id).await;
    let error = job.error.expect("it failed");
    assert_eq!(error.code, "preview.ended");
    assert!(error.context["output"].contains("no config"), "{error:?}");
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_port_that_somebody_uses_is_passed_over_and_plain_files_are_shown() {
    let bench = bench(2);
    bench.write("index.html", "<h1>Plain</h1>");
    let first = some_ports(2);
    let builds = Builds::new(bench.data.path()).ports(first.clone());
    let queue =
        queue(&bench.data.path().join("other"), Registry::new().with(BuildJob { builds: builds.clone() }), 2);
    let _taken = TcpListener::bind(("127.0.0.1", *first.start())).unwrap();
    let runner = queue.run().await.unwrap();
    let order = BuildOrder::new(bench.folder.clone()).unwrap();
    let id = queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap();
    let job = ended(&queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    let port = job.result.unwrap()["port"].as_u64().unwrap();
    assert_eq!(port, u64::from(*first.end()));
    assert!(page(port).await.contains("Plain"));

    // The second one finds no port, waits, and has one when the first is stopped.
    let id_2 = queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap();
    wait_for(&queue, id_2, "waiting for a port", |job| job.state == State::Waiting).await;
    assert!(builds.previews().stop(&id.to_string()).await.unwrap());
    let job = ended(&queue, id_2).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    let again = builds.previews().restart(&id_2.to_string()).await.unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while tokio::net::TcpStream::connect(("127.0.0.1", again.port)).await.is_err() {
        assert!(Instant::now() < until, "the restarted server does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(page(u64::from(again.port)).await.contains("Plain"));
    builds.previews().close().await.unwrap();
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_cancelled_build_leaves_no_process_and_no_port() {
    let bench = bench(1);
    tiny_project(&bench.folder);
    let runner = bench.queue.run().await.unwrap();
    for at in ["install", "type-check", "ready"] {
        let id = bench.build(|_| ()).await;
        wait_for(&bench.queue, id, at, |job| {
            job.current_step.as_deref() == Some(at) && job.state == State::Running
                || job.state == State::Completed
        })
        .await;
        let _ = bench.queue.cancel(id).await;
        let job = ended(&bench.queue, id).await;
        if job.state == State::Cancelled {
            assert_eq!(left_in(&bench.folder), [0; 0], "after {at}");
        }
    }
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

/// Not a test of its own: runs the queue of another one until it is killed.
#[tokio::test]
#[ignore = "only as a child of other tests"]
async fn a_program_that_will_be_killed() {
    let (Some(data), Some(ports)) =
        (std::env::var_os("CLONEDECK_TEST_DATA"), std::env::var("CLONEDECK_TEST_PORTS").ok())
    else {
        return;
    };
    let first: u16 = ports.parse().unwrap();
    let (queue, _) = open(Path::new(&data), first..=first + 2, 4);
    let _runner = run_after_a_kill(&queue).await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn killed_in_any_step_a_build_goes_on_rightly_and_leaves_no_orphan_and_no_port() {
    let steps = ["unpack", "install", "type-check", "build", "start-preview", "ready"];
    for kill in 0..count("CLONEDECK_KILLS", steps.len()) {
        let at = steps[kill % steps.len()];
        let data = tempfile::tempdir().unwrap();
        let root = data.path().canonicalize().unwrap();
        tiny_project(&root.join("project"));
        let packed = std::process::Command::new("tar")
            .args(["-czf", "project.tar.gz", "project"])
            .current_dir(&root)
            .status();
        assert!(packed.unwrap().success());
        let ports = some_ports(3);
        let (queue, builds) = open(data.path(), ports.clone(), 4);
        let mut order = BuildOrder::new(root.join("project.tar.gz")).unwrap();
        order.build = true;
        let id = queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap();
        let first = ports.start().to_string();
        let mut program = again(
            "a_program_that_will_be_killed",
            &[("CLONEDECK_TEST_DATA", data.path()), ("CLONEDECK_TEST_PORTS", Path::new(&first))],
        );
        let here = |job: &JobView| {
            let reached = job.steps.iter().find(|step| step.name == at);
            reached.is_some_and(|step| !matches!(step.state, StepState::Pending))
        };
        wait_for(&queue, id, at, here).await;
        // Now and then a little later, so that a program of the step runs.
        tokio::time::sleep(Duration::from_millis((kill as u64 * 37) % 300)).await;
        program.kill().unwrap();
        program.wait().unwrap();

        let runner = run_after_a_kill(&queue).await;
        let job = ended(&queue, id).await;
        assert_eq!(job.state, State::Completed, "killed in {at}: {:?}\n{}", job.error, log(&queue, id).await);
        let listed = builds.previews().list().unwrap();
        assert_eq!(listed.len(), 1, "killed in {at}");
        let (leased, port) = (builds.previews().ports().leased().unwrap(), listed[0].port);
        assert_eq!(leased, [(port, id.to_string())], "killed in {at}");
        builds.sweep().await.unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let answer = loop {
            // A job that had ended when the program was killed has lost its server; a new one is asked for.
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break page(u64::from(port)).await;
            }
            assert!(Instant::now() < until, "killed in {at}: no answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(answer.ends_with("tiny") || answer.contains("tiny"), "{answer}");
        let kin = listed[0].usage().processes;
        assert_eq!(left_in(&root).len(), kin, "killed in {at}: somebody else is left");
        assert!(builds.previews().stop(&id.to_string()).await.unwrap());
        assert_eq!(
            (left_in(&root), builds.previews().ports().leased().unwrap().len()),
            (Vec::new(), 0),
            "killed in {at}"
        );
        runner.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn many_builds_at_once_all_end_and_keep_to_the_slots() {
    let many = count("CLONEDECK_BUILDS", 16);
    let data = tempfile::tempdir().unwrap();
    let root = data.path().canonicalize().unwrap();
    let (queue, builds) = open(data.path(), some_ports(4), 4);
    for number in 0..many {
        let folder = root.join(format!("project-{number}"));
        tiny_project(&folder);
        let mut order = BuildOrder::new(folder).unwrap();
        order.preview = false;
        queue.add::<BuildJob>(&order, AddOptions::default()).await.unwrap();
    }
    let runner = queue.run().await.unwrap();
    let began = Instant::now();
    let (mut peak, mut peak_memory) = (0, 0);
    loop {
        let counts = queue.counts().await.unwrap();
        peak = peak.max(counts.running);
        assert!(counts.running <= 4, "{} at once", counts.running);
        let memory: u64 = left_in(&root)
            .iter()
            .filter_map(|pid| {
                std::fs::read_to_string(format!("/proc/{pid}/statm"))
                    .ok()?
                    .split(' ')
                    .nth(1)?
                    .parse::<u64>()
                    .ok()
            })
            .sum();
        peak_memory = peak_memory.max(memory * 4096);
        if counts.completed == many as u64 {
            break;
        }
        assert_eq!(counts.failed, 0);
        assert!(began.elapsed() < Duration::from_secs(60 + 5 * many as u64));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{many} builds in {:?}, at most {peak} at once, {} MB", began.elapsed(), peak_memory >> 20);
    assert!(peak >= 2);
    assert_eq!((left_in(&root), builds.previews().list().unwrap().len()), (Vec::new(), 0));
    runner.stop(Duration::from_secs(5)).await;
}
