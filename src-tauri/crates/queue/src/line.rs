//! The line of steps of a kind, and the registry of kinds.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::{Ctx, Done, Error, Job, Needs, Policy, Result, Step, StepError, Undone};

pub(crate) type AnySpec = Arc<dyn Any + Send + Sync>;
type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T, StepError>> + Send + 'a>>;

/// The steps of a job kind, in order.
pub struct Line<J> {
    steps: Vec<Box<dyn AnyStep>>,
    job: std::marker::PhantomData<fn(J)>,
}

impl<J: Job> Line<J> {
    /// Adds a step to the end of the line.
    ///
    /// # Panics
    /// When the line has a step of this name: names tell steps apart in the database.
    pub fn step<S: Step<Job = J>>(&mut self, step: S) -> &mut Self {
        assert!(!self.steps.iter().any(|other| other.name() == S::NAME), "two steps are named {}", S::NAME);
        self.steps.push(Box::new(step));
        self
    }
}

/// A step's good end, with its types hidden.
pub(crate) struct RawDone {
    pub skipped: Option<String>,
    pub output: String,
}

pub(crate) trait AnyStep: Send + Sync {
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn weight(&self, spec: &(dyn Any + Send + Sync)) -> f64;
    fn run<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        index: usize,
        cursor: Option<&str>,
    ) -> Running<'a, RawDone>;
    fn undo<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        index: usize,
        cursor: Option<&str>,
    ) -> Running<'a, Undone>;
}

impl<S: Step> AnyStep for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn title(&self) -> &'static str {
        S::TITLE
    }

    fn weight(&self, spec: &(dyn Any + Send + Sync)) -> f64 {
        let weight = spec.downcast_ref().map_or(1.0, |spec| Step::weight(self, spec));
        if weight.is_finite() && weight >= 0.0 { weight } else { 1.0 }
    }

    fn run<'a>(
        &'a self,
        attempt: &'a Arc<Attempt>,
        index: usize,
        cursor: Option<&str>,
    ) -> Running<'a, RawDone> {
        let ctx = Ctx::<S>::new(attempt, index, cursor);
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
        index: usize,
        cursor: Option<&str>,
    ) -> Running<'a, Undone> {
        let ctx = Ctx::<S>::new(attempt, index, cursor);
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

type Parse = Box<dyn Fn(&str) -> Result<AnySpec, serde_json::Error> + Send + Sync>;
type Estimate = Box<dyn Fn(&(dyn Any + Send + Sync)) -> (String, Needs) + Send + Sync>;

/// One registered kind.
pub(crate) struct Kind {
    pub name: &'static str,
    pub steps: Vec<Box<dyn AnyStep>>,
    pub policy: Policy,
    parse: Parse,
    estimate: Estimate,
}

impl Kind {
    pub fn parse(&self, spec: &str) -> Result<AnySpec> {
        (self.parse)(spec).map_err(|error| Error::invalid(format!("the order of a {} job", self.name), error))
    }

    /// Writes a job of this kind down. `text` is `spec` as JSON.
    pub fn draft(&self, spec: &(dyn Any + Send + Sync), text: String) -> Result<Draft> {
        let (title, needs) = (self.estimate)(spec);
        let line: Vec<Planned> = self
            .steps
            .iter()
            .map(|step| Planned {
                name: step.name().into(),
                title: step.title().into(),
                weight: step.weight(spec),
            })
            .collect();
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
    /// When the kind has no step, or another kind of this name is registered.
    pub fn with<J: Job>(mut self, job: J) -> Self {
        let mut line = Line::<J> { steps: Vec::new(), job: std::marker::PhantomData };
        job.steps(&mut line);
        assert!(!line.steps.is_empty(), "a job of kind {} has no steps", J::KIND);
        let policy = job.policy();
        let kind = Kind {
            name: J::KIND,
            steps: line.steps,
            policy,
            parse: Box::new(|text| Ok(Arc::new(serde_json::from_str::<J::Spec>(text)?) as AnySpec)),
            estimate: Box::new(move |spec| match spec.downcast_ref::<J::Spec>() {
                Some(spec) => (job.title(spec), job.needs(spec)),
                None => (J::KIND.into(), Needs::default()),
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
