//! What an operator has set, in `settings.json` in the data directory.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clonedeck_jobs::build::Builds;
use clonedeck_queue::Meter;
use clonedeck_site::files::write_whole;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{About, Problem, Settings};
use crate::{Clonedeck, problem};

const FILE: &str = "settings.json";

/// The settings of a data directory; what is not set is as from the start.
pub fn read(data_dir: &Path) -> Settings {
    read_file(&data_dir.join(FILE)).unwrap_or_default()
}

/// Lets builds follow the settings from now on.
pub fn apply(settings: &Settings, builds: &Builds) {
    builds.previews().set_ports(settings.port_from..=settings.port_to);
    builds.cache().set_limits(
        Duration::from_hours(settings.cache_hours.into()),
        u64::from(settings.cache_gigabytes) * 1_000_000_000,
    );
}

/// Bytes that jobs together may use, where that is not the queue's own measure of 90 %.
pub fn memory_budget(settings: &Settings) -> Option<u64> {
    if settings.memory_limit_percent == 90 {
        return None;
    }
    let total = clonedeck_queue::SystemMeter::new().load().memory_total;
    Some((total as f64 * f64::from(settings.memory_limit_percent) / 100.0) as u64)
}

/// Reads a small file of ours; one that is missing or damaged counts as none.
pub fn read_file<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let text = fs::read(file).ok()?;
    serde_json::from_slice(&text)
        .inspect_err(|why| tracing::warn!(file = %file.display(), %why, "a damaged file is passed over"))
        .ok()
}

/// Writes a small file of ours whole: after a crash there is the old one or the new one.
pub fn write_file(file: &Path, value: &impl Serialize) -> Result<(), Problem> {
    // The data folder was made when the queue was opened; one that is missing was taken away, and is not stood in for.
    let text = if file.parent().is_some_and(|folder| !folder.exists()) {
        Err(std::io::ErrorKind::NotFound.into())
    } else {
        serde_json::to_vec_pretty(value).map_err(std::io::Error::from)
    };
    text.and_then(|text| write_whole(file, &text)).map_err(|why| {
        problem(
            "data.write",
            format!("{} cannot be written: {why}.", file.display()),
            "Look whether the disk has room and this user may write there.",
        )
    })
}

impl Clonedeck {
    /// What is set.
    pub async fn settings(&self) -> Result<Settings, Problem> {
        Ok(read(&self.data_dir))
    }

    /// Sets it. Slots, ports and the cache take hold at once, limits at the next start of the program.
    pub async fn save_settings(&self, settings: &Settings) -> Result<(), Problem> {
        let refuse =
            |what: &str, range: &str| Err(problem("settings.range", format!("{what} must be {range}."), ""));
        if !(1..=64).contains(&settings.slots) {
            return refuse("Jobs at once", "from 1 to 64");
        }
        if !(10..=100).contains(&settings.cpu_limit_percent) {
            return refuse("The limit for the processors", "from 10 to 100 per cent");
        }
        if !(10..=100).contains(&settings.memory_limit_percent) {
            return refuse("The limit for memory", "from 10 to 100 per cent");
        }
        if !(1..=3650).contains(&settings.retention_days) {
            return refuse("The days for which ended jobs are kept", "from 1 to 3650");
        }
        if !(10..=1_000_000).contains(&settings.retention_jobs) {
            return refuse("The ended jobs that are kept", "from 10 to 1,000,000");
        }
        let hour = |text: &str| text.is_empty() || jiff::civil::Time::strptime("%H:%M", text).is_ok();
        if !hour(&settings.quiet_from)
            || !hour(&settings.quiet_to)
            || settings.quiet_from.is_empty() != settings.quiet_to.is_empty()
        {
            return refuse("Quiet hours", "two times of day such as 22:00 and 07:00, or both empty");
        }
        if settings.port_from < 1024 || settings.port_from > settings.port_to {
            return refuse("Ports of previews", "two numbers from 1024 to 65535, the smaller one first");
        }
        if !(1..=8760).contains(&settings.cache_hours) {
            return refuse("The hours for which outcomes of builds are kept", "from 1 to 8760");
        }
        if !(1..=1000).contains(&settings.cache_gigabytes) {
            return refuse("The cache of builds", "from 1 to 1000 gigabytes");
        }
        write_file(&self.data_dir.join(FILE), settings)?;
        self.queue.set_slots(settings.slots as usize);
        apply(settings, &self.builds);
        Ok(())
    }

    /// About the program.
    pub async fn about(&self, tray: bool) -> Result<About, Problem> {
        let first = self.jobs_page(&crate::wire::JobFilter::default(), None, 1).await?;
        Ok(About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_dir: self.data_dir.display().to_string(),
            tray,
            first_start: first.jobs.is_empty(),
        })
    }
}
