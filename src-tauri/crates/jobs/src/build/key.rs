use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

/// Grows when the meaning of keys changes, so that older entries are never found.
const MEANING: &str = "clonedeck-build-2";

/// The name of an outcome: a hash over everything that it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// A key of named inputs, in any order.
    pub fn of(inputs: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut hash = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            // With its length, so that no two lists of inputs read the same.
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(MEANING.as_bytes());
        for (name, value) in inputs {
            part(name.as_bytes());
            part(value);
        }
        Self(hash.finalize().to_hex().to_string())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..16])
    }
}

/// The hash of every file that is a source: all but what is installed, `made` or belongs to a version control system.
pub(super) fn sources(folder: &Path, made: &[&str]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(at) = folders.pop() {
        let place = folder.join(&at);
        let entries = std::fs::read_dir(&place).map_err(|error| unreadable(&place, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&place, &error))?;
            let name = entry.file_name();
            let is_made = matches!(
                name.to_str(),
                Some("node_modules" | ".git" | ".hg" | ".svn" | ".cache" | ".vite" | ".turbo")
            );
            // Left by a move out of the cache that was cut off.
            let is_ours = name.to_str().is_some_and(|name| name.starts_with(".clonedeck-"));
            let path = at.join(&name);
            if is_made || is_ours || made.iter().any(|made| path == Path::new(made)) {
                continue;
            }
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            let text = path.to_string_lossy().into_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let to = std::fs::read_link(entry.path()).map_err(|error| unreadable(&path, &error))?;
                all.insert(format!("link {text}"), to.as_os_str().as_encoded_bytes().to_vec());
            } else if kind.is_file() {
                let mut hash = blake3::Hasher::new();
                let file = std::fs::File::open(entry.path()).map_err(|error| unreadable(&path, &error))?;
                hash.update_reader(file).map_err(|error| unreadable(&path, &error))?;
                all.insert(format!("file {text}"), hash.finalize().as_bytes().to_vec());
            }
        }
    }
    Ok(all)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::permanent("project.read", format!("{} cannot be read: {error}.", path.display()))
        .with("path", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pairs: &[(&str, &str)]) -> Key {
        Key::of(&pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_key_changes_with_every_input_and_not_with_their_order() {
        assert_eq!(key(&[("a", "1"), ("b", "2")]), key(&[("b", "2"), ("a", "1")]));
        let different = [
            key(&[("a", "12")]),
            key(&[("a1", "2")]),
            key(&[("a", "1"), ("2", "")]),
            key(&[]),
            key(&[("a", "")]),
        ];
        for (index, one) in different.iter().enumerate() {
            assert!(different[index + 1..].iter().all(|other| one != other));
        }
    }

    #[test]
    fn sources_are_what_people_wrote() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["src/a.ts", "node_modules/x/y.js", "dist/a.js", "src/dist/b.ts", ".git/HEAD"] {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "x").unwrap();
        }
        let all = sources(folder.path(), &["dist"]).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["file src/a.ts", "file src/dist/b.ts"]);
    }
}
