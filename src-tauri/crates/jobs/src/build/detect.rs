use std::fmt;
use std::path::{Path, PathBuf};

use clonedeck_site::{Problem, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool;

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

/// What checks the types of a project: the compiler alone knows nothing of components.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checker {
    /// The compiler.
    #[default]
    Tsc,
    /// The compiler that knows Vue.
    VueTsc,
    /// The one of Svelte.
    SvelteCheck,
    /// The one of Astro.
    AstroCheck,
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
    /// Whether its manifest says which version of the installer it wants.
    #[serde(default)]
    pub pins_manager: bool,
    /// Whether its types can be checked.
    pub has_types: bool,
    /// What checks them.
    #[serde(default)]
    pub checker: Checker,
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
                pins_manager: false,
                has_types: false,
                checker: Checker::Tsc,
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
            pins_manager: manifest["packageManager"].is_string(),
            checker: if framework == Framework::Astro && has("@astrojs/check") {
                Checker::AstroCheck
            } else if has("svelte-check") {
                Checker::SvelteCheck
            } else if has("vue-tsc") {
                Checker::VueTsc
            } else {
                Checker::Tsc
            },
            has_types: has("typescript") && folder.join("tsconfig.json").is_file(),
            script: ["dev", "start"].into_iter().find(|name| script(name)).map(str::to_owned),
            can_build: script("build"),
            // Packages of a workspace are installed into more than one folder.
            has_install_scripts: ["preinstall", "install", "postinstall", "prepare"]
                .iter()
                .any(|name| script(name) && !is_known(framework, &manifest["scripts"][name]))
                || manifest.get("workspaces").is_some()
                || std::fs::read_to_string(folder.join("pnpm-workspace.yaml"))
                    .is_ok_and(|text| text.lines().any(|line| line.starts_with("packages:"))),
            manager: (needs_install || lock.is_some()).then_some(manager),
            lock,
            framework,
            folder,
            remarks,
        })
    }

    /// The folders that a build fills.
    pub fn outputs(&self) -> &'static [&'static str] {
        match self.framework {
            Framework::Next => &[".next", "out"],
            Framework::SvelteKit => &[".svelte-kit", "build"],
            _ => &["dist"],
        }
    }

    /// Everything in the folder that tools write, so that it is no source.
    pub(super) fn made(&self) -> Vec<&'static str> {
        let more: &[&str] = match self.framework {
            Framework::Next => &["next-env.d.ts", "tsconfig.tsbuildinfo"],
            Framework::Astro => &[".astro"],
            _ => &[],
        };
        self.outputs().iter().chain(more).copied().collect()
    }

    /// A tool that was installed with the packages, and how it is run.
    pub(super) fn tool(&self, name: &str) -> Vec<String> {
        let program = self.folder.join("node_modules/.bin").join(name);
        // Yarn can install without node_modules.
        if self.manager == Some(Manager::Yarn) && !program.exists() {
            let yarn = tool::manager(Manager::Yarn, self.pins_manager);
            return yarn.into_iter().chain(["run".to_owned(), name.to_owned()]).collect();
        }
        vec![program.to_string_lossy().into_owned()]
    }

    /// What checks its types, one program after the other.
    pub(super) fn checks(&self) -> Vec<Vec<String>> {
        let run = |name: &str, rest: &[&str]| {
            let mut words = self.tool(name);
            words.extend(rest.iter().map(|word| (*word).to_owned()));
            words
        };
        let references = std::fs::read_to_string(self.folder.join("tsconfig.json"))
            .is_ok_and(|text| text.contains("\"references\""));
        let plain: &[&str] = if references {
            &["--build", "--noEmit", "--pretty", "false"]
        } else {
            &["--noEmit", "--pretty", "false"]
        };
        let mut checks = Vec::new();
        if self.framework == Framework::SvelteKit {
            // Its configuration of the compiler extends one that is made.
            checks.push(run("svelte-kit", &["sync"]));
        }
        checks.push(match self.checker {
            Checker::Tsc => run("tsc", plain),
            Checker::VueTsc => run("vue-tsc", plain),
            Checker::SvelteCheck => {
                run("svelte-check", &["--tsconfig", "./tsconfig.json", "--output", "human"])
            }
            Checker::AstroCheck => run("astro", &["check"]),
        });
        checks
    }
}

/// Whether a script that installing runs is one that we know, and that steps run themselves where they need it.
fn is_known(framework: Framework, script: &Value) -> bool {
    framework == Framework::SvelteKit
        && script.as_str().is_some_and(|script| script.trim_start().starts_with("svelte-kit sync"))
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
    pub(super) fn install(self, lock: Option<&Path>) -> &'static [&'static str] {
        // Yarn has had another lock file, and other words, since its second version.
        let is_modern = || {
            lock.and_then(|lock| std::fs::read_to_string(lock).ok())
                .is_some_and(|text| text.contains("__metadata:"))
        };
        match (self, lock.is_some()) {
            (Self::Npm, true) => &["ci", "--no-audit", "--no-fund"],
            (Self::Npm, false) => &["install", "--no-audit", "--no-fund"],
            (Self::Yarn, true) if is_modern() => &["install", "--immutable"],
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A project in a folder that is there as long as the second part.
    fn project(manifest: &str, files: &[(&str, &str)]) -> (Project, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), manifest).unwrap();
        for (file, text) in files {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        (Project::detect(folder.path()).unwrap(), folder)
    }

    /// The tools of a check, by name.
    fn checks(project: &Project) -> Vec<String> {
        let name = |words: &Vec<String>| {
            let tool = Path::new(&words[0]).file_name().unwrap().to_string_lossy().into_owned();
            format!("{tool} {}", words[1..].join(" "))
        };
        project.checks().iter().map(name).collect()
    }

    #[test]
    fn each_framework_is_known_by_its_package_and_checked_by_its_own_checker() {
        let (next, _next) = project(r#"{"dependencies":{"next":"15","react":"19"}}"#, &[]);
        assert_eq!((next.framework, next.outputs()), (Framework::Next, &[".next", "out"][..]));
        assert!(next.made().contains(&"next-env.d.ts"), "Next.js writes it anew");
        let (astro, _astro) = project(r#"{"dependencies":{"astro":"5","@astrojs/check":"1"}}"#, &[]);
        assert_eq!((astro.framework, &*checks(&astro)), (Framework::Astro, &["astro check".to_owned()][..]));
        let kit = r#"{"scripts":{"prepare":"svelte-kit sync || echo ''"},"devDependencies":{"@sveltejs/kit":"2","vite":"6"}}"#;
        let (kit, _kit) = project(kit, &[]);
        assert_eq!(kit.framework, Framework::SvelteKit);
        assert_eq!(checks(&kit), ["svelte-kit sync", "tsc --noEmit --pretty false"]);
        assert!(!kit.has_install_scripts, "what it prepares, the check prepares itself");
        let (svelte, _svelte) = project(r#"{"devDependencies":{"vite":"6","svelte-check":"4"}}"#, &[]);
        assert_eq!(checks(&svelte), ["svelte-check --tsconfig ./tsconfig.json --output human"]);
        let (vue, _vue) = project(
            r#"{"devDependencies":{"vite":"6","vue-tsc":"3"}}"#,
            &[("tsconfig.json", r#"{"references":[]}"#)],
        );
        assert_eq!(checks(&vue), ["vue-tsc --build --noEmit --pretty false"]);
        let (made, _made) = project(r#"{"scripts":{"prepare":"make"},"dependencies":{"vite":"6"}}"#, &[]);
        assert!(made.has_install_scripts);
    }

    #[test]
    fn each_installer_is_known_by_its_lock_file_and_keeps_to_it() {
        let words = |file: &str, text: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("package.json"), r#"{"dependencies":{"a":"1"}}"#).unwrap();
            std::fs::write(folder.path().join(file), text).unwrap();
            let project = Project::detect(folder.path()).unwrap();
            let manager = project.manager.unwrap();
            format!("{manager} {}", manager.install(project.lock.as_deref()).join(" "))
        };
        assert_eq!(words("package-lock.json", "{}"), "npm ci --no-audit --no-fund");
        assert_eq!(words("pnpm-lock.yaml", ""), "pnpm install --frozen-lockfile");
        assert_eq!(words("yarn.lock", "# yarn lockfile v1\n"), "yarn install --frozen-lockfile");
        assert_eq!(words("yarn.lock", "__metadata:\n  version: 8\n"), "yarn install --immutable");
        assert_eq!(words("bun.lock", "{}"), "bun install --frozen-lockfile");
        let (pinned, _pinned) = project(r#"{"packageManager":"yarn@4.5.0","dependencies":{"a":"1"}}"#, &[]);
        assert_eq!((pinned.manager, pinned.pins_manager, pinned.lock), (Some(Manager::Yarn), true, None));
    }

    #[test]
    fn tools_of_a_yarn_without_node_modules_are_run_by_it() {
        let (project, _folder) =
            project(r#"{"dependencies":{"vite":"6"}}"#, &[("yarn.lock", "__metadata:\n")]);
        let words = project.tool("vite");
        assert_eq!(words[words.len() - 3..], ["yarn", "run", "vite"]);
    }
}
