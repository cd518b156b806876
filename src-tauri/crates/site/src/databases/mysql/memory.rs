//! Memory for rows on their way: from the system itself, which has it back as soon as nobody needs it.
//!
//! The C library keeps buffers of a few megabytes once they were freed, and cannot give one back before all that lies behind it is free
//! as well. What many batches of rows needed would then stay with the program when a very long value needs room. So batches hand their
//! memory on to each other ([`Spare`]), and leave it to the system when such a value comes.

use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

/// Less than that the system gives to nobody.
const PAGE: usize = 4 << 10;

/// Memory that batches of rows had and others can have: the system clears what it gives, and that costs more than to fill it.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare {
    maps: Arc<Mutex<Vec<MmapMut>>>,
}

impl Spare {
    /// Bytes of each piece: a batch, and somewhat more.
    pub(super) const PIECE: usize = (2 << 20) + (128 << 10);

    /// Pieces that are kept at most.
    const MOST: usize = 16;

    /// Leaves it to the system.
    pub(super) fn clear(&self) {
        self.maps().clear();
    }

    fn take(&self) -> MmapMut {
        self.maps().pop().unwrap_or_else(|| anonymous(Self::PIECE))
    }

    fn put(&self, map: MmapMut) {
        let mut maps = self.maps();
        if map.len() == Self::PIECE && maps.len() < Self::MOST {
            maps.push(map);
        }
    }

    fn maps(&self) -> MutexGuard<'_, Vec<MmapMut>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that can grow.
#[derive(Debug, Default)]
pub(super) struct Memory {
    map: Option<MmapMut>,
    length: usize,
    /// How much to ask for at first.
    room: usize,
    /// Where it comes from, as long as a piece is enough, and goes back to.
    home: Option<Spare>,
}

impl Memory {
    /// None yet; there will be room for so many bytes before more has to be asked for.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { map: None, length: 0, room: bytes, home: None }
    }

    /// None yet; it will be what others had, if that is enough.
    pub(super) fn spare(spare: &Spare) -> Self {
        Self { map: None, length: 0, room: Spare::PIECE, home: Some(spare.clone()) }
    }

    /// Adds these bytes.
    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.more(bytes.len()).copy_from_slice(bytes);
    }

    /// Adds so many zeroes, which can be written over.
    pub(super) fn zeroes(&mut self, bytes: usize) -> &mut [u8] {
        let used = self.home.is_some();
        let more = self.more(bytes);
        if used {
            more.fill(0);
        }
        more
    }

    /// Adds so many bytes, whatever they are.
    #[inline]
    fn more(&mut self, bytes: usize) -> &mut [u8] {
        let (start, end) = (self.length, self.length + bytes);
        if end > self.map.as_ref().map_or(0, |map| map.len()) {
            self.grow(end);
        }
        self.length = end;
        self.map.as_mut().map_or(&mut [], |map| &mut map[start..end])
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        let has = self.map.as_ref().map_or(0, |map| map.len());
        let more = least.max(self.room).max(has + has / 2);
        let mut map = match &self.home {
            Some(home) if more <= Spare::PIECE => home.take(),
            _ => anonymous(more),
        };
        map[..self.length].copy_from_slice(self);
        self.release();
        self.map = Some(map);
    }

    fn release(&mut self) {
        if let (Some(map), Some(home)) = (self.map.take(), &self.home) {
            home.put(map);
        }
    }

    /// Takes bytes out of it, and gives back what they took.
    pub(super) fn remove(&mut self, gone: Range<usize>) {
        let mut rest = Self::with_room(self.length - gone.len());
        rest.extend(&self[..gone.start]);
        rest.extend(&self[gone.end..]);
        *self = rest;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release();
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

    #[test]
    fn memory_is_handed_on_until_it_is_left_to_the_system() {
        let spare = Spare::default();
        let mut memory = Memory::spare(&spare);
        memory.extend(b"rows");
        let place = memory.as_ptr();
        drop(memory);
        let mut next = Memory::spare(&spare);
        assert_eq!(next.zeroes(4), [0; 4], "what others had in it is not seen");
        assert_eq!(next.as_ptr(), place);
        let mut large = Memory::spare(&spare);
        large.zeroes(Spare::PIECE + 1);
        drop((next, large));
        assert_eq!(spare.maps().len(), 1, "what is larger than a batch is not kept");
        spare.clear();
        assert_eq!(spare.maps().len(), 0);
    }
}
