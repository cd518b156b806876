//! Compressed dumps: recognised by their first bytes, and packed again in the same way or in another.

use std::io::{self, Chain, Cursor, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How a dump is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, also of several members behind each other.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// What the first bytes of a file say.
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Reads a dump whichever way it is packed.
pub struct Unpacked<R: Read> {
    packing: Packing,
    inner: Unpack<Chain<Cursor<Vec<u8>>, R>>,
}

enum Unpack<R: Read> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<R>>),
    Zstd(Box<zstd::Decoder<'static, io::BufReader<R>>>),
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes and unpacks from there on.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut first = Vec::with_capacity(4);
        input.by_ref().take(4).read_to_end(&mut first)?;
        let packing = Packing::of(&first);
        let whole = Cursor::new(first).chain(input);
        let inner = match packing {
            Packing::Plain => Unpack::Plain(whole),
            Packing::Gzip => Unpack::Gzip(Box::new(MultiGzDecoder::new(whole))),
            Packing::Zstd => Unpack::Zstd(Box::new(zstd::Decoder::new(whole)?)),
        };
        Ok(Self { packing, inner })
    }

    /// How the input is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Unpack::Plain(inner) => inner.read(buf),
            Unpack::Gzip(inner) => inner.read(buf),
            Unpack::Zstd(inner) => inner.read(buf),
        }
    }
}

/// Writes a dump packed. [`Packed::finish`] must be called at the end, or the last of it is missing.
pub struct Packed<W: Write> {
    inner: Pack<W>,
}

enum Pack<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Packed<W> {
    /// Packs what is written, at the usual level of each way.
    pub fn new(output: W, packing: Packing) -> io::Result<Self> {
        let inner = match packing {
            Packing::Plain => Pack::Plain(output),
            Packing::Gzip => Pack::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Packing::Zstd => Pack::Zstd(zstd::Encoder::new(output, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        };
        Ok(Self { inner })
    }

    /// Writes what is still held back, and gives the output back.
    pub fn finish(self) -> io::Result<W> {
        let mut output = match self.inner {
            Pack::Plain(inner) => inner,
            Pack::Gzip(inner) => inner.finish()?,
            Pack::Zstd(inner) => inner.finish()?,
        };
        output.flush()?;
        Ok(output)
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.inner {
            Pack::Plain(inner) => inner.write(buf),
            Pack::Gzip(inner) => inner.write(buf),
            Pack::Zstd(inner) => inner.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // Flushing a packer in the midst of a stream would only make it larger; `finish` writes the rest.
        match &mut self.inner {
            Pack::Plain(inner) => inner.flush(),
            Pack::Gzip(_) | Pack::Zstd(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let text = "INSERT INTO t VALUES (1);\n".repeat(10_000);
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
            let mut packed = Packed::new(Vec::new(), packing).unwrap();
            packed.write_all(text.as_bytes()).unwrap();
            let bytes = packed.finish().unwrap();
            assert_eq!(packing == Packing::Plain, bytes.len() == text.len());
            let mut unpacked = Unpacked::new(&bytes[..]).unwrap();
            assert_eq!(unpacked.packing(), packing);
            let mut out = String::new();
            unpacked.read_to_string(&mut out).unwrap();
            assert!(out == text);
        }
    }

    #[test]
    fn short_and_cut_off_input_is_no_panic() {
        let mut out = Vec::new();
        assert_eq!(Unpacked::new(&b"ab"[..]).unwrap().read_to_end(&mut out).unwrap(), 2);
        assert_eq!(Unpacked::new(&b""[..]).unwrap().read_to_end(&mut out).unwrap(), 0);
        let mut packed = Packed::new(Vec::new(), Packing::Gzip).unwrap();
        packed.write_all(&vec![7; 100_000]).unwrap();
        let bytes = packed.finish().unwrap();
        assert!(Unpacked::new(&bytes[..bytes.len() / 2]).unwrap().read_to_end(&mut out).is_err());
    }
}
