//! Command jobs with real programs.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clonedeck_jobs::Programs;
use clonedeck_jobs::command::{
    Call, Catalogue, CommandJob, CommandOrder, Commands, SavedWorkflow, SavedWorkflows, WorkflowJob,
    WorkflowOrder,
};
use clonedeck_queue::{AddOptions, JobView, Queue, Registry, State, StepState};
use support::{ended, left_in, log, queue, site, wait_for};

fn call(command: &str) -> Call {
    Call { command: command.into(), arguments: BTreeMap::new(), dry_run: false }
}

fn with(mut call: Call, name: &str, value: &str) -> Call {
    call.arguments.entry(name.into()).or_default().push(value.into());
    call
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn open(data: &Path) -> (Queue, Commands) {
    let commands = Commands::new(&Programs::of(data));
    let registry = Registry::new()
        .with(CommandJob { commands: commands.clone() })
        .with(WorkflowJob { commands: commands.clone() });
    (queue(data, registry, 4), commands)
}

#[tokio::test]
async fn a_command_runs_and_tells_its_phases_counts_and_statistics() {
    let (site, data) = (site(40), tempfile::tempdir().unwrap());
    let (queue, commands) = open(data.path());
    let order =
        CommandOrder::new(&commands, site.folder.clone(), call("craft.migrate-content"), None).unwrap();
    let id = queue.add::<CommandJob>(&order, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    let job = ended(&queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    assert_eq!(job.title, "Run a content migration: shop");
    assert_eq!(job.result.unwrap()["stats"]["moved"], 40);
    let log = log(&queue, id).await;
    assert!(
        log.contains("Phase: Move entries")
            && log.contains("starts after 0")
            && !log.contains("{\"clonedeck\""),
        "{log}"
    );
    assert_eq!(site.number("SELECT count(*) FROM moved"), 40);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_failed_command_says_how_it_ended_and_what_it_said_last() {
    let (site, data) = (site(1), tempfile::tempdir().unwrap());
    let (queue, commands) = open(data.path());
    let order = CommandOrder::new(&commands, site.folder.clone(), call("craft.up"), None).unwrap();
    let id = queue.add::<CommandJob>(&order, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    let job = ended(&queue, id).await;
    let error = job.error.expect("it failed");
    assert_eq!((job.state, job.attempts), (State::Failed, 1));
    assert_eq!((&*error.code, &*error.context["exit_code"]), ("process.failed", "4"));
    assert!(error.context["output"].contains("no such table"));
    runner.stop(Duration::from_secs(5)).await;
}

#[test]
fn what_is_not_in_the_list_is_refused_with_the_reason() {
    let site = site(1);
    let catalogue = Catalogue::builtin();
    for (text, code) in [
        ("rm -rf /", "command.not-allowed"),
        ("php craft", "command.not-allowed"),
        ("php -r system('id');", "command.not-allowed"),
        ("php craft exec/exec", "command.not-allowed"),
        ("php craft gc --unknown", "command.refused"),
        ("php craft gc extra", "command.refused"),
        ("php craft gc -v", "command.refused"),
        ("php craft gc --delete-all-trashed=2", "command.refused"),
        ("php craft resave/entries --limit=0", "command.refused"),
        ("php craft resave/entries --limit=1e3", "command.refused"),
        ("wp cache flush", "command.refused"),
        ("npm run build", "command.refused"),
    ] {
        let problem = catalogue.parse(&site.folder, &words(text)).expect_err(text);
        assert_eq!(problem.code, code, "{text}: {problem}");
        assert!(!problem.help.is_empty());
    }
    let call = catalogue
        .parse(
            &site.folder,
            &words("php craft resave/entries --section news --limit=5 --update-search-index"),
        )
        .unwrap();
    assert_eq!(call.arguments["section"], ["news"]);
    assert!(catalogue.parse(&site.folder, &words("php craft clonedeck/migrate --dryRun=1")).unwrap().dry_run);
}

#[test]
fn what_destroys_asks_for_the_name_of_the_site() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("shop");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("wp-config.php"), "<?php").unwrap();
    let commands = Commands::new(&Programs::of(data.path()));
    let mut reset = call("wp.db-reset");
    reset.arguments.insert("yes".into(), Vec::new());
    for typed in [None, Some("shopp".to_owned()), Some(String::new())] {
        let problem =
            CommandOrder::new(&commands, folder.clone(), reset.clone(), typed).expect_err("not the name");
        assert_eq!(problem.code, "command.confirm");
    }
    assert!(CommandOrder::new(&commands, folder, reset, Some("shop".into())).is_ok());
}

#[test]
fn the_operators_own_list_adds_and_replaces_and_is_never_used_in_part() {
    let (site, data) = (site(1), tempfile::tempdir().unwrap());
    let commands = Commands::new(&Programs::of(data.path()));
    let own = r#"
        [[program]]
        name = "tool"
        says = ["tool"]
        run = [["bin/tool"], ["true"]]
        [[command]]
        id = "tool.sync"
        program = "tool"
        words = ["sync"]
        title = "Sync"
        effect = "reads"
        argument = [{ name = "to", kind = "option", type = "path" }]
    "#;
    std::fs::write(data.path().join("commands.toml"), own).unwrap();
    let catalogue = commands.catalogue().unwrap();
    assert!(catalogue.parse(&site.folder, &words("tool sync --to=uploads/new")).is_ok());
    assert!(catalogue.parse(&site.folder, &words("tool sync --to=../other")).is_err());
    assert!(catalogue.get("craft.gc").is_some());
    for bad in [
        "effect = \"explodes\"",
        "program = \"nobody\"",
        "words = [\"--evil\"]",
        "progress = [\"{what}\"]",
        "colour = 1",
    ] {
        let text = format!("{own}\n[[command]]\nid = \"x\"\ntitle = \"x\"\n{bad}\n{}", {
            let rest = [("effect", "\"reads\""), ("program", "\"tool\""), ("words", "[\"x\"]")];
            let lines = rest
                .iter()
                .filter(|(name, _)| !bad.starts_with(name))
                .map(|(name, value)| format!("{name} = {value}"));
            lines.collect::<Vec<_>>().join(
                "
",
            )
        });
        std::fs::write(data.path().join("commands.toml"), text).unwrap();
        assert_eq!(commands.catalogue().expect_err(bad).code, "command.catalogue", "{bad}");
    }
}

/// Texts that a shell, an option parser or a path would misread.
fn hostile() -> Vec<String> {
    let pieces = [
        "$(touch /tmp/clonedeck-owned)",
        "`touch /tmp/clonedeck-owned`",
        "; touch /tmp/clonedeck-owned",
        "| id",
        "&& id",
        "|| id",
        "> /tmp/clonedeck-owned",
        "--require=/tmp/x.php",
        "--exec=id",
        "-r",
        "-d",
        "--",
        "-",
        "--path=/",
        "--config=/etc/passwd",
        "@production",
        "--ssh=evil",
        "--http=evil",
        "../../etc/passwd",
        "/etc/passwd",
        "~root",
        "*",
        "?",
        "%PATH%",
        "$HOME",
        "${IFS}",
        "'",
        "\"",
        "\\",
        "\\\\",
        "'; id; '",
        "\" && id && \"",
        "\u{0}",
        "a\nb",
        "a\rb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{202e}abc",
        "ａ",
        "",
        " ",
        "\t",
        "=",
        "a=b",
        "--=",
        "--x\u{0}y",
        "php://filter/x",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:1",
    ];
    let mut all: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    for piece in pieces {
        all.extend([
            format!("x{piece}"),
            format!("{piece}x"),
            format!("-{piece}"),
            format!("--batch={piece}"),
            format!(" {piece}"),
            format!("1{piece}1"),
        ]);
    }
    all
}

#[test]
fn no_hostile_argument_becomes_an_option_or_a_command_or_leaves_the_site() {
    let site = site(1);
    std::os::unix::fs::symlink("/etc", site.folder.join("out")).unwrap();
    std::fs::write(site.folder.join("composer.json"), r#"{"scripts":{"test":"x"}}"#).unwrap();
    std::fs::write(site.folder.join("wp-config.php"), "").unwrap();
    let mut catalogue = Catalogue::builtin();
    let paths = "[[command]]\nid = \"craft.load\"\nprogram = \"craft\"\nwords = [\"load\"]\ntitle = \"Load\"\neffect = \"reads\"\nargument = [{ name = \"file\", kind = \"option\", type = \"path\" }, { name = \"at\", kind = \"option\", type = \"url\" }]";
    catalogue.merge(paths, "test").unwrap();
    let hostile = hostile();
    assert!(hostile.len() >= 300, "{}", hostile.len());
    let mut accepted = 0;
    for value in &hostile {
        // By place, free text: what is let through is one word that no parser takes for an option.
        let replace = with(with(call("wp.search-replace"), "old", value), "new", "b");
        if let Ok(checked) = catalogue.check(&site.folder, &replace) {
            accepted += 1;
            assert!(
                !value.starts_with(['-', '@']) && !value.chars().any(char::is_control) && !value.is_empty(),
                "{value:?}"
            );
            assert!(checked.shown().contains("search-replace"));
        }
        for (command, name) in [("wp.plugin-update", "plugin"), ("wp.transient-delete", "key")] {
            let name_like = |c: char| c.is_ascii_alphanumeric() || "_.:/-".contains(c);
            if catalogue.check(&site.folder, &with(call(command), name, value)).is_ok() {
                assert!(
                    value.chars().all(name_like) && !value.starts_with('-') && !value.contains(".."),
                    "{value:?}"
                );
            }
        }
        let number = catalogue.check(&site.folder, &with(call("craft.resave-entries"), "limit", value));
        assert!(number.is_err() || value.parse::<u32>().is_ok(), "{value:?}");
        assert!(
            catalogue.check(&site.folder, &with(call("composer.run"), "script", value)).is_err(),
            "{value:?}"
        );
        assert!(catalogue.check(&site.folder, &with(call("craft.load"), "at", value)).is_err(), "{value:?}");
        if catalogue.check(&site.folder, &with(call("craft.load"), "file", value)).is_ok() {
            assert!(!value.contains("..") && !value.starts_with('/'), "{value:?}");
        }
        // As a name of an argument or a command.
        assert!(catalogue.check(&site.folder, &with(call("craft.gc"), value, "1")).is_err(), "{value:?}");
        assert!(catalogue.check(&site.folder, &call(value)).is_err(), "{value:?}");
    }
    assert!(accepted > 50, "free text stays free: {accepted}");
    for way in ["out/passwd", "out", "out/../x"] {
        assert!(catalogue.check(&site.folder, &with(call("craft.load"), "file", way)).is_err(), "{way}");
    }
    assert!(!Path::new("/tmp/clonedeck-owned").exists());
}

#[tokio::test]
async fn a_hostile_value_that_is_allowed_arrives_as_one_word() {
    let (site, data) = (site(1), tempfile::tempdir().unwrap());
    let (queue, commands) = open(data.path());
    let own = "[[command]]\nid = \"craft.resave-entries\"\nprogram = \"craft\"\nwords = [\"resave/entries\"]\ntitle = \"Save\"\neffect = \"changes\"\nargument = [{ name = \"section\", kind = \"option\" }]";
    std::fs::write(data.path().join("commands.toml"), own).unwrap();
    let text = "$(touch /tmp/clonedeck-owned) '; `id` && \"x\" --resume * ~";
    let order = CommandOrder::new(
        &commands,
        site.folder.clone(),
        with(call("craft.resave-entries"), "section", text),
        None,
    )
    .unwrap();
    let id = queue.add::<CommandJob>(&order, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    assert_eq!(ended(&queue, id).await.state, State::Completed);
    let words: Vec<String> =
        serde_json::from_slice(&std::fs::read(site.folder.join("arguments")).unwrap()).unwrap();
    assert_eq!(words, ["resave/entries", &format!("--section={text}"), "--interactive=0"]);
    assert!(!Path::new("/tmp/clonedeck-owned").exists());
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_paused_command_stands_still_and_goes_on_and_a_cancelled_one_is_gone() {
    let (site, data) = (site(200), tempfile::tempdir().unwrap());
    site.pause(Duration::from_millis(10));
    let (queue, commands) = open(data.path());
    let order =
        CommandOrder::new(&commands, site.folder.clone(), call("craft.migrate-content"), None).unwrap();
    let id = queue.add::<CommandJob>(&order, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    let moving = |job: &JobView| job.steps.iter().any(|step| step.name == "run" && step.done >= 5);
    wait_for(&queue, id, "moving", moving).await;
    queue.pause(id).await.unwrap();
    wait_for(&queue, id, "paused", |job| job.state == State::Paused).await;
    let before = site.number("SELECT count(*) FROM moved");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(site.number("SELECT count(*) FROM moved"), before);
    assert_eq!(left_in(&site.folder).len(), 1, "it is held");
    queue.resume(id).await.unwrap();
    wait_for(&queue, id, "on its way", |job| {
        job.steps.iter().any(|step| step.name == "run" && step.done >= 50)
    })
    .await;
    assert_eq!(site.number("SELECT count(DISTINCT process) FROM moved"), 1, "the same process went on");
    queue.cancel(id).await.unwrap();
    wait_for(&queue, id, "cancelled", |job| job.state == State::Cancelled).await;
    assert_eq!(left_in(&site.folder), [0; 0]);
    runner.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_workflow_shows_first_stops_at_the_first_failure_and_a_retry_goes_on_there() {
    let (site, data) = (site(3), tempfile::tempdir().unwrap());
    let (queue, commands) = open(data.path());
    let calls = [call("craft.migrate-content"), call("craft.up"), call("craft.gc")];
    let order = WorkflowOrder::new(&commands, site.folder.clone(), "Go live", &calls, true, None).unwrap();
    let titles: Vec<&str> = order.calls.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles[..2], ["Run a content migration (only shown)", "Run a content migration"]);
    let id = queue.add::<WorkflowJob>(&order, AddOptions::default()).await.unwrap();
    let runner = queue.run().await.unwrap();
    let job = ended(&queue, id).await;
    assert_eq!((job.state, job.error.unwrap().code.as_str()), (State::Failed, "process.failed"));
    assert!(log(&queue, id).await.contains("Would move 3 entries"));
    // Somebody mends the site.
    let mended = include_str!("data/craft").replace("exit(4);", "break;");
    std::fs::write(site.folder.join("craft"), mended).unwrap();
    queue.retry(id).await.unwrap();
    let job = ended(&queue, id).await;
    assert_eq!(job.state, State::Completed, "{:?}", job.error);
    let steps: Vec<(&str, StepState)> =
        job.steps.iter().map(|step| (step.title.as_str(), step.state)).collect();
    let titles = order.calls.iter().map(|(title, _)| (title.as_str(), StepState::Completed));
    assert_eq!(steps, titles.collect::<Vec<_>>(), "a step for each command and no other");
    assert_eq!(
        site.number("SELECT count(*) FROM moved WHERE entry < 1000"),
        3,
        "what was done is not done again"
    );
    runner.stop(Duration::from_secs(5)).await;
}

#[test]
fn workflows_are_kept_for_each_site() {
    let (one, other, data) = (site(1), site(1), tempfile::tempdir().unwrap());
    let saved = SavedWorkflows::of(data.path());
    let workflow =
        SavedWorkflow { title: "Go live".into(), calls: vec![call("craft.gc")], dry_run_first: true };
    saved.save(&one.folder, workflow.clone()).unwrap();
    saved.save(&one.folder, workflow.clone()).unwrap();
    assert_eq!(saved.list(&one.folder).unwrap(), [workflow]);
    assert_eq!(saved.list(&other.folder).unwrap(), []);
    assert!(saved.remove(&one.folder, "Go live").unwrap() && !saved.remove(&one.folder, "Go live").unwrap());
}
