//! Islands of Base64 in the midst of text: where one begins and ends, and how it is taken apart and put together again in the way
//! in which it was written.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::base64::{CHARACTERS, line_break_after, line_break_before, sextet};
use crate::letter::{How, after, before};
use crate::{json, php};

/// Base64 in both alphabets, each with padding and without.
static PADDED_FIRST: [GeneralPurpose; 4] = [
    engine(&alphabet::STANDARD, true),
    engine(&alphabet::STANDARD, false),
    engine(&alphabet::URL_SAFE, true),
    engine(&alphabet::URL_SAFE, false),
];

static UNPADDED_FIRST: [GeneralPurpose; 4] = [
    engine(&alphabet::URL_SAFE, false),
    engine(&alphabet::URL_SAFE, true),
    engine(&alphabet::STANDARD, false),
    engine(&alphabet::STANDARD, true),
];

const fn engine(alphabet: &alphabet::Alphabet, padded: bool) -> GeneralPurpose {
    let mode = if padded { DecodePaddingMode::RequireCanonical } else { DecodePaddingMode::RequireNone };
    let config = GeneralPurposeConfig::new().with_encode_padding(padded).with_decode_padding_mode(mode);
    GeneralPurpose::new(alphabet, config)
}

/// An island of Base64 that can be decoded and written back exactly.
#[derive(Debug)]
pub(crate) struct Island {
    pub span: Range<usize>,
    pub plain: Vec<u8>,
    engine: &'static GeneralPurpose,
    style: Style,
}

/// How an island is written beyond its characters.
#[derive(Debug, Clone, Default)]
struct Style {
    /// Characters in a line and what stands between lines, where it is broken.
    lines: Option<(usize, Vec<u8>)>,
    /// How `+`, `/` and `=` are escaped.
    escape: Escape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    /// `\/`, with this many backslashes.
    Slashed(usize),
    /// `%2F`, with this many `25`s, in capitals or not.
    Percent(usize, bool),
    /// `&#47;`
    Entity,
    /// `\u002F`, with this many backslashes, in capitals or not.
    Unicode(usize, bool),
}

impl Escape {
    fn write(self, character: u8, out: &mut Vec<u8>) {
        let slashes = |count| "\\".repeat(count);
        let code = u32::from(character);
        let text = match self {
            _ if character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_') => {
                return out.push(character);
            }
            Self::Slashed(count) if character == b'/' => slashes(count) + "/",
            Self::None | Self::Slashed(_) => return out.push(character),
            Self::Percent(depth, true) => format!("%{}{code:02X}", "25".repeat(depth)),
            Self::Percent(depth, false) => format!("%{}{code:02x}", "25".repeat(depth)),
            Self::Entity => format!("&#{code};"),
            Self::Unicode(count, true) => format!("{}u{code:04X}", slashes(count)),
            Self::Unicode(count, false) => format!("{}u{code:04x}", slashes(count)),
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn of(text: &[u8], letter: crate::letter::Letter) -> Self {
        let raw = &text[letter.start..letter.end];
        let upper = !raw.iter().rev().take(2).any(u8::is_ascii_lowercase);
        let slashes = raw.iter().take_while(|b| **b == b'\\').count();
        match letter.how {
            How::Raw => Self::None,
            How::Slashed(count) => Self::Slashed(count),
            How::Percent(depth) => Self::Percent(depth, upper),
            How::Entity => Self::Entity,
            How::Unicode => Self::Unicode(slashes, upper),
        }
    }
}

impl Island {
    /// The new Base64 for other bytes.
    pub fn write(&self, plain: &[u8]) -> Vec<u8> {
        let text = self.engine.encode(plain);
        let mut out = Vec::with_capacity(text.len() + text.len() / 32);
        let width = self.style.lines.as_ref().map_or(usize::MAX, |lines| lines.0);
        for (index, line) in text.as_bytes().chunks(width).enumerate() {
            if let Some((_, between)) = self.style.lines.as_ref().filter(|_| index > 0) {
                out.extend_from_slice(between);
            }
            for character in line {
                self.style.escape.write(*character, &mut out);
            }
        }
        out
    }
}

/// The run of Base64 around a place, whatever is in it, over line breaks and escapes.
#[derive(Debug)]
pub(crate) struct Run {
    pub span: Range<usize>,
    /// The characters, `=` included.
    characters: Vec<u8>,
    /// Characters and places from which on both go forward together.
    jumps: Vec<(usize, usize)>,
    /// How many of the first characters belong to an escape before the run: `2C` of `%2C`.
    lead: usize,
    /// The places in `characters` before which a line begins, and what stands between the lines.
    lines: Vec<usize>,
    between: Vec<u8>,
    even: bool,
    escape: Escape,
}

impl Run {
    /// Reads in both directions from a needle that was found.
    pub fn around(text: &[u8], hit: Range<usize>) -> Self {
        let start = run_start(text, hit.start);
        let mut run = Self {
            span: start..start,
            characters: Vec::new(),
            jumps: Vec::new(),
            lead: escape_lead(text, start),
            lines: Vec::new(),
            between: Vec::new(),
            even: true,
            escape: Escape::None,
        };
        let neighbour = before(text, start + run.lead).map(|letter| Escape::of(text, letter));
        run.read(text, start, hit.end);
        if run.escape == Escape::None
            && let Some(escape @ Escape::Percent(..)) = neighbour
        {
            run.escape = escape;
        }
        run
    }

    fn read(&mut self, text: &[u8], start: usize, sure: usize) {
        let mut at = start;
        while let Some(&byte) = text.get(at) {
            if sextet(byte) != 0xFF && self.characters.last() != Some(&b'=') {
                self.push(byte, at);
                at += 1;
            } else if let Some(end) = line_break_end(text, at) {
                let goes_on = end < sure || text.get(end).is_some_and(|next| sextet(*next) != 0xFF);
                if !goes_on || self.characters.last() == Some(&b'=') {
                    break;
                }
                self.even &= self.lines.is_empty() || self.between == text[at..end];
                self.between = text[at..end].to_vec();
                self.lines.push(self.characters.len());
                at = end;
            } else {
                let Some(letter) = after(text, at).filter(|letter| self.takes(letter.ch)) else { break };
                if letter.how != How::Raw {
                    self.escape = Escape::of(text, letter);
                }
                self.push(letter.ch as u8, at);
                at = letter.end;
            }
            self.span.end = at;
        }
    }

    fn push(&mut self, character: u8, at: usize) {
        if self.jumps.last().is_none_or(|(index, place)| place + (self.characters.len() - index) != at) {
            self.jumps.push((self.characters.len(), at));
        }
        self.characters.push(character);
    }

    /// Where a character starts.
    fn place(&self, index: usize) -> usize {
        let jump = self.jumps.partition_point(|jump| jump.0 <= index);
        let (from, place) = if jump == 0 { (0, self.span.start) } else { self.jumps[jump - 1] };
        place + (index - from)
    }

    /// The first character that starts at a place or behind it.
    fn index(&self, place: usize) -> usize {
        let jump = self.jumps.partition_point(|jump| jump.1 <= place);
        let limit = self.jumps.get(jump).map_or(self.characters.len(), |jump| jump.0);
        if jump == 0 {
            return 0;
        }
        let (from, start) = self.jumps[jump - 1];
        (from + (place - start)).min(limit)
    }

    /// Whether a character that is escaped, or is padding, goes on with the run.
    fn takes(&self, ch: char) -> bool {
        match ch {
            '=' => !self.characters.ends_with(b"==") && !self.characters.is_empty(),
            '+' | '/' => self.characters.last() != Some(&b'='),
            _ => false,
        }
    }

    /// The islands that the run may be, the likeliest first: all of it; one of its lines; a part between slashes, since a slash may
    /// be of a path as well.
    pub fn islands(&self, hit: Range<usize>, phase: usize) -> impl Iterator<Item = Island> + '_ {
        let (first, last) = (self.index(hit.start), self.index(hit.end));
        let whole = self.lead..self.characters.len();
        let line = {
            let index = self.lines.partition_point(|at| *at <= first);
            let from = if index == 0 { self.lead } else { self.lines[index - 1] };
            from..self.lines.get(index).copied().unwrap_or(whole.end)
        };
        let mut parts = vec![whole.clone(), 0..whole.end];
        // What follows whole groups is no padding.
        let padding = self.characters.iter().rev().take_while(|c| **c == b'=').count();
        if padding > 0 && (whole.len() - padding).is_multiple_of(4) {
            parts.insert(0, whole.start..whole.end - padding);
        }
        // The last lines may be words below.
        parts.extend(self.lines.iter().rev().take(2).map(|end| whole.start..*end));
        parts.push(line.clone());
        if self.characters.len() <= LONGEST_TRIED && line.end >= last && line.start <= first {
            let slashes = |range: Range<usize>| {
                let of = &self.characters[range.clone()];
                of.iter().enumerate().filter(|(_, c)| **c == b'/').map(move |(at, _)| range.start + at)
            };
            let ends: Vec<usize> = [line.end].into_iter().chain(slashes(last..line.end).take(4)).collect();
            let starts = [line.start].into_iter().chain(slashes(line.start..first).map(|at| at + 1).take(12));
            parts.extend(starts.flat_map(|start| ends.iter().map(move |end| start..*end)));
        }
        let fits = move |part: &Range<usize>| {
            part.end >= last && first >= part.start && (first - part.start) % 4 == phase
        };
        parts.into_iter().filter(fits).filter_map(|part| self.island(part))
    }

    fn island(&self, part: Range<usize>) -> Option<Island> {
        let characters = &self.characters[part.clone()];
        // Whole groups do not tell whether there would be padding: in paths and names of files there is none.
        let in_path = (part.start > self.lead && self.characters[part.start - 1] == b'/')
            || self.characters.get(part.end) == Some(&b'/');
        let named = in_path || characters.iter().any(|c| matches!(c, b'-' | b'_'));
        let engines = if named { &UNPADDED_FIRST } else { &PADDED_FIRST };
        let (engine, plain) = engines.iter().find_map(|engine| {
            let plain = engine.decode(characters).ok()?;
            (engine.encode(&plain).as_bytes() == characters).then_some((engine, plain))
        })?;
        if !is_meant(&plain) {
            return None;
        }
        let broken = self.lines.iter().any(|at| part.start < *at && *at < part.end);
        let lines = if broken { Some((self.width(&part)?, self.between.clone())) } else { None };
        // A part that ends with its line leaves the break behind it alone.
        let end =
            if part.end == self.characters.len() { self.span.end } else { self.place(part.end - 1) + 1 };
        let span = self.place(part.start)..end;
        Some(Island { span, plain, engine, style: Style { lines, escape: self.escape } })
    }

    /// The width of the lines of a part, if all but the last are of one that programs use.
    fn width(&self, part: &Range<usize>) -> Option<usize> {
        let breaks = self.lines.iter().copied().filter(|at| part.start < *at && *at < part.end);
        let mut line = part.start;
        let mut widths = breaks.chain([part.end]).map(|end| end - std::mem::replace(&mut line, end));
        let width = widths.next()?;
        let last = part.end - *self.lines.iter().rfind(|at| **at < part.end)?;
        let even = widths.all(|other| other == width || other == last) && last <= width;
        (self.even && even && width >= SHORTEST_LINE && width.is_multiple_of(4)).then_some(width)
    }

    /// What can be decoded of the run from a group of four on, for looking only.
    pub fn glance(&self, hit: Range<usize>, phase: usize) -> Option<Vec<u8>> {
        let first = self.index(hit.start);
        let from = first.checked_sub(phase)? % 4;
        let characters: Vec<u8> = self.characters[from..]
            .iter()
            .map(|c| if *c == b'=' { b'A' } else { CHARACTERS[usize::from(sextet(*c)) % 64] })
            .collect();
        let length = characters.len() - usize::from(characters.len() % 4 == 1);
        LOOSE.decode(&characters[..length]).ok()
    }
}

static LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In a run that is longer than this, slashes are taken as Base64 alone.
const LONGEST_TRIED: usize = 65536;

/// Lines of Base64 are at least this long; what is shorter is a word on a line of its own.
const SHORTEST_LINE: usize = 40;

/// The end of `\n` or `\r\n` at a place, escaped or not.
fn line_break_end(text: &[u8], at: usize) -> Option<usize> {
    let end = at + line_break_after(text, at)?;
    let return_first = text[end - 1] == b'\r' || text[end - 1] == b'r';
    if return_first { line_break_after(text, end).map(|length| end + length) } else { Some(end) }
}

/// How many characters at the start of a run belong to `%2C` or `\u002c` before it.
fn escape_lead(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let hex = |range: Range<usize>| rest.get(range).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
    match start.checked_sub(1).map(|at| text[at]) {
        Some(b'%') => {
            let depth = rest.chunks(2).take(4).take_while(|pair| *pair == b"25").count();
            if hex(depth * 2..depth * 2 + 2) { depth * 2 + 2 } else { 0 }
        }
        Some(b'\\') if rest.first() == Some(&b'u') && hex(1..5) => 5,
        _ => 0,
    }
}

fn run_start(text: &[u8], hit: usize) -> usize {
    let mut at = hit;
    while at > 0 {
        if let Some(length) = line_break_before(text, at) {
            // A line goes on upwards only where that one is as long as lines of Base64 are.
            let mut above = at - length;
            if let Some(length) = line_break_before(text, above).filter(|_| ends_with_return(text, above)) {
                above -= length;
            }
            let full = text[..above].iter().rev().take(SHORTEST_LINE).all(|b| sextet(*b) != 0xFF);
            if above < SHORTEST_LINE || !full {
                break;
            }
            at = above;
        } else if sextet(text[at - 1]) != 0xFF {
            at -= 1;
        } else {
            match escaped_before(text, at) {
                Some(start) => at = start,
                None => break,
            }
        }
    }
    at
}

/// Where an escaped `+` or `/` starts, the end of which may have been taken for Base64 already.
fn escaped_before(text: &[u8], at: usize) -> Option<usize> {
    let start = match text[at - 1] {
        b'%' => at - 1,
        b'\\' => at - text[..at].iter().rev().take_while(|b| **b == b'\\').count(),
        _ => before(text, at)?.start,
    };
    let letter = after(text, start)?;
    (matches!(letter.ch, '+' | '/') && letter.how != How::Raw && letter.end >= at).then_some(start)
}

fn ends_with_return(text: &[u8], at: usize) -> bool {
    at > 0 && matches!(text[at - 1], b'\r' | b'r')
}

/// Whether decoded bytes are what somebody encoded, and not what any letters would decode to.
fn is_meant(plain: &[u8]) -> bool {
    let control = |b: &u8| matches!(b, 0..=8 | 11 | 12 | 14..=31 | 127);
    let text = !plain.iter().any(control);
    (text && std::str::from_utf8(plain).is_ok()) || php::is_whole(plain) || (text && json::is_whole(plain))
}

/// Whether an island is a part of `header.payload.signature`.
pub(crate) fn is_signed(text: &[u8], span: &Range<usize>) -> bool {
    let dot = |at: Option<&u8>| at == Some(&b'.');
    let token = span.start
        - text[..span.start].iter().rev().take_while(|b| !b.is_ascii_whitespace()).take(4096).count();
    (dot(text.get(span.end)) || span.start > 0 && dot(text.get(span.start - 1)))
        && memchr::memmem::find(&text[token..span.end], b"eyJ").is_some()
}
