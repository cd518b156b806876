//! The bytes of one file: shared where the file system can, else copied inside the kernel, else by way of a buffer.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::Stopped;
use crate::files::crew::Gate;
use crate::files::meta::Meta;

/// Copied between two looks at the gate.
const PIECE: u64 = 8 << 20;
/// Up to this size a file goes through the buffer at once: cheaper than asking the kernel for more.
pub(super) const BUFFER: usize = 256 << 10;

/// Which of the quick ways this pair of file systems was found not to know.
#[derive(Default)]
pub(super) struct Ways {
    no_reflink: AtomicBool,
    no_kernel_copy: AtomicBool,
}

/// How the copying of bytes ends early.
pub(super) enum Fault {
    Source(Errno),
    Target(Errno),
    Stopped,
}

impl From<Stopped> for Fault {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// What was copied.
pub(super) struct Copied {
    pub bytes: u64,
    pub reflinked: bool,
}

pub(super) struct Pipe<'a> {
    pub ways: &'a Ways,
    pub from: BorrowedFd<'a>,
    pub to: BorrowedFd<'a>,
    pub gate: &'a Gate,
    pub buffer: &'a mut [u8],
    /// Told of bytes as they are copied.
    pub tell: &'a dyn Fn(u64),
}

impl Pipe<'_> {
    /// Copies the whole file, which `meta` was just said of; the target is empty. Fewer or more bytes may come where it changes.
    pub(super) fn copy(&mut self, meta: &Meta) -> Result<Copied, Fault> {
        if meta.size == 0 && meta.allocated == 0 {
            // Also a file that only says it is empty (some do) is read once, below.
            return self.by_buffer(0, u64::MAX).map(|bytes| Copied { bytes, reflinked: false });
        }
        if self.reflink()? {
            // The file as it was at that very moment, which may be longer than it was just said to be.
            let bytes = crate::files::sys::look_at(self.to).map_err(Fault::Target)?.size;
            (self.tell)(meta.size);
            return Ok(Copied { bytes, reflinked: true });
        }
        let bytes = if meta.has_holes() {
            self.around_holes(meta.size)?
        } else if meta.size <= BUFFER as u64 {
            self.by_buffer(0, meta.size)?
        } else {
            self.stretch(0, meta.size)?
        };
        Ok(Copied { bytes, reflinked: false })
    }

    fn reflink(&self) -> Result<bool, Fault> {
        #[cfg(target_os = "linux")]
        if !self.ways.no_reflink.load(Ordering::Relaxed) {
            match rustix::fs::ioctl_ficlone(self.to, self.from) {
                Ok(()) => return Ok(true),
                Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::ROFS)) => return Err(Fault::Target(error)),
                // Not the same file system, or one that cannot: asking again for the next file is pointless.
                Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS | Errno::PERM) => {
                    self.ways.no_reflink.store(true, Ordering::Relaxed);
                }
                // This file cannot: on btrfs one that is overwritten in place (chattr +C).
                Err(_) => {}
            }
        }
        Ok(false)
    }

    /// Copies what is data and leaves the holes.
    fn around_holes(&mut self, size: u64) -> Result<u64, Fault> {
        rustix::fs::ftruncate(self.to, size).map_err(Fault::Target)?;
        let mut at = 0;
        while at < size {
            let data = match rustix::fs::seek(self.from, SeekFrom::Data(at)) {
                Ok(data) if data < size => data,
                // Nothing but a hole from here on.
                Ok(_) | Err(Errno::NXIO) => break,
                // The file system does not tell: the whole rest counts as data.
                Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
                Err(error) => return Err(Fault::Source(error)),
            };
            let hole = rustix::fs::seek(self.from, SeekFrom::Hole(data)).unwrap_or(size).clamp(data, size);
            if self.stretch(data, hole)? < hole - data {
                break;
            }
            at = hole;
        }
        Ok(size)
    }

    /// Copies from `start` to `end`, or to the end of the file if that comes first; answers how many bytes.
    fn stretch(&mut self, start: u64, end: u64) -> Result<u64, Fault> {
        let mut at = start;
        #[cfg(target_os = "linux")]
        while at < end && !self.ways.no_kernel_copy.load(Ordering::Relaxed) {
            self.gate.pass()?;
            let (mut from, mut to) = (at, at);
            let piece = (end - at).min(PIECE) as usize;
            match rustix::fs::copy_file_range(self.from, Some(&mut from), self.to, Some(&mut to), piece) {
                // Some file systems answer 0 where they cannot; the buffer finds out whether the file really ends here.
                Ok(0) | Err(Errno::INTR) => break,
                Ok(copied) => {
                    at += copied as u64;
                    (self.tell)(copied as u64);
                }
                Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::FBIG)) => {
                    return Err(Fault::Target(error));
                }
                Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                    self.ways.no_kernel_copy.store(true, Ordering::Relaxed);
                }
                // Whose fault it is shows when both sides are asked apart.
                Err(_) => break,
            }
        }
        if at < end {
            at += self.by_buffer(at, end)?;
        }
        Ok(at - start)
    }

    fn by_buffer(&mut self, start: u64, end: u64) -> Result<u64, Fault> {
        let mut at = start;
        while at < end {
            self.gate.pass()?;
            let piece = (end - at).min(self.buffer.len() as u64) as usize;
            let read = match rustix::io::pread(self.from, &mut self.buffer[..piece], at) {
                Ok(0) => break,
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(Fault::Source(error)),
            };
            let mut written = 0;
            while written < read {
                match rustix::io::pwrite(self.to, &self.buffer[written..read], at + written as u64) {
                    Ok(0) => return Err(Fault::Target(Errno::IO)),
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(Fault::Target(error)),
                }
            }
            at += read as u64;
            (self.tell)(read as u64);
        }
        Ok(at - start)
    }
}
