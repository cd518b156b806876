//! What is handed over from outside the window.
//!
//! A link can be written by anybody, so it can do one thing only: put the path of a folder before a person. `clonedeck://clone` with
//! exactly one `source`, and that a whole path of a folder that is here. Everything else is refused with a sentence.

use std::path::{Component, Path};

use url::Url;

use crate::problem;
use crate::typed::typed_folder;
use crate::wire::{Offer, Problem};

/// The scheme of links to this program.
const SCHEME: &str = "clonedeck";
/// Longest link that is looked at, bytes.
const LONGEST: usize = 8192;

impl Offer {
    /// The wish for a clone of a folder yet to be chosen.
    pub fn new_clone() -> Self {
        Self::default()
    }

    /// The wish to cancel a job.
    pub fn cancel(job: &str) -> Self {
        Self { cancel: Some(job.to_owned()), ..Self::default() }
    }

    /// What a word on the command line means, said by a program in the folder `here`: a link, or a folder.
    pub fn word(word: &str, here: &Path) -> Self {
        let scheme = word.get(..SCHEME.len() + 1).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("clonedeck:") {
            return match source_of(word) {
                Ok(source) => Self { source, by_link: true, ..Self::default() },
                Err(refused) => Self { by_link: true, refused: Some(refused), ..Self::default() },
            };
        }
        let path = here.join(word);
        // A file manager hands over `file:` addresses.
        let path = Url::parse(word)
            .ok()
            .filter(|url| url.scheme() == "file")
            .and_then(|url| url.to_file_path().ok())
            .unwrap_or(path);
        Self { source: path.display().to_string(), ..Self::default() }
    }
}

/// The folder that a link names.
fn source_of(link: &str) -> Result<String, Problem> {
    let refuse = |why: &str| {
        problem(
            "link.refused",
            format!("A link to Clonedeck was not followed: {why}."),
            "Links look like clonedeck://clone?source=/path/of/a/site.",
        )
    };
    if link.len() > LONGEST {
        return Err(refuse("it is too long"));
    }
    let url = Url::parse(link).map_err(|_| refuse("it cannot be read"))?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.fragment().is_none()
        && matches!(url.path(), "" | "/");
    if url.scheme() != SCHEME || url.host_str() != Some("clone") || !plain {
        return Err(refuse("it asks for something that links cannot do"));
    }
    let mut sources = Vec::new();
    for (name, value) in url.query_pairs() {
        if name != "source" {
            return Err(refuse("it asks for more than a source"));
        }
        sources.push(value.into_owned());
    }
    let [source] = sources.as_slice() else {
        return Err(refuse("it does not name one source"));
    };
    if source.chars().any(deceives) {
        return Err(refuse("its path holds characters that cannot be seen"));
    }
    if source.starts_with("//") || source.starts_with(r"\\") {
        return Err(refuse("it names a place on another machine"));
    }
    if source.starts_with('~') {
        return Err(refuse("it does not name a whole path"));
    }
    let folder = typed_folder(source).map_err(|_| refuse("it does not name a whole path"))?;
    if folder.components().any(|part| matches!(part, Component::ParentDir))
        || source.split(std::path::is_separator).any(|part| part == ".")
    {
        return Err(refuse("its path takes detours"));
    }
    if !folder.is_dir() {
        return Err(refuse(&format!("there is no folder {} here", folder.display())));
    }
    Ok(folder.display().to_string())
}

/// Characters that make a path look like another: those that are not seen, and those that turn the direction of text.
fn deceives(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn offer(word: &str) -> Offer {
        Offer::word(word, Path::new("/here"))
    }

    #[test]
    fn a_link_names_a_folder_and_a_person_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("my shop & söhne");
        std::fs::create_dir(&site).unwrap();
        let mut link = Url::parse("clonedeck://clone").unwrap();
        link.query_pairs_mut().append_pair("source", site.to_str().unwrap());
        let expected = Offer { source: site.display().to_string(), by_link: true, ..Offer::default() };
        assert_eq!(offer(link.as_str()), expected);
        assert_eq!(offer(&link.as_str().replacen("clonedeck://clone", "CloneDeck://clone/", 1)), expected);
    }

    #[test]
    fn hostile_links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        for link in [
            "clonedeck:".to_owned(),
            "clonedeck://".to_owned(),
            "clonedeck://clone".to_owned(),
            "clonedeck://clone?source=".to_owned(),
            "clonedeck://clone?source=shop".to_owned(),
            "clonedeck://clone?source=~/shop".to_owned(),
            "clonedeck://clone?source=/nowhere/at/all".to_owned(),
            "clonedeck://clone?source=/etc/passwd".to_owned(),
            "clonedeck://clone?source=//server/share".to_owned(),
            r"clonedeck://clone?source=\\server\share".to_owned(),
            "clonedeck://clone?source=file:///etc".to_owned(),
            "clonedeck://clone?source=--data-dir".to_owned(),
            format!("clonedeck://clone?source={here}/../../etc"),
            format!("clonedeck://clone?source={here}/./"),
            format!("clonedeck://clone?source={here}%00"),
            format!("clonedeck://clone?source={here}%0a"),
            format!("clonedeck://clone?source={here}%E2%80%AE"),
            format!("clonedeck://clone?source={here}&target=/etc"),
            format!("clonedeck://clone?source={here}&launch=1"),
            format!("clonedeck://clone?source={here}&source=/etc"),
            format!("clonedeck://clone?SOURCE={here}"),
            format!("clonedeck://clone?source={here}#launch"),
            format!("clonedeck://clone/launch?source={here}"),
            format!("clonedeck://delete?source={here}"),
            format!("clonedeck://me@clone?source={here}"),
            format!("clonedeck://clone:80?source={here}"),
            format!("clonedeck:clone?source={here}"),
            format!("clonedeck://clone?source=/{}", "x".repeat(9000)),
        ] {
            let offer = offer(&link);
            assert!(offer.by_link && offer.source.is_empty(), "{link}: {offer:?}");
            assert_eq!(offer.refused.expect("a refusal").code, "link.refused", "{link}");
        }
    }

    #[test]
    fn a_folder_is_meant_from_where_the_program_was_called() {
        assert_eq!(offer("shop").source, "/here/shop");
        assert_eq!(offer("/srv/shop").source, "/srv/shop");
        assert_eq!(offer("file:///srv/my%20shop").source, "/srv/my shop");
        assert!(!offer("shop").by_link);
    }
}
