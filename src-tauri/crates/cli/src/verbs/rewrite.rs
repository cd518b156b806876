use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use clonedeck_api::wire::Problem;
use clonedeck_rewrite::{
    DumpError, DumpOptions, DumpReport, Note, Options, Outcome, Packed, Packing, Pair, PairError, Rewriter,
    Rewritten, Unpacked, rewrite_dump,
};
use serde::Serialize;

use crate::say::{Code, Failure, Say, count};

/// Change addresses in a SQL dump (or one value) from stdin to stdout, breaking nothing
#[derive(Debug, Args)]
#[command(
    after_help = "An address is http://host[:port][/path], a bare host, or a folder such as /var/www/site. All pairs are \
changed in one pass.\n\n  clonedeck rewrite https://shop.example http://127.0.0.1:8080 < shop.sql > copy.sql\n\n\
The values of rows are changed. Tables, views and triggers are left as they are; old addresses in them are told of.\n\n\
Ends with 0; with 1 when the dump is cut off or cannot be read to its end, all that was read having been passed on, or when the \
one value of --value had to be left; with 2 when the words are wrong, before anything is written."
)]
pub struct Words {
    /// Old and new addresses, by turns
    #[arg(value_names = ["OLD", "NEW"], num_args = 2.., required = true)]
    pairs: Vec<String>,

    /// Take the input as one value instead of a dump
    #[arg(long, conflicts_with = "pack")]
    value: bool,

    /// Write what was changed, left and seen as JSON to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Change the host of mail addresses too
    #[arg(long)]
    mail: bool,

    /// Change the address with www. (or without it) too
    #[arg(long)]
    www: bool,

    /// How to pack the output
    #[arg(long, value_enum, default_value_t = Pack::Same, value_name = "HOW")]
    pack: Pack,

    /// Threads to use; by default as many as there are cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pack {
    /// As the input is
    Same,
    /// Not at all
    Plain,
    Gzip,
    Zstd,
}

pub async fn run(words: Words, say: Say) -> Result<Code, Failure> {
    // The output is the dump, so that whatever else there is to say goes to stderr.
    let say = Say { json: false, ..say };
    let done = tokio::task::spawn_blocking(move || rewrite(&words, say)).await;
    match done {
        Ok(Ok(code)) => Ok(code),
        Ok(Err(failure)) => Ok(say.failure(&failure)),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn rewrite(words: &Words, say: Say) -> Result<Code, Failure> {
    let rewriter = rewriter(words)?;
    let report = words.report.as_deref().map(ReportFile::create).transpose()?;
    if words.value { value(&rewriter, report, say) } else { dump(words, &rewriter, report, say) }
}

fn rewriter(words: &Words) -> Result<Rewriter, Failure> {
    let (pairs, rest) = words.pairs.as_chunks::<2>();
    if let [lonely] = rest {
        let message = format!(
            "The address '{lonely}' has no partner: addresses come in pairs, the old one and the new one."
        );
        return Err(refused("rewrite.pair.lonely", message, "Give a new address for each old one."));
    }
    let parsed: Result<Vec<Pair>, PairError> = pairs.iter().map(|[old, new]| Pair::parse(old, new)).collect();
    let options = Options { mail: words.mail, www: words.www };
    parsed.and_then(|pairs| Rewriter::new(pairs, options)).map_err(|why| {
        let help = "Write addresses as http://host[:port][/path] or as a host, folders from the root on.";
        refused(why.code(), sentence(&why.to_string()), help)
    })
}

fn dump(
    words: &Words,
    rewriter: &Rewriter,
    report_file: Option<ReportFile<'_>>,
    say: Say,
) -> Result<Code, Failure> {
    let read = |why| {
        failed(
            "rewrite.read",
            &DumpError::Read(why).to_string(),
            "Check that the dump is whole, and make it again.",
        )
    };
    let write =
        |why| failed("rewrite.write", &DumpError::Write(why).to_string(), "Check that there is room for it.");
    let mut options = DumpOptions::default();
    if let Some(threads) = words.threads {
        options.threads = usize::from(threads);
    }
    let input = Unpacked::new(io::stdin().lock()).map_err(read)?;
    let packing = match words.pack {
        Pack::Same => input.packing(),
        Pack::Plain => Packing::Plain,
        Pack::Gzip => Packing::Gzip,
        Pack::Zstd => Packing::Zstd,
    };
    let mut output = Packed::new(io::stdout(), packing).map_err(write)?;
    let report = match rewrite_dump(rewriter, input, &mut output, options) {
        Ok(report) => report,
        Err(DumpError::Read(why)) => {
            // What came before the break is still good.
            let _ = output.finish();
            return Err(read(why));
        }
        // A reader that has seen enough (`| head`) is no failure.
        Err(DumpError::Write(why)) if why.kind() == io::ErrorKind::BrokenPipe => return Ok(Code::Done),
        Err(why) => {
            return Err(failed("rewrite.write", &why.to_string(), "Check that there is room for it."));
        }
    };
    match output.finish() {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => return Err(write(why)),
        _ => {}
    }
    save(report_file, &report)?;
    Ok(say_of_dump(&report, say))
}

fn say_of_dump(report: &DumpReport, say: Say) -> Code {
    for problem in &report.problems {
        say.failure(&Failure {
            problem: problem_of(
                "rewrite.dump",
                sentence(&problem.to_string()),
                "Make the dump again; all of its input was passed on.",
            ),
            code: Code::Failed,
        });
    }
    say.remark(&format!(
        "{} of {} values changed",
        count(report.values_changed),
        count(report.values_scanned)
    ));
    if report.unsafe_count > 0 {
        say.remark(&match report.unsafe_count {
            1 => "1 place was left as it is or needs a look:".to_owned(),
            places => format!("{} places were left as they are or need a look:", count(places)),
        });
        for place in report.notes.iter().take(SHOWN) {
            let table = place.table.as_deref().unwrap_or("?");
            say.remark(&format!("  {table}, statement on line {}: {}", place.line, place.what.reason));
        }
    }
    if report.left_over_count > 0 {
        say.remark(&match report.left_over_count {
            1 => "1 old address is left:".to_owned(),
            traces => format!("{} old addresses are left:", count(traces)),
        });
        for place in report.left_over.iter().take(SHOWN) {
            let table = place.table.as_deref().unwrap_or("outside of rows");
            say.remark(&format!("  {table}, statement on line {}: …{}…", place.line, place.what.excerpt));
        }
    }
    if report.problems.is_empty() { Code::Done } else { Code::Failed }
}

/// How many places are shown; the report holds more.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct ValueReport<'a> {
    changed: bool,
    by_form: &'a BTreeMap<clonedeck_rewrite::Form, u64>,
    by_kind: &'a BTreeMap<clonedeck_rewrite::Container, u64>,
    #[serde(rename = "unsafe")]
    notes: &'a [Note],
    left_over: Vec<clonedeck_rewrite::Trace>,
}

fn value(rewriter: &Rewriter, report_file: Option<ReportFile<'_>>, say: Say) -> Result<Code, Failure> {
    let mut value = Vec::new();
    io::stdin().lock().read_to_end(&mut value).map_err(|why| {
        failed(
            "rewrite.read",
            &format!("the value cannot be read: {why}"),
            "Pipe it in, or give a file with <.",
        )
    })?;
    let Rewritten { outcome, tally, notes } = rewriter.rewrite(&value);
    let new = match &outcome {
        Outcome::Changed(new) => new,
        Outcome::Unchanged | Outcome::Unsafe(_) => &value,
    };
    let mut out = io::stdout().lock();
    match out.write_all(new).and_then(|()| out.flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            return Err(failed(
                "rewrite.write",
                &format!("the value cannot be written: {why}"),
                "Check that there is room for it.",
            ));
        }
        _ => {}
    }
    let report = ValueReport {
        changed: matches!(outcome, Outcome::Changed(_)),
        by_form: &tally.forms,
        by_kind: &tally.containers,
        notes: &notes,
        left_over: rewriter.scan(new),
    };
    save(report_file, &report)?;
    for note in &notes {
        say.remark(&format!("note: {}: …{}…", note.reason, note.excerpt));
    }
    Ok(if matches!(outcome, Outcome::Unsafe(_)) { Code::Failed } else { Code::Done })
}

/// The file of the report: made before anything is read, so that a wrong place is told of while nothing is done yet.
struct ReportFile<'w> {
    path: &'w Path,
    file: File,
}

impl<'w> ReportFile<'w> {
    fn create(path: &'w Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|why| {
            let message = format!(
                "The report cannot be written to {}: {why}. Nothing was read or written.",
                path.display()
            );
            refused("rewrite.report", message, "Choose another place for the report.")
        })?;
        Ok(Self { path, file })
    }
}

fn save(file: Option<ReportFile<'_>>, report: &impl Serialize) -> Result<(), Failure> {
    let Some(ReportFile { path, file }) = file else { return Ok(()) };
    let mut file = BufWriter::new(file);
    let written = serde_json::to_writer_pretty(&mut file, report)
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.flush());
    written.map_err(|why| {
        let message = format!(
            "The report cannot be written to {}: {why}. The rewriting itself is done.",
            path.display()
        );
        Failure {
            problem: problem_of("rewrite.report", message, "Check that there is room for it."),
            code: Code::Failed,
        }
    })
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn problem_of(code: &str, message: String, help: &str) -> Problem {
    Problem { code: code.into(), message, help: help.into(), context: BTreeMap::new(), retryable: false }
}

fn refused(code: &str, message: String, help: &str) -> Failure {
    Failure { problem: problem_of(code, message, help), code: Code::Refused }
}

fn failed(code: &str, text: &str, help: &str) -> Failure {
    Failure { problem: problem_of(code, sentence(text), help), code: Code::Failed }
}
