//! Toy jobs and a queue in a temporary folder.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clonedeck_queue::{
    AddOptions, Ctx, Done, Job, JobId, JobView, Level, Line, Needs, OnFailure, Options, Policy, Queue,
    Registry, State, Step, StepError, Undone,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// What the toy is told to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    pub name: String,
    /// Fails this often with a transient error in the middle step.
    pub transient: u32,
    pub permanent: bool,
    pub needs_person: bool,
    /// Waits in the middle step until told to go on.
    pub wait: bool,
    pub target: Option<String>,
    pub group: Option<(String, u32)>,
    pub memory: u64,
    pub cpu: u32,
    pub panic: bool,
}

/// A toy that does its three steps and nothing odd.
pub fn order(name: &str) -> Order {
    Order { name: name.into(), ..Order::default() }
}

impl Order {
    pub fn failing(self, times: u32) -> Self {
        Self { transient: times, ..self }
    }

    pub fn broken(self) -> Self {
        Self { permanent: true, ..self }
    }

    pub fn locked(self) -> Self {
        Self { needs_person: true, ..self }
    }

    pub fn waiting(self) -> Self {
        Self { wait: true, ..self }
    }

    pub fn panicking(self) -> Self {
        Self { panic: true, ..self }
    }

    pub fn on(self, target: &str) -> Self {
        Self { target: Some(target.into()), ..self }
    }

    pub fn grouped(self, group: &str, limit: u32) -> Self {
        Self { group: Some((group.into(), limit)), ..self }
    }

    pub fn needing(self, memory: u64) -> Self {
        Self { memory, ..self }
    }
}

/// What the toys did, and the word that lets waiting ones go on.
#[derive(Clone, Default)]
pub struct World {
    pub did: Arc<Mutex<Vec<String>>>,
    pub go: Arc<tokio::sync::Notify>,
    pub open: Arc<std::sync::atomic::AtomicBool>,
}

impl World {
    pub fn did(&self) -> Vec<String> {
        self.did.lock().unwrap().clone()
    }

    pub fn note(&self, what: String) {
        self.did.lock().unwrap().push(what);
    }

    pub fn hold(&self) {
        self.open.store(false, std::sync::atomic::Ordering::SeqCst);
    }

    pub fn let_go(&self) {
        self.open.store(true, std::sync::atomic::Ordering::SeqCst);
        self.go.notify_waiters();
    }
}

/// begin, middle, end.
pub struct Toy {
    pub world: World,
    pub policy: Policy,
}

pub struct Begin(pub World);
pub struct Middle(pub World);
pub struct End(pub World);

impl Job for Toy {
    const KIND: &'static str = "toy";
    type Spec = Order;

    fn title(&self, spec: &Order) -> String {
        format!("Toy {}", spec.name)
    }

    fn steps(&self, line: &mut Line<Self>) {
        line.step(Begin(self.world.clone())).step(Middle(self.world.clone())).step(End(self.world.clone()));
    }

    fn needs(&self, spec: &Order) -> Needs {
        let mut needs = Needs::nothing().memory(spec.memory).cpu(spec.cpu);
        if let Some(target) = &spec.target {
            needs = needs.exclusive(target);
        }
        if let Some((group, limit)) = &spec.group {
            needs = needs.group(group, *limit);
        }
        needs
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

impl Step for Begin {
    type Job = Toy;
    type Cursor = ();
    type Output = String;
    const NAME: &'static str = "begin";
    const TITLE: &'static str = "Begin";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<String>, StepError> {
        self.0.note(format!("{} begin", ctx.spec().name));
        ctx.log(Level::Info, "beginning");
        Ok(Done::Completed(format!("from {}", ctx.spec().name)))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        self.0.note(format!("{} undo begin", ctx.spec().name));
        Ok(Undone::Reverted)
    }
}

impl Step for Middle {
    type Job = Toy;
    type Cursor = u32;
    type Output = ();
    const NAME: &'static str = "middle";
    const TITLE: &'static str = "Middle";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        let order = ctx.spec().clone();
        let from = ctx.output_of::<Begin>()?;
        assert_eq!(from, format!("from {}", order.name));
        self.0.note(format!("{} middle {} from {}", order.name, ctx.attempt(), ctx.cursor()));
        let at = *ctx.cursor() + 1;
        ctx.progress(1, 2);
        ctx.checkpoint(&at).await?;
        assert!(!order.panic, "told to panic");
        if order.permanent {
            return Err(StepError::permanent("broken", "It is broken.").help("Mend it."));
        }
        if order.needs_person && !self.0.open.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(StepError::needs_person("password-expired", "The password has expired."));
        }
        if ctx.attempt() <= order.transient {
            return Err(StepError::transient("flaky", "It did not work this time."));
        }
        if order.wait {
            loop {
                let go = self.0.go.notified();
                if self.0.open.load(std::sync::atomic::Ordering::SeqCst) {
                    break;
                }
                tokio::select! { () = go => {} () = ctx.stop_requested() => {} }
                ctx.safe_point().await?;
            }
        }
        ctx.progress(2, 2);
        Ok(Done::Completed(()))
    }

    async fn undo(&self, ctx: &mut Ctx<Self>) -> Result<Undone, StepError> {
        self.0.note(format!("{} undo middle at {}", ctx.spec().name, ctx.cursor()));
        Ok(Undone::Nothing)
    }
}

impl Step for End {
    type Job = Toy;
    type Cursor = ();
    type Output = ();
    const NAME: &'static str = "end";
    const TITLE: &'static str = "End";

    async fn run(&self, ctx: &mut Ctx<Self>) -> Result<Done<()>, StepError> {
        self.0.note(format!("{} end", ctx.spec().name));
        ctx.set_result(serde_json::json!({ "name": ctx.spec().name }))?;
        Ok(Done::Completed(()))
    }
}

/// Quick retries, everything else as usual.
pub fn quick() -> Policy {
    Policy {
        first_backoff: Duration::from_millis(2),
        max_backoff: Duration::from_millis(5),
        ..Policy::default()
    }
}

pub fn keep() -> Policy {
    Policy { on_failure: OnFailure::Keep, ..quick() }
}

/// No limit but the slots.
pub fn options() -> Options {
    Options {
        cpu_limit: 1000.0,
        memory_budget: Some(u64::MAX),
        ballast: 4096,
        slots: 4,
        ..Options::default()
    }
}

pub fn open(dir: &Path, world: &World, policy: Policy) -> Queue {
    open_with(dir, world, policy, options())
}

pub fn open_with(dir: &Path, world: &World, policy: Policy, options: Options) -> Queue {
    Queue::open(dir, Registry::new().with(Toy { world: world.clone(), policy }), options).unwrap()
}

/// A queue for toys in a folder that goes when it is dropped.
pub fn toys(policy: Policy) -> (TempDir, World, Queue) {
    toys_with(policy, options())
}

pub fn toys_with(policy: Policy, options: Options) -> (TempDir, World, Queue) {
    let dir = tempfile::tempdir().unwrap();
    let world = World::default();
    let queue = open_with(dir.path(), &world, policy, options);
    (dir, world, queue)
}

pub async fn add(queue: &Queue, order: &Order) -> JobId {
    queue.add::<Toy>(order, AddOptions::default()).await.unwrap()
}

/// Waits until the job satisfies `wanted`; fails loudly when it does not in half a minute.
pub async fn until(queue: &Queue, id: JobId, wanted: impl Fn(&JobView) -> bool) -> JobView {
    for _ in 0..6000 {
        let job = queue.job(id).await.unwrap();
        if wanted(&job) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the job never got there: {:#?}", queue.job(id).await.unwrap());
}

pub async fn until_state(queue: &Queue, id: JobId, state: State) -> JobView {
    until(queue, id, |job| job.state == state).await
}
