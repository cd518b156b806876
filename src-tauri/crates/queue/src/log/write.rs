//! Writing a log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Level, STRIDE, segment_name, segments};

/// The head takes this part of the limit…
const HEAD_PART: u64 = 2;
/// …and each of the tail's segments this part.
const TAIL_PART: u64 = 8;
/// How many tail segments stay.
const TAIL_SEGMENTS: usize = 4;

/// The end of a job's log. One attempt at a time has it.
pub(crate) struct LogWriter {
    folder: PathBuf,
    limit: u64,
    segment: Segment,
    lost: u64,
}

struct Segment {
    first: u64,
    lines: u64,
    bytes: u64,
    text: File,
    /// `None` after a failed write: entries must not shift, and the reader does without.
    index: Option<File>,
}

impl LogWriter {
    /// Opens the log in `folder` where it ends. A last line that was cut off by a crash is taken off. `lost` lines are missing
    /// there already.
    pub fn open(folder: &Path, limit: u64, lost: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let first = segments(folder).pop().unwrap_or(1);
        let segment = Segment::open(folder, first)?;
        Ok(Self { folder: folder.into(), limit: limit.max(4096), segment, lost })
    }

    /// Appends `text` (already masked). Each of its lines becomes a line of the log.
    pub fn append(&mut self, at: Timestamp, level: Level, step: &str, text: &str) {
        if self.lost > 0 {
            let note = format!("{} lines of the log were lost because they could not be written", self.lost);
            if self.append_line(at, Level::Warn, "", &note).is_err() {
                self.lost += 1;
                return;
            }
            self.lost = 0;
        }
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if self.append_line(at, level, step, line).is_err() {
                self.lost += 1;
            }
        }
    }

    fn append_line(&mut self, at: Timestamp, level: Level, step: &str, text: &str) -> io::Result<()> {
        let line = format!("{at:.3}\t{}\t{step}\t{text}\n", level.word());
        let room = self.limit / if self.segment.first == 1 { HEAD_PART } else { TAIL_PART };
        if self.segment.lines > 0 && self.segment.bytes + line.len() as u64 > room {
            self.rotate()?;
        }
        self.segment.append(line.as_bytes())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.segment = Segment::open(&self.folder, self.segment.first + self.segment.lines)?;
        let all = segments(&self.folder);
        for first in all.iter().skip(1).take(all.len().saturating_sub(1 + TAIL_SEGMENTS)) {
            let path = self.folder.join(segment_name(*first));
            fs::remove_file(path.with_extension("idx"))?;
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

impl Segment {
    fn open(folder: &Path, first: u64) -> io::Result<Self> {
        let path = folder.join(segment_name(first));
        let open =
            |path: &Path| OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let mut text = open(&path)?;
        let mut index = open(&path.with_extension("idx"))?;
        let length = text.metadata()?.len();
        let mut places = Vec::new();
        index.read_to_end(&mut places)?;
        let (places, _) = places.as_chunks::<8>();
        let mut places: Vec<u64> = places
            .iter()
            .map(|place| u64::from_le_bytes(*place))
            .take_while(|place| *place < length)
            .collect();
        let start = places.last().copied().unwrap_or(0);
        let mut lines = (places.len() as u64).saturating_sub(1) * STRIDE;
        places.pop();
        // Counts on from the last place that is known, and completes the index on the way.
        text.seek(SeekFrom::Start(start))?;
        let mut rest = Vec::new();
        text.read_to_end(&mut rest)?;
        let mut end = start;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            if lines.is_multiple_of(STRIDE) {
                places.push(end);
            }
            lines += 1;
            end += line.len() as u64;
        }
        text.set_len(end)?;
        text.seek(SeekFrom::Start(end))?;
        let whole: Vec<u8> = places.iter().flat_map(|place| place.to_le_bytes()).collect();
        index.seek(SeekFrom::Start(0))?;
        index.write_all(&whole)?;
        index.set_len(whole.len() as u64)?;
        Ok(Self { first, lines, bytes: end, text, index: Some(index) })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Err(error) = self.text.write_all(line) {
            // Half a line must not become the beginning of the next one.
            let _ = self.text.set_len(self.bytes);
            let _ = self.text.seek(SeekFrom::Start(self.bytes));
            return Err(error);
        }
        if self.lines.is_multiple_of(STRIDE)
            && let Some(index) = &mut self.index
            && index.write_all(&self.bytes.to_le_bytes()).is_err()
        {
            self.index = None;
        }
        self.lines += 1;
        self.bytes += line.len() as u64;
        Ok(())
    }
}
