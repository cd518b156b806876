//! How far a command is, read from what it writes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a line told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// The phase it is in.
    pub phase: Option<String>,
    /// How much is done.
    pub done: Option<u64>,
    /// Of how much.
    pub total: Option<u64>,
    /// Where it could go on.
    pub checkpoint: Option<Value>,
    /// Counts by name.
    pub stats: BTreeMap<String, u64>,
}

/// Patterns that are looked for in a command's lines.
#[derive(Debug)]
pub(super) struct Patterns(Vec<Regex>);

/// Progress bars that many programs share: Symfony's and Yii's `12/50 [===>---] 24%`, wp-cli's `45 % [====   ]`.
const BARS: [&str; 2] = [
    r"^\s*\[?(?<done>\d+)/(?<total>\d+)\]?\s+[\[▕|].*?(?:\d+)\s?%",
    r"(?:^|\s)(?<percent>\d{1,3})\s?%\s+\[[=>\-# .]*\]",
];

impl Patterns {
    /// Patterns with `{done}` and the like; what many programs share is looked for as well.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        static SHARED: LazyLock<[Regex; 2]> =
            LazyLock::new(|| BARS.map(|bar| Regex::new(bar).unwrap_or_else(|error| unreachable!("{error}"))));
        let own = patterns
            .iter()
            .map(|pattern| Regex::new(&expression(pattern)?).map_err(|error| error.to_string()));
        own.chain(SHARED.iter().cloned().map(Ok)).collect::<Result<_, _>>().map(Self)
    }

    /// What a line tells, if anything.
    pub fn read(&self, line: &str) -> Option<Told> {
        if let Some(told) = protocol(line) {
            return Some(told);
        }
        let plain = without_colours(line);
        let captures =
            self.0.iter().find_map(|pattern| pattern.captures(&plain).map(|found| (pattern, found)));
        let (pattern, found) = captures?;
        let mut told = Told::default();
        for name in pattern.capture_names().flatten() {
            let Some(text) = found.name(name).map(|text| text.as_str().trim()) else { continue };
            let number = || text.replace([',', '\'', ' '], "").parse::<u64>().ok();
            match name {
                "done" => told.done = number(),
                "total" => told.total = number(),
                "percent" => (told.done, told.total) = (number(), Some(100)),
                "phase" => told.phase = Some(text.to_owned()),
                "checkpoint" => told.checkpoint = Some(text.into()),
                stat => {
                    if let (Some(name), Some(number)) = (stat.strip_prefix("stat_"), number()) {
                        told.stats.insert(name.to_owned(), number);
                    }
                }
            }
        }
        Some(told)
    }
}

/// `{done}/{total}` as a regular expression.
fn expression(pattern: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&regex::escape(before));
        let (name, after) =
            after.split_once('}').ok_or_else(|| format!("{pattern:?} has a {{ without }}"))?;
        rest = after;
        text.push_str(&match name {
            "done" | "total" | "percent" => format!(r"(?<{name}>\d[\d,']*)"),
            "checkpoint" => r"(?<checkpoint>\S+)".to_owned(),
            "phase" => r"(?<phase>\S.*)".to_owned(),
            "any" => ".*?".to_owned(),
            stat => match stat.strip_prefix("stat.") {
                Some(stat)
                    if stat.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !stat.is_empty() =>
                {
                    format!(r"(?<stat_{stat}>\d[\d,']*)")
                }
                _ => return Err(format!("{pattern:?} asks for {{{name}}}, which is unknown")),
            },
        });
    }
    text.push_str(&regex::escape(rest));
    Ok(text)
}

#[derive(Deserialize)]
struct Message {
    clonedeck: Said,
}

/// What a script says in the protocol.
#[derive(Deserialize, Serialize)]
struct Said {
    phase: Option<String>,
    done: Option<u64>,
    total: Option<u64>,
    checkpoint: Option<Value>,
    #[serde(default)]
    stats: BTreeMap<String, u64>,
}

/// Whether a line may be one of the protocol. Cheap, for every line of a flood.
pub(super) fn may_be_protocol(line: &[u8]) -> bool {
    line.starts_with(br#"{"clonedeck""#)
}

/// A line of the protocol: `{"clonedeck":{"phase":…,"done":…,"total":…,"checkpoint":…,"stats":{…}}}`.
pub(super) fn protocol(line: &str) -> Option<Told> {
    if !may_be_protocol(line.as_bytes()) {
        return None;
    }
    let Message { clonedeck: Said { phase, done, total, checkpoint, stats } } =
        serde_json::from_str(line).ok()?;
    Some(Told { phase, done, total, checkpoint, stats })
}

/// A line as it reads without the colours that programs paint it with.
pub(crate) fn without_colours(line: &str) -> std::borrow::Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return line.into();
    }
    let mut pieces = line.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(patterns: &[&str], line: &str) -> Told {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Patterns::new(&patterns).expect("good patterns").read(line).unwrap_or_default()
    }

    #[test]
    fn declared_patterns_tell_phase_counts_and_statistics() {
        let told = read(&["Phase: {phase}"], "\u{1b}[32mPhase: Move files\u{1b}[0m");
        assert_eq!(told.phase.as_deref(), Some("Move files"));
        let told = read(&["{done} of {total} files"], "1,200 of 5,000 files");
        assert_eq!((told.done, told.total), (Some(1200), Some(5000)));
        let told = read(&["{stat.moved} moved, {stat.skipped} skipped"], "17 moved, 3 skipped");
        assert_eq!(told.stats, BTreeMap::from([("moved".into(), 17), ("skipped".into(), 3)]));
        assert_eq!(read(&["saved {checkpoint}"], "saved b-77").checkpoint, Some("b-77".into()));
    }

    #[test]
    fn the_bars_of_symfony_and_wp_cli_are_known() {
        let told = read(&[], " 12/50 [======>---------------------]  24%");
        assert_eq!((told.done, told.total), (Some(12), Some(50)));
        let told = read(&[], "Generating posts  45 % [=============>          ] 0:01 / 0:02");
        assert_eq!((told.done, told.total), (Some(45), Some(100)));
        assert_eq!(read(&[], "version 3/4 of something"), Told::default());
    }

    #[test]
    fn colours_are_no_part_of_what_a_step_says() {
        let painted = "\u{1b}[2m22:05\u{1b}[22m \u{1b}[34m└─\u{1b}[39m /index.html";
        assert_eq!(without_colours(painted), "22:05 └─ /index.html");
    }

    #[test]
    fn the_protocol_is_understood_and_what_only_looks_like_it_is_not() {
        let told = read(
            &[],
            r#"{"clonedeck":{"phase":"Index","done":3,"total":9,"checkpoint":{"id":4},"stats":{"moved":2}}}"#,
        );
        assert_eq!(told.checkpoint, Some(serde_json::json!({"id": 4})));
        assert_eq!((told.done, told.total, told.stats["moved"]), (Some(3), Some(9), 2));
        assert_eq!(protocol(r#"{"clonedeck":3}"#), None);
        assert_eq!(protocol(r#"{"other":{}}"#), None);
    }

    #[test]
    fn a_pattern_that_asks_for_something_unknown_is_refused() {
        assert!(Patterns::new(&["{speed} MB/s".into()]).is_err());
        assert!(Patterns::new(&["{done".into()]).is_err());
    }
}
