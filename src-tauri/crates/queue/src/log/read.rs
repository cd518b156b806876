//! Reading a log, also while it is being written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{LogLine, STRIDE, segment_name, segments};

/// Some consecutive lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The lines; empty when there are none yet from there on.
    pub lines: Vec<LogLine>,
    /// Number of the line to ask for next. Asking again with it misses none and repeats none.
    pub next: u64,
    /// How many lines that belong in this page are no longer kept.
    pub missing: u64,
}

/// Up to `limit` lines from line `from` (1 is the first) on.
pub(crate) fn page(folder: &Path, from: u64, limit: usize) -> io::Result<LogPage> {
    let from = from.max(1);
    let mut page = LogPage { next: from, ..LogPage::default() };
    let all = segments(folder);
    let begin = all.partition_point(|first| *first <= from).saturating_sub(1);
    for first in &all[begin.min(all.len())..] {
        if page.lines.len() >= limit {
            break;
        }
        // The writer may have dropped it since it was listed.
        match read_segment(folder, *first, limit, &mut page) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(page)
}

/// Number of the last line; 0 while there is none. Takes the time of one seek.
pub(crate) fn lines(folder: &Path) -> io::Result<u64> {
    let Some(first) = segments(folder).last().copied() else { return Ok(0) };
    let path = folder.join(segment_name(first));
    let (mut number, place) = place_of(&path, first, u64::MAX);
    let mut text = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(first - 1),
        text => text?,
    };
    text.seek(SeekFrom::Start(place))?;
    let mut text = BufReader::new(text);
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        number += 1;
        line.clear();
    }
    Ok(number - 1)
}

fn read_segment(folder: &Path, first: u64, limit: usize, page: &mut LogPage) -> io::Result<()> {
    let path = folder.join(segment_name(first));
    let mut text = File::open(&path)?;
    let wanted = page.next.max(first);
    let (mut number, place) = place_of(&path, first, wanted);
    text.seek(SeekFrom::Start(place))?;
    let mut text = BufReader::new(text);
    let mut line = Vec::new();
    while page.lines.len() < limit {
        line.clear();
        text.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            break;
        }
        if number >= wanted {
            page.missing += number - page.next;
            page.lines.push(LogLine::parse(number, &String::from_utf8_lossy(&line)));
            page.next = number + 1;
        }
        number += 1;
    }
    Ok(())
}

/// The last indexed line at or before `wanted`, and where it begins.
fn place_of(path: &Path, first: u64, wanted: u64) -> (u64, u64) {
    let start = (first, 0);
    let Ok(mut index) = File::open(path.with_extension("idx")) else { return start };
    let entries = index.metadata().map_or(0, |found| found.len() / 8);
    let Some(last) = entries.checked_sub(1) else { return start };
    let entry = ((wanted - first) / STRIDE).min(last);
    let mut place = [0u8; 8];
    match index.seek(SeekFrom::Start(entry * 8)).and_then(|_| index.read_exact(&mut place)) {
        Ok(()) => (first + entry * STRIDE, u64::from_le_bytes(place)),
        Err(_) => start,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Level, LogWriter};
    use super::*;

    fn write(folder: &Path, limit: u64, range: std::ops::Range<u64>) {
        let mut log = LogWriter::open(folder, limit, 0).unwrap();
        for n in range {
            log.append("2026-11-22T08:00:00Z".parse().unwrap(), Level::Info, "copy", &format!("line {n}"));
        }
    }

    #[test]
    fn any_page_is_found_by_number_across_reopenings() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1 << 20, 1..131);
        write(dir.path(), 1 << 20, 131..301);
        for from in [1, 63, 64, 65, 129, 130, 131, 200, 300] {
            let page = page(dir.path(), from, 5).unwrap();
            assert_eq!(page.lines[0].number, from);
            assert_eq!(page.lines[0].text, format!("line {from}"));
            assert_eq!(page.next, from + page.lines.len() as u64);
        }
        assert_eq!(lines(dir.path()).unwrap(), 300);
        assert_eq!(lines(&dir.path().join("none")).unwrap(), 0);
        let end = page(dir.path(), 301, 5).unwrap();
        assert_eq!((end.lines.len(), end.next), (0, 301));
    }

    #[test]
    fn over_the_limit_the_head_and_the_tail_stay_and_the_gap_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 8 << 10, 1..2001);
        let bytes: u64 =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes <= 9 << 10, "{bytes} bytes are kept");
        let mut seen = Vec::new();
        let (mut from, mut missing) = (1, 0);
        loop {
            let page = page(dir.path(), from, 7).unwrap();
            missing += page.missing;
            if page.lines.is_empty() {
                break;
            }
            seen.extend(page.lines.iter().map(|line| line.number));
            from = page.next;
        }
        assert_eq!(seen[0], 1);
        assert_eq!(*seen.last().unwrap(), 2000);
        assert_eq!(seen.len() as u64 + missing, 2000);
        assert!(seen.is_sorted());
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_neither_shown_nor_glued_to_the_next() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 1 << 20, 1..71);
        let path = dir.path().join(segment_name(1));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        assert_eq!(page(dir.path(), 70, 5).unwrap().lines, []);
        write(dir.path(), 1 << 20, 70..72);
        let lines = page(dir.path(), 69, 5).unwrap().lines;
        assert_eq!(
            lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["line 69", "line 70", "line 71"]
        );
    }

    #[test]
    fn text_of_several_lines_and_colours_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path(), 1 << 20, 0).unwrap();
        log.append(
            "2026-11-22T08:00:00.125Z".parse().unwrap(),
            Level::Warn,
            "run",
            "\u{1b}[31mred\u{1b}[0m\r\na\tb",
        );
        let lines = page(dir.path(), 1, 5).unwrap().lines;
        assert_eq!(lines[0].text, "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(
            (lines[1].text.as_str(), lines[1].level, lines[1].step.as_str()),
            ("a\tb", Level::Warn, "run")
        );
        assert_eq!(lines[1].at.to_string(), "2026-11-22T08:00:00.125Z");
    }
}
