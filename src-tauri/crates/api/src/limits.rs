//! How much the programs of a job may take, as somebody asks for it.

use clonedeck_jobs::Bounds;

use crate::problem;
use crate::wire::{JobLimits, Problem};

/// Less than this is too little for any program that people build or run sites with.
const LEAST_MEMORY: u64 = 16 << 20;
const LONGEST: u64 = 365 * 24 * 3600;

/// The bounds that are asked for.
///
/// # Errors
/// `limits.range`, with the name of the limit in `field`, when one makes no sense.
pub(crate) fn bounds(limits: Option<JobLimits>) -> Result<Bounds, Problem> {
    let limits = limits.unwrap_or_default();
    let refuse = |field: &str, what: &str, range: &str| {
        let mut problem = problem("limits.range", format!("{what} must be {range}."), "");
        problem.context.insert("field".to_owned(), field.to_owned());
        Err(problem)
    };
    if limits.memory.is_some_and(|bytes| bytes < LEAST_MEMORY) {
        return refuse("memory", "The limit of memory", "16 MB or more");
    }
    if limits.cpu_percent.is_some_and(|percent| !(5..=100_000).contains(&percent)) {
        return refuse("cpu_percent", "The limit of processors", "from 0.05 to 1000 of them");
    }
    for (field, what, seconds) in [
        ("deadline_seconds", "The deadline", limits.deadline_seconds),
        ("stall_seconds", "The time until a silent program raises an alarm", limits.stall_seconds),
    ] {
        if seconds.is_some_and(|seconds| !(1..=LONGEST).contains(&seconds)) {
            return refuse(field, what, "from a second to a year");
        }
    }
    Ok(Bounds {
        deadline_seconds: limits.deadline_seconds,
        stall_seconds: limits.stall_seconds,
        memory: limits.memory,
        cpu: limits.cpu_percent.map(|percent| f64::from(percent) / 100.0),
    })
}

/// Bounds as somebody may ask for them.
pub(crate) fn told(bounds: Bounds) -> JobLimits {
    JobLimits {
        memory: bounds.memory,
        cpu_percent: bounds.cpu.map(|processors| (processors * 100.0).round() as u32),
        deadline_seconds: bounds.deadline_seconds,
        stall_seconds: bounds.stall_seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_refused_by_name() {
        let field = |limits| bounds(Some(limits)).expect_err("no sense").context["field"].clone();
        let none = JobLimits::default();
        assert_eq!(field(JobLimits { memory: Some(1 << 20), ..none }), "memory");
        assert_eq!(field(JobLimits { cpu_percent: Some(0), ..none }), "cpu_percent");
        assert_eq!(field(JobLimits { deadline_seconds: Some(0), ..none }), "deadline_seconds");
        assert_eq!(field(JobLimits { stall_seconds: Some(u64::MAX), ..none }), "stall_seconds");
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(bounds(None).unwrap(), Bounds::default());
        let some = bounds(Some(JobLimits { cpu_percent: Some(150), ..JobLimits::default() })).unwrap();
        assert_eq!(some, Bounds { cpu: Some(1.5), ..Bounds::default() });
        assert_eq!(bounds(Some(told(clonedeck_jobs::build::USUAL))).unwrap(), clonedeck_jobs::build::USUAL);
    }
}
