//! Build jobs with real programs.

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use clonedeck_queue::{State, StepState};
use support::bench::{bench, leased, page, step};
use support::{ended, left_in, log, some_ports, tiny_project, wait_for};

fn shop(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shop");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    for file in ["package.json", "package-lock.json", "index.html", "tsconfig.json", "src/main.ts"] {
        std::fs::copy(from.join(file), folder.join(file)).unwrap();
    }
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
    let previews = bench.previews.list().unwrap();
    assert_eq!((previews.len(), previews[0].url.as_str()), (1, result["url"].as_str().unwrap()));
    // The system is asked twice a second.
    let until = Instant::now() + Duration::from_secs(20);
    while previews[0].usage().memory < 10 << 20 {
        assert!(Instant::now() < until, "{:?}", previews[0].usage());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((previews[0].service.kind.as_str(), previews[0].service.title.as_str()), ("build", "project"));
    assert!(bench.previews.stop(&id.to_string()).await.unwrap());
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
    let ports = some_ports(2);
    bench.previews.set_ports(ports.clone());
    let _taken = TcpListener::bind(("127.0.0.1", *ports.start())).unwrap();
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|_| ()).await;
    let job = ended(&bench.queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    let port = job.result.unwrap()["port"].as_u64().unwrap();
    assert_eq!(port, u64::from(*ports.end()));
    assert!(page(port).await.contains("Plain"));
    assert_eq!(leased(&bench.queue).await, [(*ports.end(), id.to_string())]);

    // The second one finds no port, waits, and has one when the first is stopped.
    let id_2 = bench.build(|_| ()).await;
    wait_for(&bench.queue, id_2, "waiting for a port", |job| job.state == State::Waiting).await;
    assert!(bench.previews.stop(&id.to_string()).await.unwrap());
    let job = ended(&bench.queue, id_2).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    let again = bench.previews.restart(&id_2.to_string()).await.unwrap();
    assert_eq!(u64::from(again.port), port, "it keeps its port");
    assert!(page(port).await.contains("Plain"));
    bench.leaves_nothing().await;
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_paused_install_is_held_where_it_stands_and_goes_on() {
    let bench = bench(1);
    tiny_project(&bench.folder);
    let slow = "setTimeout(() => require('fs').appendFileSync('installs', 'one\\n'), 1500)";
    let manifest = std::fs::read_to_string(bench.folder.join("package.json")).unwrap();
    let scripts = r#""scripts":{"postinstall":"node slow.cjs","#;
    bench.write("slow.cjs", slow);
    bench.write("package.json", &manifest.replace(r#""scripts":{"#, scripts));
    let runner = bench.queue.run().await.unwrap();
    let id = bench.build(|order| order.preview = false).await;
    let until = Instant::now() + Duration::from_mins(1);
    let slow_ones = || {
        let words = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        left_in(&bench.folder).into_iter().filter(|pid| words(pid).contains("slow.cjs")).collect::<Vec<_>>()
    };
    while slow_ones().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.queue.pause(id).await.unwrap();
    wait_for(&bench.queue, id, "paused", |job| job.state == State::Paused).await;
    // A process takes note of a signal when it next has the processor.
    let stands = |pid: u32| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") T "))
    };
    while slow_ones().is_empty() || !slow_ones().into_iter().all(stands) {
        assert!(Instant::now() < until, "it stands still");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.queue.resume(id).await.unwrap();
    let job = ended(&bench.queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}\n{}", job.error, log(&bench.queue, id).await);
    assert_eq!(std::fs::read_to_string(bench.folder.join("installs")).unwrap(), "one\n", "it ran once");
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
