//! From a needle in a text to a whole address: what stands to its left and right, whether it is one of ours, and what it
//! becomes, written in the form in which it was found.

use std::ops::Range;

use crate::finder::Hit;
use crate::letter::{How, Letter, after, before, continues_a_name, ends_a_name, match_after, match_before};
use crate::plan::{FolderMove, Move, Plan};
use crate::report::Form;
use crate::spelling::Spelling;

/// An old address in a text, and what makes it the new one: its scheme, and what follows the slashes. What stands between them is no
/// part of a change, so that it keeps whatever form it has. Nothing changes where it already is what it should be.
#[derive(Debug)]
pub(crate) struct Occurrence {
    pub start: usize,
    pub end: usize,
    pub form: Form,
    pub changes: [Option<Change>; 2],
}

impl Occurrence {
    pub fn is_changed(&self) -> bool {
        self.changes.iter().any(Option::is_some)
    }
}

/// A piece of an address, and what it becomes.
#[derive(Debug)]
pub(crate) struct Change {
    pub span: Range<usize>,
    pub with: Vec<u8>,
}

/// What stands to the left of a host name.
struct Left {
    /// Where the whole address starts.
    start: usize,
    scheme: Option<Scheme>,
    /// The two slashes before the name.
    slashes: Option<(Letter, Letter)>,
    mail: bool,
}

/// A scheme before the slashes, by its name in small letters.
struct Scheme {
    span: Range<usize>,
    name: &'static str,
}

/// A host name that was found, if it is one of ours whose neighbours let it be.
pub(crate) fn host(
    plan: &Plan,
    text: &[u8],
    hit: Hit,
    index: usize,
    spelling: Spelling,
) -> Option<Occurrence> {
    let left = left_of(text, hit.start)?;
    if left.mail && !plan.options.mail {
        return None;
    }
    let mut best: Option<(&Move, usize, Right)> = None;
    for change in &plan.hosts[index] {
        let Some(right) = right_of(text, hit.end(), change, &left) else { continue };
        let exact =
            usize::from(left.scheme.as_ref().is_some_and(|found| change.old.scheme == Some(found.name)));
        if best.as_ref().is_none_or(|(_, rank, known)| (right.end, exact) > (known.end, *rank)) {
            best = Some((change, exact, right));
        }
    }
    let (change, _, right) = best?;
    if left.mail && right.end != hit.end() {
        return None;
    }
    Some(write_address(text, hit, spelling, change, &left, &right))
}

fn left_of(text: &[u8], at: usize) -> Option<Left> {
    let bare = Left { start: at, scheme: None, slashes: None, mail: false };
    let Some(first) = before(text, at) else { return Some(bare) };
    match first.ch {
        '/' => Some(slashes_before(text, at).unwrap_or(bare)),
        '@' => {
            let from = first.start.saturating_sub(LONGEST_USER);
            let of_user = |b: &u8| b.is_ascii_alphanumeric() || b"-._~!$&*+=:%".contains(b);
            let user = text[from..first.start]
                .iter()
                .rposition(|b| !of_user(b))
                .map_or(from, |place| from + place + 1);
            let slash = (user..=first.start)
                .rev()
                .find(|&place| before(text, place).is_some_and(|letter| letter.ch == '/'));
            match slash.and_then(|place| slashes_before(text, place)) {
                Some(left) => Some(left),
                None => Some(Left { mail: true, ..bare }),
            }
        }
        // An ellipsis may touch an address; one dot makes it another host.
        '.' => before(text, first.start).is_some_and(|letter| letter.ch == '.').then_some(bare),
        ch => (!continues_a_name(ch)).then_some(bare),
    }
}

/// The longest `user:password` that is looked through.
const LONGEST_USER: usize = 256;

/// `scheme://` or `//` that ends at `at`.
fn slashes_before(text: &[u8], at: usize) -> Option<Left> {
    let second = before(text, at).filter(|letter| letter.ch == '/')?;
    let first = before(text, second.start).filter(|letter| letter.ch == '/')?;
    let mut left = Left { start: first.start, scheme: None, slashes: Some((first, second)), mail: false };
    if let Some(colon) = before(text, first.start).filter(|letter| letter.ch == ':') {
        for name in ["https", "http", "wss", "ws"] {
            let Some(from) = word_before(text, colon.start, name) else { continue };
            let exact = name.starts_with('h')
                || before(text, from)
                    .is_none_or(|letter| letter.how != How::Raw || !letter.ch.is_ascii_alphanumeric());
            if exact {
                left.start = from;
                left.scheme = Some(Scheme { span: from..colon.start, name });
                break;
            }
        }
    }
    Some(left)
}

/// Where a word in any case starts that ends at `at`; its letters may be escaped.
fn word_before(text: &[u8], at: usize, word: &str) -> Option<usize> {
    let raw = at.checked_sub(word.len()).filter(|from| text[*from..at].eq_ignore_ascii_case(word.as_bytes()));
    raw.or_else(|| {
        word.chars().rev().try_fold(at, |place, wanted| {
            before(text, place)
                .filter(|letter| letter.ch.eq_ignore_ascii_case(&wanted) && letter.how != How::Slashed(1))
                .map(|letter| letter.start)
        })
    })
}

/// What stands to the right of a host name, as far as it belongs to the address.
struct Right {
    end: usize,
    colon: Option<Letter>,
    /// The first slash of the path, whether or not the path belongs to the old address.
    slash: Option<Letter>,
    /// Whether a port that goes without saying was written.
    said_port: bool,
}

fn right_of(text: &[u8], at: usize, change: &Move, left: &Left) -> Option<Right> {
    let mut right = Right { end: at, colon: None, slash: None, said_port: false };
    let port = port_after(text, at);
    match (change.old.port, port) {
        (Some(wanted), Some((colon, found, end))) if wanted == found => {
            right.end = end;
            right.colon = Some(colon);
        }
        (Some(_), _) => return None,
        (None, Some((colon, found, end))) => {
            let default = match left.scheme.as_ref().map(|scheme| scheme.name) {
                Some("http" | "ws") => 80,
                Some("https" | "wss") => 443,
                _ => return None,
            };
            if found != default {
                return None;
            }
            right.end = end;
            right.colon = Some(colon);
            right.said_port = true;
        }
        (None, None) => {
            if !ends_a_name(text, at) {
                return None;
            }
        }
    }
    if !change.old.host.is_telling() && left.slashes.is_none() && change.old.port.is_none() {
        return None;
    }
    right.slash = after(text, right.end).filter(|letter| letter.ch == '/');
    if !change.old.path.is_empty() {
        right.end =
            match_after(text, right.end, &change.old.path, false).filter(|end| ends_a_name(text, *end))?;
    }
    Some(right)
}

/// `:8080` in any form, and where it ends. A colon that is followed by a word is only a colon.
fn port_after(text: &[u8], at: usize) -> Option<(Letter, u16, usize)> {
    let colon = after(text, at).filter(|letter| letter.ch == ':')?;
    let (mut port, mut end) = (None, colon.end);
    while let Some((digit, next)) = after(text, end).and_then(|l| Some((l.ch.to_digit(10)?, l.end))) {
        port = Some(port.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
        end = next;
    }
    let port = u16::try_from(port?).ok()?;
    after(text, end).is_none_or(|letter| !continues_a_name(letter.ch)).then_some((colon, port, end))
}

fn write_address(
    text: &[u8],
    hit: Hit,
    spelling: Spelling,
    change: &Move,
    left: &Left,
    right: &Right,
) -> Occurrence {
    let found = &text[hit.start..hit.end()];
    let style = Style::of(text, left.slashes.map(|(_, second)| second).or(right.slash));
    let scheme = left.scheme.as_ref().and_then(|found| new_scheme(text, found, change.new.scheme?));
    let mut with = if spelling == Spelling::Letters {
        let letters = letters_of(found);
        let name: String = letters.iter().map(|letter| letter.ch).collect();
        spelled_like(found, &letters, &in_case_of(name.as_bytes(), &change.new.host.ascii))
    } else if spelling == Spelling::Unicode && is_upper(found) {
        change.new.host.unicode.to_uppercase().into_bytes()
    } else {
        in_case_of(found, &spelling.write(&change.new.host)).into_bytes()
    };
    // A host is written anew only where it is another one: its mix of capitals stays otherwise.
    if change.new.host == change.old.host {
        with = found.to_vec();
    }
    if !left.mail {
        if let Some(port) = change.new.port {
            match right.colon {
                Some(colon) => with.extend_from_slice(&text[colon.start..colon.end]),
                None => style.write(&mut with, ":"),
            }
            with.extend_from_slice(port.to_string().as_bytes());
        }
        // A name alone stays a name: a path goes only where an address is written or a path follows.
        if left.slashes.is_some() || right.slash.is_some() {
            style.write(&mut with, &change.new.path);
        }
    }
    let rest =
        (text[hit.start..right.end] != with[..]).then_some(Change { span: hit.start..right.end, with });
    let form = match (style.how, spelling) {
        _ if left.mail => Form::Mail,
        (
            _,
            Spelling::Unicode
            | Spelling::Escaped(_)
            | Spelling::Decimal
            | Spelling::Hex
            | Spelling::Percent
            | Spelling::Letters,
        ) => Form::Unicode,
        (Some(How::Slashed(1)), _) => Form::JsonSlash,
        (Some(How::Slashed(_)), _) => Form::DeepSlash,
        (Some(How::Percent(_)), _) => Form::Percent,
        (Some(How::Entity), _) => Form::Entity,
        (Some(How::Unicode), _) => Form::UnicodeSlash,
        _ if left.scheme.is_some() => Form::Plain,
        _ if left.slashes.is_some() => Form::SchemeRelative,
        _ => Form::Bare,
    };
    Occurrence { start: left.start, end: right.end, form, changes: [scheme, rest] }
}

/// The scheme in its new form, if it is another one. Web sockets go with the scheme of the pages.
fn new_scheme(text: &[u8], found: &Scheme, new: &str) -> Option<Change> {
    let new = match (found.name, new) {
        ("ws" | "wss", "http") => "ws",
        ("ws" | "wss", _) => "wss",
        (_, new) => new,
    };
    let upper = is_upper(&text[found.span.clone()]);
    let with = if upper { new.to_ascii_uppercase() } else { new.to_owned() };
    (found.name != new).then(|| Change { span: found.span.clone(), with: with.into_bytes() })
}

/// The letters of a name that may be escaped.
fn letters_of(found: &[u8]) -> Vec<Letter> {
    let mut at = 0;
    std::iter::from_fn(|| after(found, at).inspect(|letter| at = letter.end)).collect()
}

/// A name in escaped letters if all of the found one are, and in the same way; else in plain ones.
fn spelled_like(found: &[u8], letters: &[Letter], new: &str) -> Vec<u8> {
    let how = letters[0].how;
    if how == How::Raw || letters.iter().any(|letter| letter.how != how) {
        return new.as_bytes().to_vec();
    }
    let upper = found.iter().any(|b| matches!(b, b'A'..=b'F'));
    let slashes = found.iter().take_while(|b| **b == b'\\').count();
    let escape = |byte: u8| match how {
        How::Percent(depth) if upper => format!("%{}{byte:02X}", "25".repeat(depth)),
        How::Percent(depth) => format!("%{}{byte:02x}", "25".repeat(depth)),
        How::Entity if !found.starts_with(b"&#x") && !found.starts_with(b"&#X") => format!("&#{byte};"),
        How::Entity if upper => format!("&#x{byte:X};"),
        How::Entity => format!("&#x{byte:x};"),
        _ if upper => format!("{}u{byte:04X}", "\\".repeat(slashes)),
        _ => format!("{}u{byte:04x}", "\\".repeat(slashes)),
    };
    new.bytes().map(escape).collect::<String>().into_bytes()
}

/// A new name in capitals if the found one is.
fn in_case_of(found: &[u8], new: &str) -> String {
    if is_upper(found) { new.to_ascii_uppercase() } else { new.to_owned() }
}

fn is_upper(letters: &[u8]) -> bool {
    letters.iter().any(u8::is_ascii_uppercase) && !letters.iter().any(u8::is_ascii_lowercase)
}

/// A folder whose run was found, if the whole of it stands there.
pub(crate) fn folder(text: &[u8], hit: Hit, folder: &FolderMove) -> Option<Occurrence> {
    let either = folder.old.windows;
    let start = match_before(text, hit.start, &folder.head, either)?;
    let end = match_after(text, hit.end(), &folder.tail, either)?;
    if !ends_a_name(text, end) || !starts_a_folder(text, start) {
        return None;
    }
    let place = start + if either { 2 } else { 0 };
    let style = Style::of(text, after(text, place).filter(|letter| matches!(letter.ch, '/' | '\\')));
    let mut with = Vec::new();
    style.write(&mut with, &folder.new.path);
    let change = (text[start..end] != with[..]).then_some(Change { span: start..end, with });
    Some(Occurrence { start, end, form: Form::Folder, changes: [None, change] })
}

/// A folder starts where no longer path leads into it; `file://` before it is fine.
fn starts_a_folder(text: &[u8], at: usize) -> bool {
    let Some(letter) = before(text, at) else { return true };
    match letter.ch {
        '/' => before(text, letter.start)
            .filter(|second| second.ch == '/')
            .and_then(|second| before(text, second.start))
            .is_some_and(|third| third.ch == ':'),
        '.' | '~' | '\\' => false,
        ch => !continues_a_name(ch),
    }
}

/// How slashes and colons are written around a place.
struct Style<'a> {
    slash: &'a [u8],
    how: Option<How>,
    lower: bool,
}

impl<'a> Style<'a> {
    fn of(text: &'a [u8], slash: Option<Letter>) -> Self {
        let Some(letter) = slash else { return Self { slash: b"/", how: None, lower: false } };
        let slash = &text[letter.start..letter.end];
        let lower = slash.ends_with(b"f");
        Self { slash, how: Some(letter.how), lower }
    }

    fn write(&self, out: &mut Vec<u8>, text: &str) {
        let Some(How::Percent(depth)) = self.how else {
            let windows = text.as_bytes().get(1) == Some(&b':');
            for byte in text.bytes() {
                match byte {
                    // A backslash belongs to folders of Windows; a Unix folder has none to copy.
                    b'/' if self.slash.ends_with(b"\\") && !windows => out.push(b'/'),
                    b'/' => out.extend_from_slice(self.slash),
                    _ => out.push(byte),
                }
            }
            return;
        };
        for byte in text.bytes() {
            if byte == b'/' {
                out.extend_from_slice(self.slash);
                continue;
            }
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                out.push(byte);
                continue;
            }
            out.push(b'%');
            out.extend(std::iter::repeat_n(*b"25", depth).flatten());
            let hex = if self.lower { format!("{byte:02x}") } else { format!("{byte:02X}") };
            out.extend_from_slice(hex.as_bytes());
        }
    }
}
