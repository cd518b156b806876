use std::fmt;
use std::path::{Path, PathBuf};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What installs a project's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// npm.
    Npm,
    /// pnpm.
    Pnpm,
    /// Yarn.
    Yarn,
    /// Bun.
    Bun,
}

/// What a project is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// Vite.
    Vite,
    /// Next.js.
    Next,
    /// Astro.
    Astro,
    /// SvelteKit.
    SvelteKit,
    /// Files that are served as they are.
    Static,
    /// Something with a `dev` script of its own.
    Script,
}

/// What is known of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    /// What installs its packages; `None` when it has none.
    pub manager: Option<Manager>,
    /// Its lock file.
    pub lock: Option<PathBuf>,
    /// What it is made with.
    pub framework: Framework,
    /// Whether its types can be checked.
    pub has_types: bool,
    /// Its script that starts a server, where it is not known better.
    #[serde(default)]
    pub script: Option<String>,
    /// Whether it has a `build` script.
    pub can_build: bool,
    /// Whether installing runs scripts of the project itself, so that its outcome depends on more than the manifest.
    pub has_install_scripts: bool,
    /// Things an operator should know.
    pub remarks: Vec<String>,
}

/// Lock files, the surest first.
const LOCKS: &[(&str, Manager)] = &[
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
];

impl Project {
    /// Looks what the folder is. An archive often holds one folder that holds the project: that one is taken.
    ///
    /// # Errors
    /// When there is no project in it, or its manifest cannot be read.
    pub fn detect(folder: &Path) -> Result<Self> {
        let folder = root_of(folder);
        let file = folder.join("package.json");
        let manifest: Option<Value> = match std::fs::read(&file) {
            Ok(text) => Some(serde_json::from_slice(&text).map_err(|error| bad_manifest(&file, &error))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(bad_manifest(&file, &error)),
        };
        let Some(manifest) = manifest else {
            if !folder.join("index.html").is_file() {
                return Err(Problem::permanent(
                    "project.unknown",
                    format!("{} holds neither a package.json nor an index.html.", folder.display()),
                )
                .help("Give the folder or archive of a front-end project.")
                .with("path", folder.display()));
            }
            return Ok(Self {
                folder,
                manager: None,
                lock: None,
                framework: Framework::Static,
                script: None,
                has_types: false,
                can_build: false,
                has_install_scripts: false,
                remarks: Vec::new(),
            });
        };
        let mut remarks = Vec::new();
        let (manager, lock) = manager_of(&folder, &manifest, &mut remarks);
        let has = |name: &str| {
            ["dependencies", "devDependencies"].iter().any(|part| manifest[part].get(name).is_some())
        };
        let script = |name: &str| manifest["scripts"].get(name).is_some();
        let framework = if has("next") {
            Framework::Next
        } else if has("astro") {
            Framework::Astro
        } else if has("@sveltejs/kit") {
            Framework::SvelteKit
        } else if has("vite") {
            Framework::Vite
        } else if script("dev") || script("start") {
            Framework::Script
        } else if folder.join("index.html").is_file() {
            Framework::Static
        } else {
            remarks.push("It has nothing that could be shown.".into());
            Framework::Script
        };
        let needs_install =
            ["dependencies", "devDependencies", "optionalDependencies", "workspaces"].iter().any(|part| {
                manifest[part].as_object().is_some_and(|all| !all.is_empty())
                    || manifest[part].as_array().is_some_and(|all| !all.is_empty())
            });
        Ok(Self {
            has_types: has("typescript") && folder.join("tsconfig.json").is_file(),
            script: ["dev", "start"].into_iter().find(|name| script(name)).map(str::to_owned),
            can_build: script("build"),
            // Packages of a workspace are installed into more than one folder.
            has_install_scripts: ["preinstall", "install", "postinstall", "prepare"].into_iter().any(script)
                || manifest.get("workspaces").is_some(),
            manager: (needs_install || lock.is_some()).then_some(manager),
            lock,
            framework,
            folder,
            remarks,
        })
    }

    /// The folder that a build fills.
    pub fn output(&self) -> &'static str {
        match self.framework {
            Framework::Next => ".next",
            Framework::SvelteKit => ".svelte-kit",
            _ => "dist",
        }
    }
}

fn root_of(folder: &Path) -> PathBuf {
    let is_project =
        |folder: &Path| folder.join("package.json").is_file() || folder.join("index.html").is_file();
    if !is_project(folder) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let seen: Vec<PathBuf> = entries
            .filter(|entry| !matches!(entry.file_name().to_str(), Some("__MACOSX" | ".DS_Store")))
            .map(|entry| entry.path())
            .collect();
        if let [only] = &seen[..]
            && only.is_dir()
            && is_project(only)
        {
            return only.clone();
        }
    }
    folder.to_owned()
}

fn manager_of(folder: &Path, manifest: &Value, remarks: &mut Vec<String>) -> (Manager, Option<PathBuf>) {
    let named = manifest["packageManager"].as_str().and_then(|text| text.split('@').next()).and_then(
        |name| match name {
            "npm" => Some(Manager::Npm),
            "pnpm" => Some(Manager::Pnpm),
            "yarn" => Some(Manager::Yarn),
            "bun" => Some(Manager::Bun),
            _ => None,
        },
    );
    let found: Vec<_> = LOCKS.iter().filter(|(file, _)| folder.join(file).is_file()).collect();
    let fits = found.iter().find(|(_, manager)| named.is_none_or(|named| named == *manager));
    if found.len() > 1 {
        let files: Vec<&str> = found.iter().map(|(file, _)| *file).collect();
        remarks.push(format!("It has more than one lock file: {}.", files.join(", ")));
    }
    if let Some((file, manager)) = fits {
        return (*manager, Some(folder.join(file)));
    }
    remarks.push(
        "It has no lock file: the newest fitting packages are installed, and two builds can differ.".into(),
    );
    (named.unwrap_or(Manager::Npm), None)
}

fn bad_manifest(file: &Path, error: &dyn fmt::Display) -> Problem {
    Problem::permanent("project.manifest", format!("{} cannot be read: {error}.", file.display()))
        .help("Correct that file.")
        .with("path", file.display())
}

impl Manager {
    /// Its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    /// The arguments that install: exactly what the lock file says, when there is one.
    pub(super) fn install(self, is_locked: bool) -> &'static [&'static str] {
        match (self, is_locked) {
            (Self::Npm, true) => &["ci", "--no-audit", "--no-fund"],
            (Self::Npm, false) => &["install", "--no-audit", "--no-fund"],
            (Self::Pnpm | Self::Yarn | Self::Bun, true) => &["install", "--frozen-lockfile"],
            (Self::Pnpm | Self::Yarn | Self::Bun, false) => &["install"],
        }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vite => "Vite",
            Self::Next => "Next.js",
            Self::Astro => "Astro",
            Self::SvelteKit => "SvelteKit",
            Self::Static => "plain files",
            Self::Script => "a dev script",
        })
    }
}
