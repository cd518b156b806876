use clap::Args;
use clonedeck_api::wire::{JobView, StepState, StepView};
use clonedeck_api::{Clonedeck, Open};

use crate::say::{Code, Failure, Say, amount, state_word, time};

/// One job whole: steps, progress, result, error, why it waits
#[derive(Debug, Args)]
pub struct Words {
    /// Id of the job, or the beginning of it
    job: String,
    /// Show the login that was made as well
    #[arg(long)]
    secrets: bool,
}

pub async fn run(words: Words, open: Open, say: Say) -> Result<Code, Failure> {
    let clonedeck = Clonedeck::open(open).await?;
    let job = clonedeck.job(&words.job).await?;
    let secrets = if words.secrets { Some(clonedeck.secrets(&job.id).await?) } else { None };
    if say.json {
        let mut value = serde_json::to_value(&job).expect("wire types are plain data");
        if let Some(secrets) = secrets {
            value["secrets"] = serde_json::to_value(secrets).expect("wire types are plain data");
        }
        say.line(&value);
        return Ok(Code::Done);
    }
    show(&job, say);
    if let Some(secrets) = secrets {
        say.text(&format!("user        {}", secrets.username.as_deref().unwrap_or("–")));
        say.text(&format!("password    {}", secrets.password.as_deref().unwrap_or("–")));
    }
    Ok(Code::Done)
}

/// Prints a job for people.
pub fn show(job: &JobView, say: Say) {
    say.text(&format!("{}  {}  {} %  {}", job.title, state_word(job.state), job.progress.floor(), job.id));
    if let (Some(source), Some(target)) = (&job.source, &job.target) {
        say.text(&format!("  {source} → {target}"));
    }
    if let Some(why) = &job.waiting_for {
        let until = why.until.as_deref().map(|until| format!(" (until {until})")).unwrap_or_default();
        say.text(&format!("  {}{until}", why.message));
    }
    for step in &job.steps {
        say.text(&step_line(step));
        if let Some(error) = &step.error {
            say.text(&format!("      error[{}]: {}", error.code, error.message));
            if !error.help.is_empty() {
                say.text(&format!("      help: {}", error.help));
            }
        }
    }
    if let Some(eta) = job.eta_seconds {
        say.text(&format!(
            "  {} to {} left",
            time((eta.low * 1000.0) as u64),
            time((eta.high * 1000.0) as u64)
        ));
    }
    result(job, say);
}

/// Prints what came out of a job, or why nothing did.
pub fn result(job: &JobView, say: Say) {
    if let Some(result) = &job.result {
        let lines = [
            ("address", &result.url),
            ("user", &result.username),
            ("folder", &result.folder),
            ("log", &result.log),
            ("database", &result.database),
        ];
        for (name, value) in lines {
            if let Some(value) = value {
                say.text(&format!("{name:<11} {value}"));
            }
        }
        if result.deleted == Some(true) {
            say.text("copy        deleted");
        }
        match result.findings {
            0 => {}
            1 => say.text(&format!("findings    1; read it with `clonedeck receipt {}`", job.id)),
            many => say.text(&format!("findings    {many}; read them with `clonedeck receipt {}`", job.id)),
        }
    }
    if let Some(error) = &job.error {
        say.problem(error);
        if error.context.contains_key("output") {
            say.remark(&format!("The whole output: clonedeck logs {}", job.id));
        }
    }
}

/// One line for one step.
pub fn step_line(step: &StepView) -> String {
    let mark = match step.state {
        StepState::Pending => "·",
        StepState::Running => "▸",
        StepState::Waiting => "…",
        StepState::Completed => "✓",
        StepState::Skipped => "–",
        StepState::Failed => "✗",
        StepState::Undone => "↺",
    };
    let mut line = format!("  {mark} {:<22}", step.title);
    match step.state {
        StepState::Running if step.total > 0 => {
            line.push_str(&format!(
                "{:.0} %  {} of {}",
                step.progress.floor(),
                amount(step.done, &step.unit),
                amount(step.total, &step.unit)
            ));
        }
        StepState::Completed => {
            if step.message.is_empty() {
                line.push_str(&time(step.active_ms));
            } else {
                line.push_str(&format!("{} · {}", step.message, time(step.active_ms)));
            }
        }
        _ => line.push_str(&step.message),
    }
    line.trim_end().to_owned()
}
