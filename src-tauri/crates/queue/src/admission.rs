//! Which jobs may start now.
//!
//! A start needs a slot, memory, a processor that is not too busy, room on the disks, its exclusive keys, and a place in
//! its groups. A job that does not fit is passed over, so that it blocks nobody; but the first one that does not fit
//! gets a reservation: later jobs may only take what it would leave over, so that they cannot keep it out for ever. What
//! runs already will end, and then it fits.
//!
//! Limits hold back *more* work, they never stop all work: when nothing runs, the head of the line starts whatever the
//! processors and the memory say.

use std::collections::HashMap;
use std::path::Path;

use crate::Meter;
use crate::job::Needs;
use crate::meter::Load;
use crate::wait::WaitNote;

/// Resources of the moment, counted down while jobs are admitted.
pub(crate) struct Ledger<'a> {
    meter: &'a dyn Meter,
    limits: &'a Limits,
    budget: u64,
    /// What runs.
    running: Vec<Promised>,
    slots: usize,
    memory: u64,
    /// Percent of the processors that nobody was promised.
    cpu: u32,
    groups: HashMap<String, u32>,
    disks: HashMap<u64, u64>,
    /// Keys that the first job that did not fit will need.
    reserved: Option<Vec<String>>,
}

/// The limits of the runner and the state of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub slots: usize,
    /// Percent of all processors above which no more jobs run than ran already.
    pub cpu: f32,
    /// Bytes that all running jobs together may be estimated at; `None`: 90 % of the machine.
    pub memory: Option<u64>,
    pub load: Load,
    /// How many jobs ran when the load was measured: that many may go on running, whatever they make of the processors.
    pub measured: usize,
}

/// A running job, as far as it takes room.
pub(crate) struct Taker<'n> {
    pub rank: i64,
    pub needs: &'n Needs,
    /// The part of its work that is done.
    pub done: f64,
}

/// What a running job was promised.
struct Promised {
    rank: i64,
    memory: u64,
    cpu: u32,
}

impl<'a> Ledger<'a> {
    /// What is left beside the running jobs.
    pub fn new<'n>(
        limits: &'a Limits,
        running: impl Iterator<Item = Taker<'n>>,
        meter: &'a dyn Meter,
    ) -> Self {
        let budget = limits.memory.unwrap_or(match limits.load.memory_total {
            0 => u64::MAX,
            total => total / 10 * 9,
        });
        let mut ledger = Self {
            meter,
            limits,
            budget,
            running: Vec::new(),
            slots: limits.slots,
            memory: budget,
            cpu: 100,
            groups: HashMap::new(),
            disks: HashMap::new(),
            reserved: None,
        };
        for Taker { rank, needs, done } in running {
            ledger.slots = ledger.slots.saturating_sub(1);
            ledger.running.push(Promised { rank, memory: needs.memory, cpu: needs.cpu });
            ledger.cpu = ledger.cpu.saturating_sub(needs.cpu);
            ledger.seat(needs);
            for disk in &needs.disk {
                // What is written already is no longer free; only the rest is still to come.
                ledger.take_disk(&disk.path, (disk.bytes as f64 * (1.0 - done.clamp(0.0, 1.0))) as u64);
            }
        }
        let promised = ledger.running.iter().fold(0u64, |sum, job| sum.saturating_add(job.memory));
        // Estimates count until they show up in the measurement; the larger of the two is in use.
        let used = if limits.memory.is_some() { promised } else { promised.max(limits.load.memory_used) };
        ledger.memory = budget.saturating_sub(used);
        ledger
    }

    pub fn has_slot(&self) -> bool {
        self.slots > 0
    }

    fn disk(&mut self, path: &Path) -> Option<(u64, u64)> {
        let found = self.meter.disk(path)?;
        Some((found.id, *self.disks.entry(found.id).or_insert(found.free)))
    }

    fn take_disk(&mut self, path: &Path, bytes: u64) {
        if let Some((id, left)) = self.disk(path) {
            self.disks.insert(id, left.saturating_sub(bytes));
        }
    }

    fn seat(&mut self, needs: &Needs) {
        for group in &needs.groups {
            *self.groups.entry(group.name.clone()).or_default() += 1;
        }
    }

    /// Why a job with these needs cannot start now, or `None` when it can.
    pub fn obstacle(&mut self, needs: &Needs) -> Option<WaitNote> {
        if self.slots == 0 {
            return Some(WaitNote::new("slot", "All slots are taken by other jobs."));
        }
        let alone = self.running.is_empty();
        let cpu = self.limits.load.cpu;
        if cpu > self.limits.cpu && !alone && self.running.len() >= self.limits.measured {
            return Some(WaitNote::new("cpu", format!("The processors are {cpu:.0} % busy.")));
        }
        if needs.cpu > self.cpu && !(alone && self.reserved.is_none()) {
            let text =
                format!("It needs {} % of the processors, and what runs leaves {} %.", needs.cpu, self.cpu);
            return Some(WaitNote::new("cpu", text));
        }
        if needs.memory > self.memory && !(alone && self.reserved.is_none()) {
            let text = format!("It needs {}, and {} are left.", size(needs.memory), size(self.memory));
            return Some(WaitNote::new("memory", format!("There is not enough memory. {text}")));
        }
        for disk in &needs.disk {
            if let Some((_, left)) = self.disk(&disk.path)
                && disk.bytes > left
            {
                let text = format!(
                    "It needs {} for {}, and {} are left.",
                    size(disk.bytes),
                    disk.path.display(),
                    size(left)
                );
                return Some(
                    WaitNote::new("disk", format!("There is not enough room on the disk. {text}"))
                        .person("Free some space on that disk; the job starts by itself."),
                );
            }
        }
        for group in &needs.groups {
            let busy = self.groups.get(&group.name).copied().unwrap_or(0);
            if busy >= group.limit {
                let text = format!("{busy} of {} jobs of the group {} are running.", group.limit, group.name);
                return Some(WaitNote::new("group", text));
            }
        }
        let taken = self.reserved.iter().flatten().find(|key| needs.exclusive.contains(key));
        taken.map(|key| WaitNote::new("reserved", format!("An earlier job waits for {key}.")))
    }

    /// Takes what a job needs that starts now.
    pub fn take(&mut self, rank: i64, needs: &Needs) {
        self.running.push(Promised { rank, memory: needs.memory, cpu: needs.cpu });
        self.slots = self.slots.saturating_sub(1);
        self.memory = self.memory.saturating_sub(needs.memory);
        self.cpu = self.cpu.saturating_sub(needs.cpu);
        self.seat(needs);
        for disk in &needs.disk {
            self.take_disk(&disk.path, disk.bytes);
        }
    }

    /// Sets apart what the first job that did not fit will need, so that jobs after it leave that alone.
    ///
    /// Memory, processors and slots come free when the jobs that run now end. So later jobs, those that run already included, may
    /// have together what the head leaves of the whole. Room on a disk does not come free that way: nothing is gained by
    /// keeping others from it.
    pub fn reserve(&mut self, rank: i64, needs: &Needs, obstacle: &str) {
        if self.reserved.is_some() || obstacle == "disk" {
            return;
        }
        let later = self.running.iter().filter(|job| job.rank > rank);
        let (count, memory, cpu) = later.fold((0, 0u64, 0u32), |(count, memory, cpu), job| {
            (count + 1, memory.saturating_add(job.memory), cpu.saturating_add(job.cpu))
        });
        if obstacle == "memory" {
            let spare = self.budget.saturating_sub(needs.memory).saturating_sub(memory);
            self.memory = self.memory.min(spare);
            self.slots = self.slots.min(self.limits.slots.saturating_sub(1 + count));
        } else if obstacle == "cpu" {
            self.cpu = self.cpu.min(100u32.saturating_sub(needs.cpu).saturating_sub(cpu));
        }
        self.seat(needs);
        self.reserved = Some(needs.exclusive.clone());
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
