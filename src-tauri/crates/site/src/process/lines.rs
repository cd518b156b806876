//! Lines out of bytes.

use memchr::memchr;

/// A line longer than this comes in pieces.
pub(super) const LONGEST: usize = 16 << 10;

/// Puts one stream's bytes together to lines. What a carriage return overwrites is folded: the last state is the line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// The state before the last carriage return.
    overwritten: Vec<u8>,
}

impl Lines {
    /// Takes in bytes and hands on every line that is whole.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        while let Some(end) = memchr(b'\n', bytes) {
            let piece = &bytes[..end];
            bytes = &bytes[end + 1..];
            let is_plain = self.begun.is_empty() && self.overwritten.is_empty() && piece.len() <= LONGEST;
            if is_plain && memchr(b'\r', piece).is_none() {
                line(piece);
            } else {
                self.extend(piece, &mut line);
                self.end(&mut line);
            }
        }
        self.extend(bytes, &mut line);
    }

    /// Hands on what is left when the stream has ended.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if self.showing().is_some() {
            self.end(&mut line);
        }
    }

    /// What the unfinished line shows at the moment: a progress bar, a prompt.
    pub fn showing(&self) -> Option<&[u8]> {
        [&self.begun, &self.overwritten].into_iter().find(|text| !text.is_empty()).map(Vec::as_slice)
    }

    fn extend(&mut self, piece: &[u8], line: &mut impl FnMut(&[u8])) {
        let mut fresh = piece;
        while let Some(end) = memchr(b'\r', fresh) {
            let state = &fresh[..end];
            fresh = &fresh[end + 1..];
            let room = LONGEST - self.begun.len();
            self.begun.extend_from_slice(&state[..state.len().min(room)]);
            if !self.begun.is_empty() {
                std::mem::swap(&mut self.overwritten, &mut self.begun);
                self.begun.clear();
            }
        }
        while self.begun.len() + fresh.len() > LONGEST {
            let (now, later) = fresh.split_at(border(&self.begun, fresh));
            self.begun.extend_from_slice(now);
            line(&self.begun);
            self.begun.clear();
            self.overwritten.clear();
            fresh = later;
        }
        self.begun.extend_from_slice(fresh);
    }

    fn end(&mut self, line: &mut impl FnMut(&[u8])) {
        line(self.showing().unwrap_or_default());
        self.begun.clear();
        self.overwritten.clear();
    }
}

/// Where to cut `fresh` so that the piece is full and no character is cut in two.
fn border(begun: &[u8], fresh: &[u8]) -> usize {
    let full = LONGEST - begun.len();
    let is_inside = |at: usize| fresh.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (full.saturating_sub(3)..=full).rev().find(|at| !is_inside(*at)).unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.finish(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
        seen
    }

    #[test]
    fn lines_are_put_together_over_chunks() {
        assert_eq!(lines(&[b"a", b"b\nc\n\nd"]), ["ab", "c", "", "d"]);
        assert_eq!(lines(&[b"a\r", b"\nb\r\n"]), ["a", "b"]);
    }

    #[test]
    fn of_a_progress_line_the_last_state_is_kept() {
        assert_eq!(lines(&[b" 10%\r 20%\r", b" 99", b"9%\r", b"100%\r\nend\n"]), ["100%", "end"]);
        assert_eq!(lines(&[b"1/3\r2/3\r3/3\r"]), ["3/3"]);
        assert_eq!(lines(&[b"1/", b"3\r", b"\r\n"]), ["1/3"]);
    }

    #[test]
    fn an_unfinished_line_can_be_seen() {
        let mut all = Lines::default();
        all.push(b"10%\r20%\r", |_| ());
        assert_eq!(all.showing(), Some(&b"20%"[..]));
        all.push(b"30%", |_| ());
        assert_eq!(all.showing(), Some(&b"30%"[..]));
    }

    #[test]
    fn a_line_without_end_comes_in_whole_characters() {
        let text = "ä".repeat(LONGEST);
        let pieces = lines(&[&text.as_bytes()[..5001], &text.as_bytes()[5001..]]);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST && !piece.contains('\u{fffd}')));
        assert_eq!(pieces.concat(), text);
    }

    proptest::proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_arrive(bytes in proptest::collection::vec(proptest::sample::select(b"ab\r\n".to_vec()), 0..60), size in 1usize..9) {
            let whole = lines(&[&bytes]);
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            proptest::prop_assert_eq!(whole, lines(&chunks));
        }
    }
}
