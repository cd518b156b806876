//! Where the data lives, and the program's own log.

use std::path::{Path, PathBuf};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::wire::Problem;

/// Identifier of the program; the name of its folder in the platform's data directory.
pub const IDENTIFIER: &str = "dev.clonedeck.desktop";

/// Days for which the program's own log is kept.
const LOG_DAYS: usize = 14;

/// The data directory: the one given, else the platform's own.
pub fn data_dir(given: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(given) = given {
        return std::path::absolute(given).map_err(|why| {
            crate::problem("data.directory", format!("{} is no usable folder: {why}.", given.display()), "")
        });
    }
    directories::BaseDirs::new().map(|dirs| dirs.data_dir().join(IDENTIFIER)).ok_or_else(|| {
        crate::problem(
            "data.directory",
            "This user has no home folder to keep the queue in.",
            "Name a folder with --data-dir or CLONEDECK_DATA_DIR.",
        )
    })
}

/// Begins to write the program's own log: a file a day in `logs/`, and stderr when `verbose` asks for it. Only the first call of a
/// process counts.
pub fn begin_log(data_dir: &Path, verbose: u8) {
    let filter =
        |default: &str| EnvFilter::try_from_env("CLONEDECK_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let _ = std::fs::create_dir_all(data_dir.join("logs"));
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("clonedeck")
        .filename_suffix("log")
        .max_log_files(LOG_DAYS)
        .build(data_dir.join("logs"))
        .ok()
        .map(|file| {
            fmt::layer().with_writer(std::sync::Mutex::new(file)).with_ansi(false).with_filter(filter("info"))
        });
    let stderr = (verbose > 0).then(|| {
        let level = if verbose == 1 { "clonedeck=info,info" } else { "debug" };
        fmt::layer().with_writer(std::io::stderr).with_filter(filter(level))
    });
    let _ = tracing_subscriber::registry().with(file).with(stderr).try_init();
}
