//! From pairs to needles: everything that is worked out once, before the first byte is read.

use crate::address::{Address, Host};
use crate::base64::sure_texts;
use crate::finder::{Finder, Needle};
use crate::folder::Folder;
use crate::pair::{Change, Pair, PairError};
use crate::rewriter::Options;
use crate::spelling::Spelling;

/// An address that is to change, and what into.
#[derive(Debug)]
pub(crate) struct Move {
    pub old: Address,
    pub new: Address,
}

/// A folder that is to change. Its needle is one run of plain characters; the rest is compared around it.
#[derive(Debug)]
pub(crate) struct FolderMove {
    pub old: Folder,
    pub new: Folder,
    pub head: String,
    pub run: String,
    pub tail: String,
}

/// What a needle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A host of [`Plan::hosts`] in one spelling.
    Host { host: usize, spelling: Spelling },
    /// The run of a folder of [`Plan::folders`].
    Folder(usize),
    /// A host or folder inside Base64, whose sure characters begin at this place in a group of four.
    Base64 { phase: usize },
    /// A host inside one of PHP's `S:` strings, where its letters are escaped.
    PhpHex,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub options: Options,
    pub finder: Finder,
    /// For each needle of the finder.
    pub meanings: Vec<Vec<Meaning>>,
    /// Moves by their old host.
    pub hosts: Vec<Vec<Move>>,
    pub folders: Vec<FolderMove>,
    /// Where old addresses stand inside new ones.
    pub shadows: Vec<Shadow>,
}

/// A new address that holds an old one: what is left and right of the old one's start.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub of: Meaning,
    pub head: String,
    pub tail: String,
}

impl Plan {
    pub fn new(pairs: &[Pair], options: Options) -> Result<Self, PairError> {
        if pairs.is_empty() {
            return Err(PairError::None);
        }
        let mut hosts: Vec<(Host, Vec<Move>)> = Vec::new();
        let mut folders: Vec<FolderMove> = Vec::new();
        for pair in pairs {
            match &pair.change {
                Change::Address { old, new } => {
                    add_move(&mut hosts, old, new)?;
                }
                Change::Folder { old, new } => match folders.iter().find(|known| known.old == *old) {
                    Some(known) if known.new == *new => {}
                    Some(_) => return Err(PairError::Conflict(old.to_string())),
                    None => folders.push(FolderMove::new(old, new)),
                },
            }
        }
        if options.www {
            for pair in pairs {
                if let Change::Address { old, new } = &pair.change {
                    // A twin that was given as a pair of its own keeps its own new address.
                    let _ = add_move(&mut hosts, &www_twin(old), new);
                }
            }
        }
        let shadows = shadows(&hosts, &folders);
        let mut plan = Needles::default();
        for (index, (host, _)) in hosts.iter().enumerate() {
            for (spelling, name) in Spelling::of(host) {
                plan.add(Needle::AnyCase(name.into_bytes()), Meaning::Host { host: index, spelling });
            }
            let spelled = Meaning::Host { host: index, spelling: Spelling::Letters };
            plan.add(Needle::Spelled(host.ascii.clone()), spelled);
            plan.add(Needle::PhpHex(host.ascii.clone()), Meaning::PhpHex);
            plan.add_base64(host.ascii.as_bytes(), true);
            if host.unicode != host.ascii {
                plan.add(Needle::Spelled(host.unicode.clone()), spelled);
                plan.add_base64(host.unicode.as_bytes(), true);
                plan.add_base64(host.unicode.to_uppercase().as_bytes(), true);
            }
        }
        for (index, folder) in folders.iter().enumerate() {
            plan.add(Needle::Exact(folder.run.clone().into_bytes()), Meaning::Folder(index));
            plan.add_base64(folder.old.path.as_bytes(), false);
            if folder.old.windows {
                plan.add_base64(folder.old.to_string().as_bytes(), false);
            }
        }
        Ok(Self {
            options,
            finder: Finder::new(plan.needles),
            meanings: plan.meanings,
            hosts: hosts.into_iter().map(|(_, moves)| moves).collect(),
            folders,
            shadows,
        })
    }
}

fn shadows(hosts: &[(Host, Vec<Move>)], folders: &[FolderMove]) -> Vec<Shadow> {
    let mut shadows = Vec::new();
    let mut cast = |new: &str, old: &str, of: Meaning| {
        for (at, _) in new.match_indices(old) {
            shadows.push(Shadow { of, head: new[..at].to_owned(), tail: new[at..].to_owned() });
        }
    };
    let moves = || hosts.iter().flat_map(|(_, moves)| moves);
    for (host, _) in hosts.iter().enumerate() {
        for (spelling, name) in Spelling::of(&hosts[host].0) {
            for change in moves() {
                let plain = |address: &Address| Address { scheme: None, ..address.clone() }.to_string();
                // Where only the scheme changes, the old address is no part of the new one.
                if plain(&change.new) != plain(&change.old) {
                    cast(&plain(&change.new), &name, Meaning::Host { host, spelling });
                }
            }
            for folder in folders {
                cast(&folder.new.path, &name, Meaning::Host { host, spelling });
            }
        }
    }
    for (index, folder) in folders.iter().enumerate() {
        for other in folders {
            // A folder's needle is its run, so that is where the old one is looked for.
            for (at, _) in other.new.path.match_indices(&folder.old.path) {
                let run = at + folder.head.len();
                shadows.push(Shadow {
                    of: Meaning::Folder(index),
                    head: other.new.path[..run].to_owned(),
                    tail: other.new.path[run..].to_owned(),
                });
            }
        }
    }
    shadows
}

fn add_move(hosts: &mut Vec<(Host, Vec<Move>)>, old: &Address, new: &Address) -> Result<(), PairError> {
    let at = if let Some(at) = hosts.iter().position(|(host, _)| *host == old.host) {
        at
    } else {
        hosts.push((old.host.clone(), Vec::new()));
        hosts.len() - 1
    };
    let moves = &mut hosts[at].1;
    match moves.iter().find(|known| known.old == *old) {
        Some(known) if known.new == *new => {}
        Some(_) => return Err(PairError::Conflict(old.to_string())),
        None => moves.push(Move { old: old.clone(), new: new.clone() }),
    }
    Ok(())
}

/// The same address with `www.`, or without it where it has it.
fn www_twin(address: &Address) -> Address {
    let swap = |name: &str| name.strip_prefix("www.").map_or_else(|| format!("www.{name}"), str::to_owned);
    let host = Host { ascii: swap(&address.host.ascii), unicode: swap(&address.host.unicode) };
    Address { host, ..address.clone() }
}

impl FolderMove {
    fn new(old: &Folder, new: &Folder) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let path = &old.path;
        let mut best = 0..0;
        let mut start = 0;
        for (at, ch) in path.char_indices().chain([(path.len(), '/')]) {
            if !plain(ch) {
                if at - start >= best.len() {
                    best = start..at;
                }
                start = at + ch.len_utf8();
            }
        }
        if best.is_empty() {
            best = path.len() - path.chars().next_back().map_or(0, char::len_utf8)..path.len();
        }
        Self {
            old: old.clone(),
            new: new.clone(),
            head: path[..best.start].to_owned(),
            run: path[best.clone()].to_owned(),
            tail: path[best.end..].to_owned(),
        }
    }
}

#[derive(Default)]
struct Needles {
    needles: Vec<Needle>,
    meanings: Vec<Vec<Meaning>>,
}

impl Needles {
    fn add(&mut self, needle: Needle, meaning: Meaning) {
        if let Some(known) = self.needles.iter().position(|known| *known == needle) {
            if !self.meanings[known].contains(&meaning) {
                self.meanings[known].push(meaning);
            }
        } else {
            self.needles.push(needle);
            self.meanings.push(vec![meaning]);
        }
    }

    /// Base64 of the bytes, and Base64 of that, in which nobody writes capitals.
    fn add_base64(&mut self, bytes: &[u8], any_case: bool) {
        for (text, free, phase) in sure_texts(bytes, any_case) {
            for (text, free, phase) in sure_texts(&text, false) {
                self.add(Needle::Base64 { text, free }, Meaning::Base64 { phase });
            }
            self.add(Needle::Base64 { text, free }, Meaning::Base64 { phase });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_in_base64_wherever_it_stands_in_any_case_and_twice_encoded() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD_NO_PAD;
        let pair = Pair::parse("http://old.example.com", "http://new.example.com").unwrap();
        let plan = Plan::new(&[pair], Options::default()).unwrap();
        for lead in 0..7 {
            for name in ["old.example.com", "OLD.EXAMPLE.COM", "Old.Example.com"] {
                let text = STANDARD_NO_PAD.encode(format!("{}{name}/x", "-".repeat(lead)));
                assert_eq!(plan.finder.hits(text.as_bytes()).len(), 1, "{name} at {lead}");
            }
            let once = STANDARD_NO_PAD.encode(format!("{}old.example.com/x", "-".repeat(lead)));
            for more in 0..4 {
                let twice = STANDARD_NO_PAD.encode(format!("{}{once}", " ".repeat(more)));
                assert_eq!(plan.finder.hits(twice.as_bytes()).len(), 1, "{lead}, {more}");
            }
        }
    }

    #[test]
    fn the_longest_plain_run_of_a_folder_is_its_needle() {
        let folder = |path| Folder::parse(path).unwrap();
        let found = FolderMove::new(&folder("/var/www/my site.example/x"), &folder("/srv/new"));
        assert_eq!(
            (found.head.as_str(), found.run.as_str(), found.tail.as_str()),
            ("/var/www/my ", "site.example", "/x")
        );
    }

    #[test]
    fn the_same_old_address_cannot_go_to_two_places() {
        let pairs =
            [Pair::parse("a.example", "b.example").unwrap(), Pair::parse("a.example", "c.example").unwrap()];
        assert!(matches!(Plan::new(&pairs, Options::default()), Err(PairError::Conflict(_))));
        assert!(matches!(Plan::new(&[], Options::default()), Err(PairError::None)));
    }
}
