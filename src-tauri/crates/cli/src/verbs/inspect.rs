use std::path::PathBuf;

use clap::Args;
use clonedeck_api::Clonedeck;
use clonedeck_api::wire::SiteReport;

use super::source::SourceWords;
use crate::say::{Code, Failure, Say, bytes, count, counted};

/// What is there: platform, version, files by part, database, addresses
#[derive(Debug, Args)]
pub struct Words {
    /// Folder of the site
    site: PathBuf,
    #[command(flatten)]
    of: SourceWords,
}

pub async fn run(words: Words, say: Say) -> Result<Code, Failure> {
    let report = Clonedeck::inspect(&words.of.request(&words.site), &words.of.given()?).await?;
    if say.json {
        say.line(&report);
    } else {
        show(&report, say);
    }
    Ok(Code::Done)
}

/// Prints a site for people.
pub fn show(site: &SiteReport, say: Say) {
    say.text(&format!("{}  {}", site.platform_title, site.path));
    if let Some(title) = &site.title {
        say.text(&format!("  title       {title}"));
    }
    for address in &site.addresses {
        say.text(&format!("  address     {address}"));
    }
    for part in &site.parts {
        let word = if part.files == 1 { "file " } else { "files" };
        say.text(&format!("  {:<11} {:>9} {word}  {:>8}", part.part, count(part.files), bytes(part.bytes)));
    }
    if let Some(database) = &site.database {
        say.text(&format!(
            "  database    {} on {}: {}, about {} rows, {}",
            database.address,
            database.server,
            counted(database.tables, "table"),
            count(database.rows),
            bytes(database.bytes)
        ));
    }
    for note in &site.notes {
        say.text(&format!("  mind        {note}"));
    }
}
