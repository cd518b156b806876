//! The index as a file: paths as what they add to the one before, numbers as little as they need, a BLAKE3 sum at the end.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::{Index, NONE, Record, Span, Unreadable};
use crate::files::exclusions::{Excluded, Tally};
use crate::files::meta::{Mtime, Shape};
use crate::files::path::{bytes_of, from_bytes, shown};
use crate::{Part, Problem, Result};

const MAGIC: &[u8; 16] = b"clonedeck-index1";
/// No name, link or text of the system is longer; a damaged length must not ask for all memory.
const LONGEST: u64 = 1 << 20;
/// Bytes that a disk has to have free again before it is tried once more.
const ROOM: u64 = 8 << 20;

impl Index {
    /// Writes the index to `file`, whole or not at all, and durably.
    pub fn save(&self, file: &Path) -> Result<()> {
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Problem::needs_person("disk.full", format!("There is no room left for {}.", shown(file)))
                    .help("Make room on the disk of the data folder; it goes on by itself.")
                    .with("path", shown(file))
                    .with("needed", ROOM)
            }
            _ => Problem::needs_person(
                "index.not-saved",
                format!("The index could not be written to {}: {error}.", shown(file)),
            )
            .help("Make the data folder writable again, then go on."),
        };
        let part = file.with_extension("part");
        let written = (|| {
            let mut out = Out { to: BufWriter::new(File::create(&part)?), sum: blake3::Hasher::new() };
            self.write(&mut out)?;
            let sum = out.sum.finalize();
            out.to.write_all(sum.as_bytes())?;
            out.to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(&part, file)?;
            match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
                _ => Ok(()),
            }
        })();
        written.map_err(cannot)
    }

    /// Reads what [`Index::save`] wrote. Refuses with `index.damaged` what is anything else.
    pub fn load(file: &Path) -> Result<Self> {
        let read = File::open(file).and_then(|opened| {
            let mut from = In { from: BufReader::new(opened), sum: blake3::Hasher::new() };
            let index = Self::read(&mut from)?;
            let sum = from.sum.finalize();
            let mut kept = [0; 32];
            from.from.read_exact(&mut kept)?;
            let ends = from.from.read(&mut [0])? == 0;
            if sum == kept && ends { Ok(index) } else { Err(damaged()) }
        });
        read.map_err(|error| {
            Problem::permanent(
                "index.damaged",
                format!("The index in {} cannot be used: {error}.", shown(file)),
            )
            .help("Start the job anew: the index is taken again.")
        })
    }

    fn write(&self, out: &mut Out<impl Write>) -> io::Result<()> {
        out.bytes(MAGIC)?;
        out.text(bytes_of(&self.root))?;
        out.number(self.records.len() as u64)?;
        let mut before: &[u8] = b"";
        let mut device = 0;
        for record in &self.records {
            let path = self.text(record.path);
            let shared = path.iter().zip(before).take_while(|(a, b)| a == b).count();
            out.number(shared as u64)?;
            out.text(&path[shared..])?;
            before = path;
            out.bytes(&[
                shape_code(record.shape) | u8::from(record.dev != device) << 3,
                part_code(record.part),
            ])?;
            if record.dev != device {
                device = record.dev;
                out.number(device)?;
            }
            for number in [record.ino, u64::from(record.mode), u64::from(record.uid), u64::from(record.gid)] {
                out.number(number)?;
            }
            out.bytes(&record.mtime.seconds.to_le_bytes())?;
            out.number(u64::from(record.mtime.nanos))?;
            match record.shape {
                Shape::File => {
                    out.number(record.size)?;
                    out.number(record.allocated)?;
                    // 0 is the root and no file: free to say that there is no other name.
                    out.number(if record.first_name == NONE { 0 } else { u64::from(record.first_name) })?;
                }
                Shape::Link => out.text(self.text(record.to))?,
                Shape::Folder | Shape::Special => {}
            }
        }
        out.number(self.unreadable.len() as u64)?;
        for one in &self.unreadable {
            out.text(bytes_of(one.path.as_path()))?;
            out.text(one.why.as_bytes())?;
        }
        out.number(self.excluded.len() as u64)?;
        for (pattern, excluded) in &self.excluded {
            out.text(pattern.as_bytes())?;
            out.number(excluded.files)?;
            out.number(excluded.bytes)?;
        }
        Ok(())
    }

    fn read(from: &mut In<impl Read>) -> io::Result<Self> {
        if from.bytes::<16>()? != *MAGIC {
            return Err(damaged());
        }
        let root = from_bytes(&from.text()?).to_owned();
        let count = from.number()?;
        let mut text = Vec::new();
        let mut records: Vec<Record> = Vec::new();
        let mut device = 0;
        for number in 0..count {
            let shared = from.number()? as usize;
            let before = records.last().map_or(Span::default(), |record| record.path);
            if shared > before.len as usize {
                return Err(damaged());
            }
            let start = text.len();
            text.extend_from_within(before.start as usize..before.start as usize + shared);
            text.extend_from_slice(&from.text()?);
            let path = Span { start: start as u64, len: (text.len() - start) as u32 };
            let [code, part] = from.bytes::<2>()?;
            if code & 8 != 0 {
                device = from.number()?;
            }
            let mut record = Record {
                path,
                to: Span::default(),
                size: 0,
                allocated: 0,
                dev: device,
                ino: from.number()?,
                mode: from.small()?,
                uid: from.small()?,
                gid: from.small()?,
                mtime: Mtime { seconds: i64::from_le_bytes(from.bytes()?), nanos: from.small()? },
                parent: 0,
                first_name: NONE,
                shape: shape_of(code & 7).ok_or_else(damaged)?,
                part: part_of(part).ok_or_else(damaged)?,
            };
            match record.shape {
                Shape::File => {
                    record.size = from.number()?;
                    record.allocated = from.number()?;
                    let first = from.number()?;
                    if first >= number.max(1) {
                        return Err(damaged());
                    }
                    record.first_name = if first == 0 { NONE } else { first as u32 };
                }
                Shape::Link => {
                    let to = from.text()?;
                    record.to = Span { start: text.len() as u64, len: to.len() as u32 };
                    text.extend_from_slice(&to);
                }
                Shape::Folder | Shape::Special => {}
            }
            records.push(record);
        }
        if records.is_empty() {
            return Err(damaged());
        }
        let mut unreadable = Vec::new();
        for _ in 0..from.number()? {
            let path = from_bytes(&from.text()?).to_owned().into();
            unreadable.push(Unreadable { path, why: from.string()? });
        }
        let mut excluded = Tally::new();
        for _ in 0..from.number()? {
            let pattern = from.string()?;
            excluded.insert(pattern, Excluded { files: from.number()?, bytes: from.number()? });
        }
        let mut index = Self { root, text, records, unreadable, excluded };
        index.find_parents();
        Ok(index)
    }
}

const SHAPES: [Shape; 4] = [Shape::File, Shape::Folder, Shape::Link, Shape::Special];
const PARTS: [Part; 5] = [Part::Core, Part::Modules, Part::Themes, Part::Media, Part::Database];

fn shape_code(shape: Shape) -> u8 {
    SHAPES.iter().position(|one| *one == shape).unwrap_or_default() as u8
}

fn shape_of(code: u8) -> Option<Shape> {
    SHAPES.get(code as usize).copied()
}

fn part_code(part: Part) -> u8 {
    PARTS.iter().position(|one| *one == part).unwrap_or_default() as u8
}

fn part_of(code: u8) -> Option<Part> {
    PARTS.get(code as usize).copied()
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is damaged")
}

struct Out<W> {
    to: W,
    sum: blake3::Hasher,
}

impl<W: Write> Out<W> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.to.write_all(bytes)
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.number(text.len() as u64)?;
        self.bytes(text)
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) -> io::Result<()> {
        let mut bytes = [0; 10];
        let mut len = 0;
        loop {
            bytes[len] = number as u8 & 0x7f | u8::from(number > 0x7f) << 7;
            len += 1;
            number >>= 7;
            if number == 0 {
                return self.bytes(&bytes[..len]);
            }
        }
    }
}

struct In<R> {
    from: R,
    sum: blake3::Hasher,
}

impl<R: Read> In<R> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn text(&mut self) -> io::Result<Vec<u8>> {
        let len = self.number()?;
        if len > LONGEST {
            return Err(damaged());
        }
        let mut text = vec![0; len as usize];
        self.from.read_exact(&mut text)?;
        self.sum.update(&text);
        Ok(text)
    }

    fn string(&mut self) -> io::Result<String> {
        String::from_utf8(self.text()?).map_err(|_| damaged())
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    fn small(&mut self) -> io::Result<u32> {
        u32::try_from(self.number()?).map_err(|_| damaged())
    }
}
