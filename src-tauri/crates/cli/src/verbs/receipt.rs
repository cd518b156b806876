use clap::Args;
use clonedeck_api::wire::Receipt;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, bytes, count, time};

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
            "left out    {}: {} files, {} ({})",
            out.pattern,
            count(out.files),
            bytes(out.bytes),
            out.reason
        ));
    }
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
    say.text(&format!(
        "addresses   {} cells read, {} changed ({}), {} left over, {} newly broken",
        count(rewrite.cells_scanned),
        count(rewrite.cells_changed),
        kinds.join(", "),
        count(rewrite.left_over.len() as u64),
        count(rewrite.newly_broken)
    ));
    for done in &receipt.neutralised {
        say.text(&format!("neutral     {done}"));
    }
    for setting in &receipt.settings {
        say.text(&format!("setting     {}: {} → {}", setting.name, setting.from, setting.to));
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
