//! How much the programs of a job may take, in words.

use clap::Args;
use clonedeck_api::wire::JobLimits;

/// Limits of each program that the job runs.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of each program")]
// It is flattened into words that have a group of the same name.
#[group(skip)]
pub struct Words {
    /// Memory that it and all that it starts may use, such as 512M or 2G; over it, it is ended
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// Processors that it may keep busy, such as 0.5 or 2; over it, it is slowed down
    #[arg(long, value_name = "N", value_parser = processors)]
    cpu: Option<u32>,
    /// Time that it may work, such as 90s, 30m, 48h or 7d; held time does not count
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    deadline: Option<u64>,
    /// Time without output after which it counts as stalled, and says so
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    stall: Option<u64>,
}

impl Words {
    pub fn limits(self) -> JobLimits {
        JobLimits {
            memory: self.memory,
            cpu_percent: self.cpu,
            deadline_seconds: self.deadline,
            stall_seconds: self.stall,
        }
    }
}

/// Splits `512M` into its number and its unit.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

fn size(text: &str) -> Result<u64, String> {
    let unit = |unit: &str| match unit.to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "k" => Some(1u64 << 10),
        "m" => Some(1 << 20),
        "g" => Some(1 << 30),
        "t" => Some(1 << 40),
        _ => None,
    };
    let bytes = number_and_unit(text).and_then(|(number, name)| Some((number * unit(name)? as f64) as u64));
    bytes.ok_or_else(|| "a size is a number with K, M, G or T, such as 512M".to_owned())
}

fn processors(text: &str) -> Result<u32, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.05..=1000.0).contains(number));
    number
        .map(|number| (number * 100.0).round() as u32)
        .ok_or_else(|| "processors are a number from 0.05 to 1000, such as 0.5".to_owned())
}

fn seconds(text: &str) -> Result<u64, String> {
    let unit = |unit: &str| match unit {
        "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86_400.0),
        _ => None,
    };
    let seconds = number_and_unit(text).and_then(|(number, name)| Some((number * unit(name)?).ceil() as u64));
    seconds.ok_or_else(|| "a time is a number with s, m, h or d, such as 30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_processors_are_read_as_people_write_them() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("64 mb"), Ok(64 << 20));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1.5h"), Ok(5400));
        assert_eq!(processors("0.5"), Ok(50));
        for bad in ["", "512", "M", "-1M", "1X", "1e3M", "\u{2212}1M"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
        assert!(seconds("30").is_err() && seconds("h").is_err());
        assert!(processors("0").is_err() && processors("nan").is_err() && processors("5%").is_err());
    }
}
