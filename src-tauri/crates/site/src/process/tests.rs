use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;
use crate::Secret;

/// Remembers everything it hears.
#[derive(Default)]
struct Ear {
    lines: Mutex<Vec<Line>>,
    shown: Mutex<Vec<String>>,
    stalls: Mutex<u32>,
    most: Mutex<Usage>,
}

impl Listener for Ear {
    fn line(&self, line: &Line) {
        self.lines.lock().unwrap().push(line.clone());
    }
    fn showing(&self, _: Stream, text: &str) {
        self.shown.lock().unwrap().push(text.into());
    }
    fn usage(&self, usage: &Usage) {
        let mut most = self.most.lock().unwrap();
        most.memory = most.memory.max(usage.memory);
        most.processes = most.processes.max(usage.processes);
    }
    fn stalled(&self, _: Duration) {
        *self.stalls.lock().unwrap() += 1;
    }
    fn must_hear(&self, line: &[u8]) -> bool {
        line.starts_with(b"!")
    }
}

impl Ear {
    fn texts(&self) -> Vec<String> {
        self.lines.lock().unwrap().iter().map(|line| line.text.clone()).collect()
    }

    async fn hears(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.texts().iter().any(|line| line.contains(text)) {
            assert!(Instant::now() < until, "never heard {text:?} in {:?}", self.texts());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn sh(script: &str) -> Program {
    Program::new("sh", "/").args(["-c", script])
}

fn short() -> Limits {
    Limits { grace: Duration::from_millis(300), ..Limits::default() }
}

fn start(program: &Program) -> Running {
    program.start(Output::Lines, None).expect("starts")
}

async fn ended(running: &mut Running, ear: &Ear) -> Ending {
    match running.drive(ear, std::future::pending()).await {
        Driven::Ended(ending) => ending,
        Driven::Stopped => unreachable!("nobody asked"),
    }
}

async fn run(program: &Program) -> (Ending, Ear) {
    let ear = Ear::default();
    let ending = ended(&mut start(program), &ear).await;
    (ending, ear)
}

/// Drives until the program has said `word`.
async fn until_said(running: &mut Running, ear: &Ear, word: &str) {
    assert!(matches!(running.drive(ear, ear.hears(word)).await, Driven::Stopped), "{:?}", ear.texts());
}

#[tokio::test]
async fn a_program_tells_its_lines_and_how_it_ended() {
    let (ending, ear) = run(&sh(
        "echo one; echo two >&2; printf '\\033[31mred\\033[0m\\r'; printf '50%%\\r100%%\\n'; exit 3",
    ))
    .await;
    assert_eq!((ending.code, ending.signal, ending.is_gone), (Some(3), None, true));
    let lines = ear.lines.lock().unwrap();
    let of = |stream| {
        lines.iter().filter(|line| line.stream == stream).map(|line| &*line.text).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Out), ["one", "100%"]);
    assert_eq!(of(Stream::Err), ["two"]);
    let problem = ending.problem("The migration").expect("3 is a failure");
    assert_eq!((problem.code, &*problem.context["exit_code"]), ("process.failed", "3"));
    assert!(problem.context["output"].contains("100%"));
}

#[tokio::test]
async fn a_signal_is_told_apart_from_an_exit_code() {
    let (ending, _) = run(&sh("kill -9 $$")).await;
    assert_eq!((ending.code, ending.signal), (None, Some(9)));
    assert!(ending.problem("It").unwrap().message.contains("KILL"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_asked_for() {
    let problem =
        Program::new("no-such-program-here", "/").start(Output::Lines, None).expect_err("is not there");
    assert_eq!(problem.code, "process.missing");
    let problem = sh("true").start(Output::Lines, None).map(drop);
    assert!(problem.is_ok());
    let problem = Program::new("sh", "/no/such/folder").start(Output::Lines, None).expect_err("no folder");
    assert_eq!(problem.code, "process.folder");
}

#[tokio::test]
async fn the_environment_is_stated_the_input_closed_and_no_shell_reads_the_arguments() {
    let program = sh("env; cat; printf '<%s>' \"$@\"; test -t 0 && echo terminal")
        .args(["name", "$(touch /tmp/owned); `id` && | ; * ~", "--x\ny"])
        .env("STATED", "yes");
    let (_, ear) = run(&program).await;
    let text = ear.texts().join("\n");
    assert!(text.contains("STATED=yes") && text.contains("PATH=") && text.contains("CLONEDECK_PROCESS="));
    assert!(!text.contains("CARGO"), "nothing else comes along: {text}");
    assert!(text.contains("<$(touch /tmp/owned); `id` && | ; * ~><--x\ny>"));
    assert!(!text.contains("terminal"));
}

#[tokio::test]
async fn secrets_are_masked_in_lines_and_in_the_ending() {
    let secret = Secret::new("s3cr&t");
    let (ending, ear) = run(&sh("echo pw=$PW; echo url=s3cr%26t; exit 1").secret_env("PW", &secret)).await;
    assert_eq!(ear.texts(), ["pw=[secret]", "url=[secret]"]);
    assert!(!format!("{:?}", ending.problem("It")).contains("s3cr"));
}

#[tokio::test]
async fn binary_output_is_shown_safely() {
    let (ending, ear) = run(&sh("head -c 100000 /dev/urandom; printf 'caf\\303\\251\\n\\377\\n'")).await;
    assert!(ending.is_success());
    assert!(ear.texts().iter().all(|line| !line.contains('\0')));
    assert_eq!(ear.texts().last().unwrap(), "\u{fffd}");
}

#[tokio::test]
async fn a_flood_is_read_to_its_end_and_kept_in_part() {
    let megabytes: u64 = std::env::var("CLONEDECK_FLOOD_MB").ok().and_then(|n| n.parse().ok()).unwrap_or(64);
    let (ending, ear) = run(&sh(&format!(
        "yes 0123456789abcdef | head -c {}; echo; echo '!kept'; echo end",
        megabytes << 20
    )))
    .await;
    assert!(ending.is_success(), "the child was not hurt: {ending:?}");
    assert!(ending.bytes > megabytes << 20 && ending.left_out > 100_000);
    let texts = ear.texts();
    assert!(
        texts.len() < 10_000 + 60 + 1100 * (ending.took.as_secs() as usize + 1),
        "{} lines kept",
        texts.len()
    );
    assert!(texts.iter().any(|line| line == "!kept") && texts.last().unwrap() == "end");
    assert!(texts.iter().any(|line| line.contains("left out")));
}

#[tokio::test]
async fn what_ignores_the_request_is_ended_by_force() {
    let program = sh("trap '' TERM; echo ready; while :; do sleep 0.05; done").limits(short());
    let (mut running, ear) = (start(&program), Ear::default());
    until_said(&mut running, &ear, "ready").await;
    let began = Instant::now();
    let ending = running.end(&ear).await;
    assert!(ending.is_gone && ending.was_asked && ending.signal == Some(9), "{ending:?}");
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn what_heeds_the_request_may_say_its_last_words() {
    let program = sh("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    let (mut running, ear) = (start(&program), Ear::default());
    until_said(&mut running, &ear, "ready").await;
    let ending = running.end(&ear).await;
    assert_eq!((ending.code, ending.is_gone), (Some(7), true));
    assert_eq!(ear.texts().iter().filter(|line| *line == "bye").count(), 1, "asked once");
}

#[tokio::test]
async fn a_child_that_left_the_session_is_found() {
    let program = sh("setsid sh -c 'trap \"\" TERM; exec sleep 300' & setsid -f sleep 300; sleep 0.2; echo ready; sleep 300").limits(short());
    let (mut running, ear) = (start(&program), Ear::default());
    until_said(&mut running, &ear, "ready").await;
    assert!(running.family().usage().processes >= 4);
    let family = running.family().clone();
    assert!(running.end(&ear).await.is_gone);
    assert!(!family.is_alive());
}

#[tokio::test]
async fn fifty_grandchildren_go_with_the_program() {
    let program = sh("for i in $(seq 50); do (setsid sh -c 'while :; do sleep 0.1; sh -c \"sleep 0.2\" & done' &) ; done; echo ready; wait; sleep 300")
        .limits(short());
    let (mut running, ear) = (start(&program), Ear::default());
    until_said(&mut running, &ear, "ready").await;
    let family = running.family().clone();
    assert!(running.end(&ear).await.is_gone);
    assert!(!family.is_alive());
}

#[tokio::test]
async fn what_a_program_leaves_running_is_ended_when_it_ends() {
    let (ending, ear) =
        run(&sh("setsid sleep 300 & (sleep 300 >/dev/null 2>&1 &); echo done").limits(short())).await;
    assert!(ending.is_gone && ending.is_success(), "{ending:?}");
    assert_eq!(ear.texts(), ["done"]);
}

#[tokio::test]
async fn a_program_that_closes_its_output_and_lives_on_is_still_followed() {
    let (ending, _) = run(&sh("exec >&- 2>&-; sleep 0.4; exit 5")).await;
    assert_eq!(ending.code, Some(5));
}

#[tokio::test]
async fn a_held_program_stands_still_and_goes_on() {
    let program = sh("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
    let (mut running, ear) = (start(&program), Ear::default());
    until_said(&mut running, &ear, "5").await;
    running.hold();
    // What was in the pipe when it was held.
    let _ = running.drive(&ear, tokio::time::sleep(Duration::from_millis(100))).await;
    let before = ear.texts().len();
    let _ = running.drive(&ear, tokio::time::sleep(Duration::from_millis(200))).await;
    assert_eq!(ear.texts().len(), before);
    running.let_go();
    let next = (before + 3).to_string();
    until_said(&mut running, &ear, &next).await;
    running.hold();
    assert!(running.end(&ear).await.is_gone, "a held program can be ended");
}

#[tokio::test]
async fn too_much_memory_ends_the_family() {
    let limits = Limits { memory: Some(64 << 20), ..short() };
    let (ending, ear) =
        run(&sh("sh -c 'x=$(head -c 200000000 /dev/zero | tr \"\\0\" x); sleep 60'").limits(limits)).await;
    assert_eq!(ending.overrun, Some(Overrun::Memory(64 << 20)));
    assert!(ending.is_gone && ear.most.lock().unwrap().memory > 64 << 20);
    assert_eq!(ending.problem("It").unwrap().code, "process.memory");
}

#[tokio::test]
async fn too_much_processor_time_holds_the_family_now_and_then() {
    let limits = Limits { cpu: Some(0.25), deadline: Some(Duration::from_secs(4)), ..short() };
    let (ending, _) = run(&sh("while :; do :; done").limits(limits)).await;
    assert!(ending.cpu < Duration::from_millis(2200), "{:?} in {:?}", ending.cpu, ending.took);
    assert_eq!(ending.overrun, Some(Overrun::Deadline(Duration::from_secs(4))));
}

#[tokio::test]
async fn the_time_of_a_run_that_was_cut_off_counts_towards_the_deadline_of_the_one_that_goes_on() {
    let hour = Duration::from_hours(1);
    let limits = Limits { deadline: Some(hour), ..short() };
    let (ending, _) = run(&sh("sleep 600").limits(limits).goes_on_after(hour)).await;
    assert_eq!(ending.overrun, Some(Overrun::Deadline(hour)));
    assert!(ending.took >= hour);
}

#[tokio::test]
async fn a_silent_program_raises_one_alarm_and_runs_on() {
    let limits = Limits { stall: Some(Duration::from_millis(300)), ..short() };
    let (ending, ear) = run(&sh("sleep 1.2; echo done").limits(limits)).await;
    assert!(ending.is_success());
    assert_eq!(*ear.stalls.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_unfinished_line_is_shown_while_it_stands() {
    let (_, ear) =
        run(&sh("printf '10%%'; sleep 0.6; printf '\\r20%%'; sleep 0.6; printf '\\rdone\\n'")).await;
    assert_eq!(*ear.shown.lock().unwrap(), ["10%", "20%"]);
    assert_eq!(ear.texts(), ["done"]);
}

#[tokio::test]
async fn dropping_a_running_program_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path()).unwrap();
    let running = sh("setsid sleep 300 & sleep 300").start(Output::Lines, Some(&records)).unwrap();
    let family = running.family().clone();
    let until = Instant::now() + Duration::from_secs(10);
    while family.usage().processes < 3 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(running);
    assert!(!family.is_alive());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its record is gone too");
}

/// Makes the records in a folder look as if another start of the program, which is gone, had written them.
fn disown(folder: &std::path::Path, change: impl Fn(&mut serde_json::Value)) {
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        record["owner"]["start"] = 1.into();
        change(&mut record);
        std::fs::write(&file, record.to_string()).unwrap();
    }
}

#[tokio::test]
async fn a_sweep_ends_what_a_crash_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path()).unwrap();
    let begin =
        |script: &str| sh(script).note("n").limits(short()).start(Output::Lines, Some(&records)).unwrap();
    let running = begin("setsid sleep 300 & sleep 300");
    assert_eq!(records.sweep(Duration::from_millis(300)).await.unwrap().0, 0, "its owner lives");
    assert!(running.family().is_alive());

    // A record that fits in number only.
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    disown(folder.path(), |record| {
        record["leader"]["start"] = 1.into();
        record["mark"] = "another".into();
    });
    assert_eq!(records.sweep(Duration::from_millis(300)).await.unwrap().0, 0);
    assert!(running.family().is_alive(), "another process of the same number is left alone");
    assert!(!file.exists());

    // Another boot.
    std::fs::write(&file, &whole).unwrap();
    disown(folder.path(), |record| {
        record["boot"] = "another".into();
        record["leader"]["boot"] = "another".into();
    });
    assert_eq!(records.sweep(Duration::from_millis(300)).await.unwrap().0, 0);
    assert!(running.family().is_alive());

    // Cut off before the number was written down: the mark finds it.
    std::fs::write(&file, &whole).unwrap();
    disown(folder.path(), |record| record["leader"] = serde_json::Value::Null);
    assert_eq!(records.sweep(Duration::from_millis(300)).await.unwrap().0, 1);
    assert!(!running.family().is_alive());
    assert!(!file.exists());
}

#[tokio::test]
async fn what_is_to_be_kept_is_handed_on_by_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path().join("records")).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let running =
        sh("echo up; sleep 300").note("port 4000").keep().start(Output::File(log), Some(&records)).unwrap();
    drop(running);
    disown(&folder.path().join("records"), |_| ());
    let (ended, mut kept) = records.sweep(Duration::from_millis(300)).await.unwrap();
    assert_eq!((ended, kept.len(), &*kept[0].note), (0, 1, "port 4000"));
    let leftover = kept.remove(0);
    assert!(leftover.family.end(Duration::from_secs(2)).await);
    leftover.record.remove();
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "up\n");
}
