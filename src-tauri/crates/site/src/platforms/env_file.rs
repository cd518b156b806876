use std::path::Path;

use crate::php::Environment;
use crate::{Problem, Result};

/// An `.env` file, kept line by line so that an edit leaves the rest as it was.
#[derive(Clone)]
pub struct EnvFile {
    lines: Vec<String>,
}

impl EnvFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::needs_person("config.unreadable", format!("{} cannot be read: {error}.", path.display()))
                .help("Give yourself the right to read it, or run as the user that owns the site.")
                .with("path", path.display())
        })?;
        Ok(Self::parse(&text))
    }

    /// The files of a project in Bedrock's layout: `.env`, and `.env.local` where the project asks for it, which comes after it.
    pub fn places(project: &Path) -> Vec<&'static str> {
        let local = ".env.local";
        let application = std::fs::read_to_string(project.join("config/application.php")).unwrap_or_default();
        let asked = application.contains(local) && project.join(local).is_file();
        std::iter::once(".env").chain(asked.then_some(local)).collect()
    }

    /// All files of a project in Bedrock's layout as one.
    pub fn of_bedrock(project: &Path) -> Result<Self> {
        let mut lines = Vec::new();
        for place in Self::places(project) {
            lines.extend(Self::read(&project.join(place))?.lines);
        }
        Ok(Self { lines })
    }

    /// Whether a line sets `name`.
    pub fn sets(&self, name: &str) -> bool {
        self.lines.iter().any(|line| value_of(line, name).is_some())
    }

    /// Parses the text of such a file.
    pub fn parse(text: &str) -> Self {
        Self { lines: text.split('\n').map(str::to_owned).collect() }
    }

    /// The value of `name`; the last line that sets it counts.
    pub fn get(&self, name: &str) -> Option<String> {
        let raw = self.lines.iter().rev().find_map(|line| value_of(line, name))?;
        Some(self.expand(unquote(raw)))
    }

    /// Sets `name`, on the line that sets it now or on a new one.
    pub fn set(&mut self, name: &str, value: &str) {
        let line = format!("{name}={}", quote(value));
        let mut found = false;
        for existing in &mut self.lines {
            if value_of(existing, name).is_some() {
                existing.clone_from(&line);
                found = true;
            }
        }
        if !found {
            if self.lines.last().is_some_and(String::is_empty) {
                let end = self.lines.len() - 1;
                self.lines.insert(end, line);
            } else {
                self.lines.push(line);
            }
        }
    }

    /// Every name with its value, as an environment in which nothing else is set.
    pub fn environment(&self) -> Environment {
        let mut environment = Environment { complete: true, ..Environment::default() };
        for line in &self.lines {
            if let Some((name, _)) = split(line)
                && let Some(value) = self.get(name)
            {
                environment.values.insert(name.to_owned(), value);
            }
        }
        environment
    }

    /// The file's text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    fn expand(&self, (text, expands): (String, bool)) -> String {
        if !expands || !text.contains("${") {
            return text;
        }
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            // A value that refers to itself would never end.
            let own = self.lines.iter().rev().find_map(|line| value_of(line, name)).map(unquote);
            out.push_str(&own.map(|(value, _)| value).unwrap_or_default());
            rest = tail;
        }
        out + rest
    }
}

fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value))
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    split(line).filter(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The value as written, and whether `${NAME}` in it stands for another value.
fn unquote(raw: &str) -> (String, bool) {
    let raw = raw.trim();
    if let Some(inner) = raw.strip_prefix('\'') {
        return (inner.split('\'').next().unwrap_or_default().to_owned(), false);
    }
    if let Some(inner) = raw.strip_prefix('"') {
        let mut out = String::new();
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => match characters.next() {
                    Some('n') => out.push('\n'),
                    Some(other @ ('"' | '\\' | '$')) => out.push(other),
                    Some(other) => out.extend(['\\', other]),
                    None => {}
                },
                other => out.push(other),
            }
        }
        return (out, true);
    }
    (raw.split(" #").next().unwrap_or_default().trim_end().to_owned(), true)
}

fn quote(value: &str) -> String {
    if !value.contains('\'') && !value.contains('\n') {
        return format!("'{value}'");
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_every_way_of_writing_them() {
        let file = EnvFile::parse(
            "# comment\nDB_NAME='shop'\nDB_USER=bob # the owner\nexport DB_PASSWORD=\"a\\\"b#c\"\nWP_HOME=http://a.test\nWP_SITEURL=${WP_HOME}/wp\n",
        );
        assert_eq!(file.get("DB_NAME").as_deref(), Some("shop"));
        assert_eq!(file.get("DB_USER").as_deref(), Some("bob"));
        assert_eq!(file.get("DB_PASSWORD").as_deref(), Some("a\"b#c"));
        assert_eq!(file.get("WP_SITEURL").as_deref(), Some("http://a.test/wp"));
        assert_eq!(file.get("NOTHING"), None);
    }

    #[test]
    fn an_edit_touches_its_line_only_and_reads_back() {
        let mut file = EnvFile::parse("# keep\nA=1\nB=2\n");
        for value in ["plain", "it's", "a\"b\\c$d", "two\nlines"] {
            file.set("B", value);
            assert_eq!(file.get("B").as_deref(), Some(value));
        }
        file.set("B", "3");
        file.set("C", "new");
        assert_eq!(file.text(), "# keep\nA=1\nB='3'\nC='new'\n");
    }
}
