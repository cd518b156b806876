use std::fs;
use std::path::PathBuf;

use super::{Setting, Target, joined, write_inside};
use crate::Result;
use crate::platforms::{Address, Site};

/// Files of the web server and of PHP that name folders: the firewall of a plugin is one of them.
const FILES: [&str; 5] = [".htaccess", ".user.ini", "php.ini", "web.config", "wordfence-waf.php"];

/// Files of the content folder that other programs write with folders in them.
const DROP_INS: [&str; 3] = ["db.php", "advanced-cache.php", "object-cache.php"];

/// Where those files would be, below the root of a site.
pub(super) fn all(site: &Site) -> impl Iterator<Item = PathBuf> {
    let mut folders = vec![&site.web, &site.core];
    folders.dedup();
    let beside = folders.into_iter().flat_map(|folder| FILES.map(|name| folder.join(name)));
    beside.chain(DROP_INS.map(|name| site.content.join(name)))
}

/// Turns the folders of the source and the path of its address, in the files that the web server reads, into those of the copy.
pub(super) fn adapt(target: &Target<'_>) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    for path in all(target.site).map(|path| joined(target.root, &path)) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(target.root).unwrap_or(&path).display().to_string();
        let mut changed = folders_moved(target, &text);
        if changed != text {
            let (from, to) = (target.site.root.display(), target.root.display());
            settings.push(Setting::new(name.as_str(), from.to_string(), to.to_string()));
        }
        if path.ends_with(".htaccess")
            && let Some((from, to)) = bases(target)?
        {
            let moved = rewrite_base(&changed, &from, &to);
            if moved != changed {
                settings.push(Setting::new(format!("{name} RewriteBase"), from, to));
                changed = moved;
            }
        }
        if changed != text {
            write_inside(target.root, &path, changed.as_bytes())?;
        }
    }
    Ok(settings)
}

/// Every folder of the source in `text`, where its name ends there, as the copy's.
fn folders_moved(target: &Target<'_>, text: &str) -> String {
    let mut trees: Vec<_> = target.site.trees.iter().collect();
    trees.sort_by_key(|tree| std::cmp::Reverse(tree.from.as_os_str().len()));
    let moves: Vec<_> = trees
        .iter()
        .map(|tree| (tree.from.display().to_string(), joined(target.root, &tree.place).display().to_string()))
        .collect();
    let own = target.root.display().to_string();
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let begins = !(before.is_alphanumeric() || "-_./".contains(before));
        if next == '/' && begins {
            if let Some(tail) = rest.strip_prefix(&own).filter(|tail| ends(tail)) {
                out.push_str(&own);
                (rest, before) = (tail, ' ');
                continue;
            }
            if let Some((to, tail)) = moves.iter().find_map(|(from, to)| {
                rest.strip_prefix(from.as_str()).filter(|tail| ends(tail)).map(|tail| (to, tail))
            }) {
                out.push_str(to);
                (rest, before) = (tail, ' ');
                continue;
            }
        }
        out.push(next);
        before = next;
        rest = &rest[next.len_utf8()..];
    }
    out
}

/// The path of the source's address and that of the copy's, with slashes at both ends, where they differ.
fn bases(target: &Target<'_>) -> Result<Option<(String, String)>> {
    let home = target.site.home.as_deref().and_then(|home| Address::parse(home).ok());
    let new = Address::parse(target.url)?;
    let bases = home.map(|home| (format!("{}/", home.path), format!("{}/", new.path)));
    Ok(bases.filter(|(from, to)| from != to))
}

/// `RewriteBase` and the rule that leads to `index.php`, for a copy whose address has another path.
fn rewrite_base(text: &str, from: &str, to: &str) -> String {
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [directive, base] if directive.eq_ignore_ascii_case("RewriteBase") && base == from => {
                line.replacen(from, to, 1)
            }
            [directive, _, index, ..]
                if directive.eq_ignore_ascii_case("RewriteRule") && index == format!("{from}index.php") =>
            {
                line.replacen(index, &format!("{to}index.php"), 1)
            }
            _ => line.to_owned(),
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
