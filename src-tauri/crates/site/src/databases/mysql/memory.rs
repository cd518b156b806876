//! Memory for rows on their way: from the system itself, which has it back as soon as the rows are gone.
//!
//! The C library keeps buffers of a few megabytes once they were freed, and cannot give one back before all that lies behind it is free
//! as well. What many batches of rows needed would then stay with the program when a very long value needs room.

use std::ops::{Deref, Range};

use memmap2::MmapMut;

/// Less than that the system gives to nobody.
const PAGE: usize = 4 << 10;

/// Bytes that can grow.
#[derive(Debug, Default)]
pub(super) struct Memory {
    map: Option<MmapMut>,
    length: usize,
    /// How much to ask for at first.
    room: usize,
}

impl Memory {
    /// None yet; there will be room for so many bytes before more has to be asked for.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { room: bytes, ..Self::default() }
    }

    /// Adds these bytes.
    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.zeroes(bytes.len()).copy_from_slice(bytes);
    }

    /// Adds so many zeroes, which can be written over.
    #[inline]
    pub(super) fn zeroes(&mut self, bytes: usize) -> &mut [u8] {
        let (start, end) = (self.length, self.length + bytes);
        if end > self.map.as_ref().map_or(0, |map| map.len()) {
            self.grow(end);
        }
        self.length = end;
        // What was never written is zero.
        self.map.as_mut().map_or(&mut [], |map| &mut map[start..end])
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        let has = self.map.as_ref().map_or(0, |map| map.len());
        let mut map = anonymous(least.max(self.room).max(has + has / 2));
        map[..self.length].copy_from_slice(self);
        self.map = Some(map);
    }

    /// Takes bytes out of it, and gives back what they took.
    pub(super) fn remove(&mut self, gone: Range<usize>) {
        let mut rest = Self::with_room(self.length - gone.len());
        rest.extend(&self[..gone.start]);
        rest.extend(&self[gone.end..]);
        *self = rest;
    }
}

impl Deref for Memory {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.map.as_ref().map_or(&[], |map| &map[..self.length])
    }
}

fn anonymous(bytes: usize) -> MmapMut {
    MmapMut::map_anon(bytes.next_multiple_of(PAGE)).expect("the system has memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_while_it_grows_and_when_others_are_taken_out() {
        let mut memory = Memory::with_room(3);
        assert_eq!(&*memory, b"");
        memory.extend(b"");
        memory.extend(b"one");
        memory.zeroes(2).copy_from_slice(b", ");
        memory.extend(&[b'x'; 5000]);
        memory.extend(b"end");
        assert_eq!((&memory[..6], &memory[5004..]), (&b"one, x"[..], &b"xend"[..]));
        memory.remove(4..5005);
        memory.extend(b"!");
        assert_eq!(&*memory, b"one,end!");
        assert_eq!(memory.zeroes(3), [0; 3]);
        memory.remove(0..11);
        assert_eq!(&*memory, b"");
    }
}
