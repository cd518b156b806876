use std::path::PathBuf;

use clonedeck_queue::{Job, Line, Needs, OnFailure, Policy};
use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};

use super::estimate::Taken;
use super::shelf::Builds;
use super::{showing, steps};
use crate::Bounds;

/// What to build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildOrder {
    /// A folder, or an archive of one.
    pub source: PathBuf,
    /// Check its types, where it has any.
    #[serde(default = "yes")]
    pub type_check: bool,
    /// Run its `build` script.
    pub build: bool,
    /// Start a server that shows it.
    pub preview: bool,
    /// The server stays when Clonedeck ends.
    pub stays: bool,
    /// How long the server may take to answer, seconds.
    pub ready_seconds: u64,
    /// The first and the last port that the server may get; those of the settings when none.
    #[serde(default)]
    pub ports: Option<(u16, u16)>,
    /// Limits of each program that it runs, but not of the server.
    #[serde(default)]
    pub bounds: Bounds,
}

const fn yes() -> bool {
    true
}

impl BuildOrder {
    /// An order to install, check and show what is in `source`.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn new(source: PathBuf) -> Result<Self> {
        let source = source.canonicalize().map_err(|error| {
            Problem::permanent("build.source", format!("{} cannot be built: {error}.", source.display()))
                .help("Give a folder or an archive.")
                .with("path", source.display())
        })?;
        Ok(Self {
            source,
            type_check: true,
            build: false,
            preview: true,
            stays: false,
            ready_seconds: 60,
            ports: None,
            bounds: Bounds::default(),
        })
    }
}

/// The job kind `build`.
#[derive(Debug, Clone)]
pub struct BuildJob {
    /// What its steps share.
    pub builds: Builds,
}

impl Job for BuildJob {
    const KIND: &'static str = "build";
    type Spec = BuildOrder;

    fn title(&self, order: &BuildOrder) -> String {
        let name = order.source.file_name().unwrap_or(order.source.as_os_str());
        format!("Build {}", name.to_string_lossy())
    }

    fn steps(&self, line: &mut Line<Self>) {
        let (builds, order) = (|| self.builds.clone(), line.order());
        line.step(steps::Unpack(builds())).step(steps::Detect).step(steps::Install(builds()));
        if order.type_check {
            line.step(steps::TypeCheck(builds()));
        }
        if order.build {
            line.step(steps::Build(builds()));
        }
        if order.preview {
            line.step(showing::StartPreview(builds()));
        }
        line.step(showing::Ready(builds()));
    }

    fn needs(&self, order: &BuildOrder) -> Needs {
        let Taken { memory, cpu } = self.builds.estimates().of(&order.source);
        // It cannot take more than it is allowed.
        let memory = memory.min(order.bounds.memory.unwrap_or(u64::MAX));
        let cpu = cpu.min(order.bounds.percent_of_machine().unwrap_or(u32::MAX));
        Needs::nothing().memory(memory).cpu(cpu).exclusive(format!("target:{}", order.source.display()))
    }

    fn policy(&self) -> Policy {
        Policy { on_failure: OnFailure::Keep, ..Policy::default() }
    }
}
