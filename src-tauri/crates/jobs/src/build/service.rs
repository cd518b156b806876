//! How a project is shown.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use clonedeck_site::preview::{PORT, Service};

use super::detect::{Framework, Manager, Project};
use super::tool;

impl Project {
    /// The server that shows the project for a job, on a port of this machine alone.
    pub fn service(&self, job: &str, data_dir: &Path, patience: Duration, stays: bool) -> Service {
        let mut variables: Vec<(String, OsString)> = tool::ENVIRONMENT
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect();
        variables.push(("PORT".into(), PORT.into()));
        variables.push(("HOST".into(), Ipv4Addr::LOCALHOST.to_string().into()));
        Service {
            job: job.to_owned(),
            kind: "build".into(),
            title: self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            url: format!("http://127.0.0.1:{PORT}/"),
            port: None,
            folder: self.folder.clone(),
            log: data_dir.join("previews").join(job).join("server.log"),
            words: self.server(),
            variables,
            sign: None,
            patience,
            stays,
        }
    }

    fn server(&self) -> Vec<OsString> {
        let words = |first: Vec<String>, rest: &[&str]| -> Vec<OsString> {
            first.into_iter().map(OsString::from).chain(rest.iter().map(OsString::from)).collect()
        };
        match self.framework {
            Framework::Vite | Framework::SvelteKit => {
                words(self.tool("vite"), &["--host", "127.0.0.1", "--port", PORT, "--strictPort"])
            }
            Framework::Next => words(self.tool("next"), &["dev", "-H", "127.0.0.1", "-p", PORT]),
            Framework::Astro => words(self.tool("astro"), &["dev", "--host", "127.0.0.1", "--port", PORT]),
            Framework::Static => words(vec!["php".into()], &["-S", &format!("127.0.0.1:{PORT}"), "-t", "."]),
            Framework::Script => {
                let manager = tool::manager(self.manager.unwrap_or(Manager::Npm), self.pins_manager);
                words(manager, &["run", self.script.as_deref().unwrap_or("dev")])
            }
        }
    }
}
