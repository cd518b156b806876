use std::path::{Path, PathBuf};

use super::Switches;
use crate::defaults::{Target, joined};
use crate::php::literal;
use crate::platforms::Site;

const TEMPLATE: &str = include_str!("plugin.php");
const NOTE: &str = "// clonedeck-switches ";

/// Where the plugin is: before every other must-use plugin in the order in which WordPress loads them.
pub(super) fn path(target: &Target<'_>) -> PathBuf {
    joined(target.root, &place(target.site))
}

/// The same, below the root of a copy.
pub(super) fn place(site: &Site) -> PathBuf {
    let usual = site.content.join("mu-plugins");
    let moved = site.folders.iter().map(|folder| &folder.path).find(|path| path.ends_with("mu-plugins"));
    moved.unwrap_or(&usual).join("00-clonedeck-neutral.php")
}

/// The plugin with its switches.
pub(super) fn text(switches: &Switches, caught: &Path) -> String {
    let allow: Vec<_> = switches.allow.iter().map(|host| literal(&host.to_ascii_lowercase())).collect();
    let array = format!(
        "array(\n\t\t'mail'     => {},\n\t\t'egress'   => {},\n\t\t'allow'    => array( {} ),\n\t\t'cron'     => {},\n\t\t\
         'crawlers' => {},\n\t\t'mark'     => {},\n\t\t'caught'   => {},\n\t)",
        switches.mail,
        switches.egress,
        allow.join(", "),
        switches.cron,
        switches.crawlers,
        switches.mark,
        literal(&caught.display().to_string()),
    );
    let state = Switches { caught: Some(caught.to_owned()), ..switches.clone() };
    // A line of a comment ends at `?>` as well.
    let note = serde_json::to_string(&state).unwrap_or_default().replace("?>", "?\\u003e");
    TEMPLATE.replacen("const SWITCHES = array();", &format!("const SWITCHES = {array};"), 1).replacen(
        &format!("{NOTE}{{}}"),
        &format!("{NOTE}{note}"),
        1,
    )
}

/// The switches of the plugin at `path`.
pub(super) fn read(path: &Path) -> Option<Switches> {
    let text = std::fs::read_to_string(path).ok()?;
    let note = text.lines().find_map(|line| line.strip_prefix(NOTE))?;
    serde_json::from_str(note).ok()
}
