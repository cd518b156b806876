//! The line of steps of a kind, and the registry of kinds.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::stage::Stage;
use crate::{Ctx, Done, Error, Job, JobId, Needs, Policy, Result, Step, StepError, Undone};

pub(crate) type AnySpec = Arc<dyn Any + Send + Sync>;
type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, StepError>> + Send + 'a>>;

/// The line of a job: its steps, in order. Laid out from the order when the job is added, and again, the same, when it is claimed.
pub struct Line<'a, J: Job> {
    order: &'a J::Spec,
    steps: Vec<Placed>,
    /// What is wrong with it.
    fault: Option<String>,
}

/// A step at its place in a line.
pub(crate) struct Placed {
    pub name: Cow<'static, str>,
    pub title: Cow<'static, str>,
    pub step: Box<dyn AnyStep>,
    /// The step after which it may set out, where that is not the one before it.
    pub after: Option<usize>,
}

impl<'a, J: Job> Line<'a, J> {
    /// The order of the job whose line this is, for a line that depends on it. It never changes, so the line never does.
    pub fn order(&self) -> &'a J::Spec {
        self.order
    }

    /// Adds a step to the end of the line. A line with two steps of one name is refused: names tell steps apart in the
    /// database.
    pub fn step<S: Step<Job = J>>(&mut self, step: S) -> &mut Self {
        self.place(S::NAME.into(), S::TITLE.into(), step)
    }

    /// Adds a step that stands on the earlier step `After` alone: once that is done it may work ahead, beside the steps between the
    /// two, where the machine has a processor to spare. It may ask for outputs up to that of `After`, and no step between may touch
    /// what it does. Its place in the line says when it has to be done. A line in which `After` does not come before it, or in which
    /// it is the last step, is refused.
    pub fn ahead<After: Step<Job = J>, S: Step<Job = J>>(&mut self, step: S) -> &mut Self {
        let after = self.steps.iter().position(|other| other.name == After::NAME);
        if after.is_none() {
            self.fault = Some(format!("{} does not come before {}", After::NAME, S::NAME));
        }
        self.step(step);
        if let Some(placed) = self.steps.last_mut() {
            placed.after = after;
        }
        self
    }

    /// Adds a step under a name and a title of its own, so that a line can have several of a kind. Later steps cannot ask
    /// for its [output](Ctx::output_of): that goes by the kind's name.
    pub fn step_named<S: Step<Job = J>>(
        &mut self,
        name: impl Into<String>,
        title: impl Into<String>,
        step: S,
    ) -> &mut Self {
        self.place(name.into().into(), title.into().into(), step)
    }

    fn place(
        &mut self,
        name: Cow<'static, str>,
        title: Cow<'static, str>,
        step: impl AnyStep + 'static,
    ) -> &mut Self {
        if self.steps.iter().any(|other| other.name == name) {
            self.fault = Some(format!("two steps are named {name}"));
        } else {
            self.steps.push(Placed { name, title, step: Box::new(step), after: None });
        }
        self
    }
}

/// Lays out the line of a job.
fn lay_out<J: Job>(job: &J, order: &J::Spec) -> Result<Vec<Placed>> {
    let mut line = Line { order, steps: Vec::new(), fault: None };
    job.steps(&mut line);
    let what = || format!("the line of a {} job", J::KIND);
    match (line.fault, line.steps.last()) {
        (Some(fault), _) => Err(Error::invalid(what(), fault)),
        (None, None) => Err(Error::invalid(what(), "it has no steps")),
        (None, Some(last)) if last.after.is_some() => {
            Err(Error::invalid(what(), format!("{} ends the job and cannot work ahead", last.name)))
        }
        _ => Ok(line.steps),
    }
}

/// A step's good end, with its types hidden.
pub(crate) struct RawDone {
    pub skipped: Option<String>,
    pub output: String,
}

pub(crate) trait AnyStep: Send + Sync {
    fn weight(&self, spec: &(dyn Any + Send + Sync)) -> f64;
    fn run<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        stage: &Arc<Stage>,
        cursor: Option<&str>,
    ) -> Running<'a, RawDone>;
    fn undo<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        stage: &Arc<Stage>,
        cursor: Option<&str>,
    ) -> Running<'a, Undone>;
}

impl<S: Step> AnyStep for S {
    fn weight(&self, spec: &(dyn Any + Send + Sync)) -> f64 {
        let weight = spec.downcast_ref().map_or(1.0, |spec| Step::weight(self, spec));
        if weight.is_finite() && weight >= 0.0 { weight } else { 1.0 }
    }

    fn run<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        stage: &Arc<Stage>,
        cursor: Option<&str>,
    ) -> Running<'a, RawDone> {
        let ctx = Ctx::<S>::new(attempt, stage, cursor);
        Box::pin(async move {
            let mut ctx = ctx?;
            let (skipped, output) = match Step::run(self, &mut ctx).await? {
                Done::Completed(output) => (None, output),
                Done::Skipped { reason, output } => (Some(reason), output),
            };
            let output = serde_json::to_string(&output).map_err(|error| {
                StepError::permanent(
                    "output-unfit",
                    format!("The output of {} cannot be stored: {error}", S::TITLE),
                )
            })?;
            Ok(RawDone { skipped, output })
        })
    }

    fn undo<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        stage: &Arc<Stage>,
        cursor: Option<&str>,
    ) -> Running<'a, Undone> {
        let ctx = Ctx::<S>::new(attempt, stage, cursor);
        Box::pin(async move { Step::undo(self, &mut ctx?).await })
    }
}

/// A step as it is written down with a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub name: String,
    pub title: String,
    pub weight: f64,
}

/// A job that is ready to be stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub kind: String,
    pub title: String,
    pub spec: String,
    pub line: String,
    pub needs: Option<String>,
    pub priority: i32,
    pub unique: Option<String>,
}

/// `line` in the order and with the steps of the line that the job was begun with; what it has no step for cannot be taken back.
pub(crate) fn as_begun(line: Vec<Placed>, begun: Vec<Planned>) -> Vec<Placed> {
    let mut known: HashMap<_, _> = line.into_iter().map(|placed| (placed.name, placed.step)).collect();
    let place = |planned: Planned| Placed {
        step: known
            .remove(planned.name.as_str())
            .unwrap_or_else(|| Box::new(Forgotten(planned.title.clone()))),
        name: planned.name.into(),
        title: planned.title.into(),
        after: None,
    };
    begun.into_iter().map(place).collect()
}

/// A step, by its title, that this version of the program has no more.
struct Forgotten(String);

impl Forgotten {
    fn error(&self) -> StepError {
        StepError::permanent("step-unknown", format!("This version of the program has no step '{}'.", self.0))
            .help("What that step did is still there; look at the job's log and remove it by hand.")
    }
}

impl AnyStep for Forgotten {
    fn weight(&self, _: &(dyn Any + Send + Sync)) -> f64 {
        1.0
    }

    fn run<'a>(&'a self, _: &'a Arc<Attempt>, _: &Arc<Stage>, _: Option<&str>) -> Running<'a, RawDone> {
        Box::pin(async { Err(self.error()) })
    }

    fn undo<'a>(&'a self, _: &'a Arc<Attempt>, _: &Arc<Stage>, _: Option<&str>) -> Running<'a, Undone> {
        Box::pin(async { Err(self.error()) })
    }
}

type Parse = Box<dyn Fn(&str) -> Result<AnySpec, serde_json::Error> + Send + Sync>;
type LetGo = Box<dyn Fn(JobId, &(dyn Any + Send + Sync)) + Send + Sync>;
type Plan = Box<dyn Fn(&(dyn Any + Send + Sync)) -> Result<Plans> + Send + Sync>;

/// What an order comes to.
struct Plans {
    title: String,
    needs: Needs,
    line: Vec<Placed>,
}

/// One registered kind.
pub(crate) struct Kind {
    pub name: &'static str,
    pub policy: Policy,
    parse: Parse,
    plan: Plan,
    let_go: LetGo,
}

impl Kind {
    pub fn parse(&self, spec: &str) -> Result<AnySpec> {
        (self.parse)(spec).map_err(|error| Error::invalid(format!("the order of a {} job", self.name), error))
    }

    /// Lets go of what is kept for a job with this order, which is stored as `text`.
    pub fn let_go(&self, id: JobId, text: &str) {
        match self.parse(text) {
            Ok(spec) => (self.let_go)(id, &*spec),
            Err(error) => tracing::warn!(%error, "what was kept for a job could not be let go"),
        }
    }

    /// The line of the job with this order.
    pub fn line(&self, spec: &(dyn Any + Send + Sync)) -> Result<Vec<Placed>> {
        Ok((self.plan)(spec)?.line)
    }

    /// Writes a job of this kind down. `text` is `spec` as JSON.
    pub fn draft(&self, spec: &(dyn Any + Send + Sync), text: String) -> Result<Draft> {
        let Plans { title, needs, line } = (self.plan)(spec)?;
        let line = written(&line, spec);
        let json = |error| Error::invalid(format!("a {} job", self.name), error);
        Ok(Draft {
            kind: self.name.into(),
            title,
            spec: text,
            line: serde_json::to_string(&line).map_err(json)?,
            needs: (needs != Needs::nothing())
                .then(|| serde_json::to_string(&needs))
                .transpose()
                .map_err(json)?,
            priority: 0,
            unique: None,
        })
    }
}

/// A line as it is written down.
pub(crate) fn written(line: &[Placed], spec: &(dyn Any + Send + Sync)) -> Vec<Planned> {
    let planned = |placed: &Placed| Planned {
        name: placed.name.to_string(),
        title: placed.title.to_string(),
        weight: placed.step.weight(spec),
    };
    line.iter().map(planned).collect()
}

/// The kinds of jobs that a program knows.
///
/// A process that only looks and steers needs the kinds as well when it adds jobs; one with an empty registry can still
/// list, show and steer.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: HashMap<&'static str, Arc<Kind>>,
}

impl Registry {
    /// A registry that knows no kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind.
    ///
    /// # Panics
    /// When another kind of this name is registered.
    pub fn with<J: Job>(mut self, job: J) -> Self {
        let job = Arc::new(job);
        let keeper = Arc::clone(&job);
        let kind = Kind {
            name: J::KIND,
            policy: job.policy(),
            parse: Box::new(|text| Ok(Arc::new(serde_json::from_str::<J::Spec>(text)?) as AnySpec)),
            plan: Box::new(move |spec| {
                let order = spec.downcast_ref::<J::Spec>().ok_or_else(|| {
                    Error::invalid(format!("the order of a {} job", J::KIND), "it is that of another kind")
                })?;
                Ok(Plans { title: job.title(order), needs: job.needs(order), line: lay_out(&*job, order)? })
            }),
            let_go: Box::new(move |id, spec| {
                if let Some(order) = spec.downcast_ref::<J::Spec>() {
                    keeper.let_go(id, order);
                }
            }),
        };
        assert!(self.kinds.insert(J::KIND, Arc::new(kind)).is_none(), "kind {} is registered twice", J::KIND);
        self
    }

    /// The names of the kinds, sorted.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.kinds.keys().copied().collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Arc<Kind>> {
        self.kinds.get(kind)
    }

    pub(crate) fn require(&self, kind: &str) -> Result<&Arc<Kind>> {
        self.get(kind).ok_or_else(|| Error::UnknownKind(kind.into()))
    }

    /// Writes a job down from its typed order.
    pub(crate) fn draft<J: Job>(&self, spec: &J::Spec) -> Result<Draft> {
        let kind = self.require(J::KIND)?;
        let text = serde_json::to_string(spec)
            .map_err(|error| Error::invalid(format!("the order of a {} job", J::KIND), error))?;
        kind.draft(spec, text)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.kinds()).finish()
    }
}
