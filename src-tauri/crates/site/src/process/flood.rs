//! How much of a program's output is kept, and its last lines.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many last lines an ending tells.
const LAST: usize = 50;
/// How much of each of the last lines is remembered.
const REMEMBERED: usize = 2000;

/// Two buckets that fill with time, one of lines and one of bytes. A program may write in bursts; one that floods is still read at
/// full speed, but only a part of its lines is kept.
#[derive(Debug)]
pub(super) struct Flood {
    lines: Bucket,
    bytes: Bucket,
    refilled: Instant,
    is_dry: bool,
    left_out: LeftOut,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    size: f64,
    per_second: f64,
}

/// Lines that were not kept.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub lines: u64,
    pub bytes: u64,
}

impl Flood {
    pub fn new(now: Instant) -> Self {
        Self {
            lines: Bucket { level: 10_000.0, size: 10_000.0, per_second: 1000.0 },
            bytes: Bucket { level: 8e6, size: 8e6, per_second: 1e6 },
            refilled: now,
            is_dry: false,
            left_out: LeftOut::default(),
        }
    }

    /// Time has passed.
    pub fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled).min(Duration::from_mins(1)).as_secs_f64();
        self.refilled = now;
        for bucket in [&mut self.lines, &mut self.bytes] {
            bucket.level = (bucket.level + passed * bucket.per_second).min(bucket.size);
        }
        // Once dry, wait for a second's worth, so that the log has runs of lines and not one here and there.
        if self.is_dry
            && self.lines.level >= self.lines.per_second
            && self.bytes.level >= self.bytes.per_second
        {
            self.is_dry = false;
        }
    }

    /// Whether a line is kept. `must` is for lines that may never be lost.
    pub fn admits(&mut self, length: usize, must: bool) -> bool {
        if !must && (self.is_dry || self.lines.level < 1.0 || self.bytes.level < length as f64) {
            self.is_dry = true;
            self.left_out.lines += 1;
            self.left_out.bytes += length as u64 + 1;
            return false;
        }
        self.lines.level -= 1.0;
        self.bytes.level -= length as f64;
        true
    }

    /// What was left out since the last call.
    pub fn take_left_out(&mut self) -> Option<LeftOut> {
        (self.left_out.lines > 0).then(|| std::mem::take(&mut self.left_out))
    }
}

/// The last lines of a program, with whether they were kept.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<(Vec<u8>, bool)>,
}

impl Tail {
    pub fn push(&mut self, line: &[u8], kept: bool) {
        let mut place =
            if self.lines.len() == LAST { self.lines.pop_front() } else { None }.unwrap_or_default();
        place.0.clear();
        place.0.extend_from_slice(&line[..line.len().min(REMEMBERED)]);
        place.1 = kept;
        self.lines.push_back(place);
    }

    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|(line, _)| line.as_slice())
    }

    /// The lines at the end that were not kept; they count as kept from now on.
    pub fn take_unkept(&mut self) -> Vec<Vec<u8>> {
        let first = self.lines.iter().rposition(|(_, kept)| *kept).map_or(0, |last| last + 1);
        self.lines.iter_mut().skip(first).for_each(|line| line.1 = true);
        self.lines.iter().skip(first).map(|(line, _)| line.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_kept_whole_and_a_flood_in_part() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        assert!((0..10_000).all(|_| flood.admits(80, false)));
        assert!((0..1000).all(|_| !flood.admits(80, false)));
        flood.refill(start + Duration::from_millis(900));
        assert!(!flood.admits(80, false), "waits for a run");
        assert!(flood.admits(80, true), "what must stay, stays");
        flood.refill(start + Duration::from_millis(1100));
        assert!((0..1000).all(|_| flood.admits(80, false)));
        assert_eq!(flood.take_left_out(), Some(LeftOut { lines: 1001, bytes: 1001 * 81 }));
        assert_eq!(flood.take_left_out(), None);
    }

    #[test]
    fn the_tail_holds_the_last_lines_and_knows_which_were_not_kept() {
        let mut tail = Tail::default();
        for line in 0..60 {
            tail.push(line.to_string().as_bytes(), line < 58);
        }
        assert_eq!(tail.lines().count(), LAST);
        assert_eq!(tail.lines().next(), Some(&b"10"[..]));
        assert_eq!(tail.take_unkept(), [b"58", b"59"]);
        assert!(tail.take_unkept().is_empty());
    }
}
