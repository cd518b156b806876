use clonedeck_rewrite::{Options, Pair, Rewriter};
use clonedeck_site::databases::Rewriting;
use clonedeck_site::platforms::{self, Site};
use clonedeck_site::{Problem, Result};

use super::{CloneSpec, Planned};

/// The rewriter of a clone: the source's addresses and folders to the copy's. None where the source has no address.
pub fn rewriter(site: &Site, planned: &Planned) -> Result<Option<Rewriter>> {
    if site.home.is_none() {
        return Ok(None);
    }
    let pairs = platforms::pairs(site, &planned.url, &planned.target)?;
    // A copy may keep its address (another machine, another server name in between): then there is nothing to change.
    let pairs = pairs.into_iter().filter(|(old, new)| old != new).map(|(old, new)| Pair::parse(&old, &new));
    let pairs = pairs.collect::<std::result::Result<Vec<_>, _>>().map_err(refused)?;
    if pairs.is_empty() {
        return Ok(None);
    }
    Rewriter::new(pairs, Options::default()).map(Some).map_err(refused)
}

fn refused(why: clonedeck_rewrite::PairError) -> Problem {
    Problem::permanent("address.refused", format!("The addresses cannot be rewritten: {why}."))
        .help("Choose another address for the copy with --url.")
}

/// How the cells of the copy's database are rewritten.
pub fn rewriting(spec: &CloneSpec, site: &Site, rewriter: &Rewriter) -> Rewriting {
    let rewriting = Rewriting::new(rewriter.clone()).reading_back();
    match site.prefix() {
        Some(prefix) if spec.keep_guids => {
            let tables = std::iter::once(format!("{prefix}posts")).chain(
                site.network
                    .iter()
                    .flat_map(|network| &network.sites)
                    .map(|inner| format!("{prefix}{}_posts", inner.id)),
            );
            tables.fold(rewriting, |rewriting, table| rewriting.keeping(&table, "guid"))
        }
        _ => rewriting,
    }
}
