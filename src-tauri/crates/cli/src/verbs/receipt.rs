use clap::Args;
use clonedeck_api::wire::Receipt;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, bytes, count, counted, time};

/// Lines of one kind that are shown, at most; all of them are in the JSON.
const SHOWN: usize = 20;

/// What a clone did, and the proof of it
#[derive(Debug, Args)]
pub struct Words {
    /// Id of the job, or the beginning of it
    job: String,
    /// Compare the copy with it again; ends with 1 where something differs
    #[arg(long)]
    check: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let id = clonedeck.find(&words.job).await?;
    let receipt =
        if words.check { clonedeck.receipt_check(&id).await? } else { clonedeck.receipt(&id).await? };
    if say.json {
        say.line(&receipt);
    } else {
        show(&receipt, say);
    }
    Ok(if words.check && !receipt.findings.is_empty() { Code::Failed } else { Code::Done })
}

fn show(receipt: &Receipt, say: Say) {
    let files = &receipt.files;
    say.text(&format!(
        "files       {} copied, {}; {} compared byte for byte, {} differences",
        count(files.count),
        bytes(files.bytes),
        count(files.verified),
        count(files.differences.len() as u64)
    ));
    for out in files.excluded.iter().filter(|out| out.files > 0) {
        say.text(&format!(
            "left out    {}: {}, {} ({})",
            out.pattern,
            counted(out.files, "file"),
            bytes(out.bytes),
            out.reason
        ));
    }
    list(say, "differs", &files.differences);
    list(say, "listed", &files.listed);
    if !receipt.tables.is_empty() {
        say.text(&format!(
            "tables      {}: {} rows in the source, {} in the copy",
            count(receipt.tables.len() as u64),
            count(receipt.tables.iter().map(|table| table.rows_source).sum()),
            count(receipt.tables.iter().map(|table| table.rows_target).sum())
        ));
    }
    for table in receipt.tables.iter().filter(|table| table.rows_source != table.rows_target) {
        say.text(&format!(
            "            {}: {} and {}",
            table.name,
            count(table.rows_source),
            count(table.rows_target)
        ));
    }
    for definition in &receipt.definitions {
        say.text(&format!("definition  {definition}"));
    }
    let rewrite = &receipt.rewrite;
    let kinds: Vec<_> =
        rewrite.by_kind.iter().map(|(kind, number)| format!("{kind} {}", count(*number))).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    say.text(&format!(
        "addresses   {} cells read, {} changed{kinds}, {} left over, {} newly broken",
        count(rewrite.cells_scanned),
        count(rewrite.cells_changed),
        count(rewrite.left_over.len() as u64),
        count(rewrite.newly_broken)
    ));
    list(say, "left over", &rewrite.left_over);
    list(say, "unchanged", &rewrite.unchanged_unsafe);
    for done in &receipt.neutralised {
        say.text(&format!("neutral     {done}"));
    }
    for setting in &receipt.settings {
        let from = if setting.from.is_empty() { String::new() } else { format!("{} ", setting.from) };
        say.text(&format!("setting     {}: {from}→ {}", setting.name, setting.to));
    }
    for page in &receipt.pages {
        say.text(&format!("page        {page}"));
    }
    for step in &receipt.steps {
        say.text(&format!("time        {}: {}", step.name, time(step.active_ms)));
    }
    if receipt.findings.is_empty() {
        say.text("findings    none");
    }
    for finding in &receipt.findings {
        say.text(&format!("finding     {finding}"));
    }
}

fn list(say: Say, name: &str, lines: &[String]) {
    for line in lines.iter().take(SHOWN) {
        say.text(&format!("{name:<11} {line}"));
    }
    if lines.len() > SHOWN {
        say.text(&format!(
            "            … and {} more: --json shows all",
            count((lines.len() - SHOWN) as u64)
        ));
    }
}
