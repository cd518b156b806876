//! How long about a clone will take, told before it is launched.

use std::collections::BTreeMap;

use clonedeck_jobs::clone::{
    AttachPlatform, CheckTheCopy, CopyCore, CopyDatabase, CopyMedia, CopyModules, CopyThemes, Plan, Planned,
    PrepareTarget, Ready, RewriteAddresses, UpdateSiteDefaults,
};
use clonedeck_queue::{Pace, Step};
use clonedeck_site::Part;

use crate::wire::Eta;

/// How far a few earlier clones may be off, either way.
const DOUBT: f64 = 0.25;
/// Fewer samples than this are doubted.
const FEW: usize = 5;
/// What machines do where nothing was ever cloned: a slow one, a fast one.
const BYTES_A_SECOND: [f64; 2] = [60e6, 500e6];
const FILES_A_SECOND: [f64; 2] = [2_500.0, 25_000.0];
const ROWS_A_SECOND: [f64; 2] = [12_000.0, 120_000.0];
/// What everything else takes there, in seconds.
const REST: [f64; 2] = [12.0, 3.0];

/// Steps that take about as long whatever there is to copy.
const LIGHT: [&str; 6] = [
    AttachPlatform::NAME,
    Plan::NAME,
    PrepareTarget::NAME,
    UpdateSiteDefaults::NAME,
    CheckTheCopy::NAME,
    Ready::NAME,
];

/// What a step has to do.
#[derive(Clone, Copy, Default)]
struct Work {
    files: f64,
    bytes: f64,
    rows: f64,
}

/// As long as earlier clones on this machine took for as much; where there were none, as long as machines do.
pub fn of(paces: &BTreeMap<String, Vec<Pace>>, planned: &Planned) -> Eta {
    let part = |part| {
        let (files, bytes) = planned.parts.get(&part).copied().unwrap_or_default();
        Work { files: files as f64, bytes: bytes as f64, rows: 0.0 }
    };
    let rows = if planned.database.is_some() { planned.rows as f64 } else { 0.0 };
    let data =
        Work { bytes: if rows > 0.0 { planned.database_bytes as f64 } else { 0.0 }, rows, ..Work::default() };
    let heavy = [
        (CopyCore::NAME, part(Part::Core)),
        (CopyModules::NAME, part(Part::Modules)),
        (CopyThemes::NAME, part(Part::Themes)),
        (CopyMedia::NAME, part(Part::Media)),
        (CopyDatabase::NAME, data),
        (RewriteAddresses::NAME, data),
    ];
    let mut sum = Eta { low: 0.0, high: 0.0 };
    for (step, work) in heavy {
        if work.bytes + work.files + work.rows <= 0.0 {
            continue;
        }
        let eta = by_history(paces.get(step), Some(work)).unwrap_or_else(|| by_machines(work));
        sum.low += eta.low;
        sum.high += eta.high;
    }
    let mut rest = Some(Eta { low: 0.0, high: 0.0 });
    for step in LIGHT {
        rest = rest.zip(by_history(paces.get(step), None)).map(|(sum, eta)| add(sum, eta));
    }
    add(sum, rest.unwrap_or(Eta { low: REST[1], high: REST[0] }))
}

fn add(one: Eta, other: Eta) -> Eta {
    Eta { low: one.low + other.low, high: one.high + other.high }
}

fn by_history(paces: Option<&Vec<Pace>>, work: Option<Work>) -> Option<Eta> {
    let paces = paces?;
    let mut seconds: Vec<f64> = paces.iter().filter_map(|pace| seconds(pace, work)).collect();
    if seconds.is_empty() {
        return None;
    }
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share).round() as usize];
    let doubt = if seconds.len() < FEW { DOUBT } else { 0.0 };
    Some(Eta { low: at(0.2) * (1.0 - doubt), high: at(0.8) * (1.0 + doubt) })
}

/// How long a step that went at this pace needs for the work.
fn seconds(pace: &Pace, work: Option<Work>) -> Option<f64> {
    let took = pace.active_ms as f64 / 1000.0;
    let Some(work) = work else { return Some(took) };
    let wanted = match pace.unit.as_deref() {
        Some("bytes") => work.bytes,
        Some("files") => work.files,
        Some("rows") => work.rows,
        _ => return None,
    };
    (pace.done > 0 && wanted > 0.0).then(|| took * wanted / pace.done as f64)
}

fn by_machines(work: Work) -> Eta {
    let at = |speed: usize| {
        work.bytes / BYTES_A_SECOND[speed]
            + work.files / FILES_A_SECOND[speed]
            + work.rows / ROWS_A_SECOND[speed]
    };
    Eta { low: at(1), high: at(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(bytes: u64, rows: u64) -> Planned {
        Planned {
            target: "/copy".into(),
            url: "http://127.0.0.1:8000".into(),
            preview: true,
            database: Some("mysql://shop@127.0.0.1/shop".parse().unwrap()),
            parts: BTreeMap::from([(Part::Media, (1_000, bytes))]),
            rows,
            tables: 12,
            database_bytes: rows * 200,
            left_out: Vec::new(),
            linked: Vec::new(),
        }
    }

    fn pace(unit: Option<&str>, done: u64, active_ms: u64) -> Vec<Pace> {
        vec![Pace { unit: unit.map(str::to_owned), done, active_ms }; 5]
    }

    #[test]
    fn twice_as_much_as_before_takes_twice_as_long() {
        let mut paces: BTreeMap<_, _> = LIGHT.map(|step| (step.to_owned(), pace(None, 0, 500))).into();
        paces.insert("copy-media".into(), pace(Some("bytes"), 1_000_000, 2_000));
        paces.insert("copy-database".into(), pace(Some("rows"), 1_000, 3_000));
        paces.insert("rewrite-addresses".into(), pace(Some("rows"), 1_000, 1_000));
        let eta = of(&paces, &planned(2_000_000, 2_000));
        assert!((eta.low - 15.0).abs() < 1e-6 && (eta.high - 15.0).abs() < 1e-6, "{eta:?}");
    }

    #[test]
    fn the_first_clone_of_a_machine_gets_a_wide_range() {
        let eta = of(&BTreeMap::new(), &planned(1_000_000_000, 1_000_000));
        assert!(eta.low > 5.0 && eta.high > eta.low * 4.0, "{eta:?}");
    }
}
