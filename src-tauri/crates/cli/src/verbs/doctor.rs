use clap::Args;
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say};

/// What this machine has and lacks, and what that means
#[derive(Debug, Args)]
pub struct Words {}

pub async fn run(_: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let findings = Clonedeck::doctor(open.data_dir.as_deref()).await?;
    if say.json {
        say.line(&findings);
    } else {
        for finding in &findings {
            let mark = match finding.status.as_str() {
                "ok" => "✓",
                "warn" => "!",
                _ => "✗",
            };
            say.text(&format!("{mark} {}: {}", finding.title, finding.message));
            if !finding.fix.is_empty() {
                say.text(&format!("    {}", finding.fix));
            }
        }
    }
    Ok(if findings.iter().any(|finding| finding.status == "bad") { Code::Failed } else { Code::Done })
}
