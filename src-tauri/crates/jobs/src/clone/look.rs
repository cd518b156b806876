//! A look at a copy: what it holds, and what it answers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use clonedeck_rewrite::Rewriter;
use clonedeck_site::check::{Pages, Plan as PagesPlan, sample_post};
use clonedeck_site::databases::{self, Access, Checked, Known};
use clonedeck_site::defaults::Login;
use clonedeck_site::files::{self, Difference, Index, RelPath, Verify};
use clonedeck_site::platforms::{Address, Configuration};
use clonedeck_site::{Part, Result, Watch};

use super::receipt::Receipt;
use super::{CloneSpec, Made, plan, rewrite_files, rewriting, shared, source, stranger};
use crate::watching::Later;
use crate::words::{count, counted};
use crate::{Previews, Secrets};

/// A look at a copy.
pub(super) struct Look<'a> {
    pub made: &'a Made,
    pub spec: &'a CloneSpec,
    pub secrets: &'a Secrets,
    pub job_dir: &'a Path,
    pub job: &'a str,
    /// Whether the job's marks are gone from the copy's database.
    pub finished: bool,
}

impl Look<'_> {
    fn indexes(&self) -> Result<Vec<Arc<Index>>> {
        plan::indexes(self.job_dir, &self.made.site)
    }

    fn rewriter(&self) -> Result<Option<Rewriter>> {
        rewriting::rewriter(&self.made.site, &self.made.planned)
    }

    /// Files and database, at the same time: one waits for the disk where the other waits for the server.
    pub async fn contents(
        &self,
        changed: &BTreeSet<RelPath>,
        known: Known<'_>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        let later = Later::new(watch);
        let files = async {
            self.files(changed, receipt, watch).await?;
            later.speak();
            Ok(())
        };
        let ((), checked) = tokio::try_join!(files, self.database(known, &later))?;
        if let Some(checked) = checked {
            note_checked(receipt, checked);
        }
        Ok(())
    }

    /// Files: kind, size and mode of each, the bytes of a sample or of all; and the old address in those that may hold it.
    async fn files(
        &self,
        changed: &BTreeSet<RelPath>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        let parts: Vec<Part> = self.made.planned.parts.keys().copied().collect();
        let verify: Verify = self.spec.verify();
        let indexes = self.indexes()?;
        receipt.files.count = 0;
        receipt.files.bytes = 0;
        receipt.files.verified = 0;
        for (index, tree) in indexes.iter().zip(&self.made.site.trees) {
            let is_root = tree.place.as_os_str().is_empty();
            let place = if is_root {
                self.made.planned.target.clone()
            } else {
                self.made.planned.target.join(&tree.place)
            };
            let below = |path: &Path| if is_root { path.to_owned() } else { tree.place.join(path) };
            let on_purpose: BTreeSet<RelPath> = index
                .entries()
                .filter(|entry| {
                    let path = below(entry.path);
                    self.made.is_changed_on_purpose(&path) || changed.contains(&RelPath::from(path))
                })
                .map(|entry| RelPath::from(entry.path))
                .collect();
            let compared =
                files::compare(Arc::clone(index), &place, &parts, verify, &on_purpose, watch).await?;
            for part in compared.parts.values() {
                receipt.files.count += part.found.files;
                receipt.files.bytes += part.found.bytes;
            }
            receipt.files.verified += compared.hashed_files;
            let lines = compared.differences.iter().map(|(path, difference)| {
                format!("{}: {}", below(path.as_path()).display(), say(difference))
            });
            receipt.files.differences.extend(lines);
            if compared.different > 0 {
                let (files, differ) = match compared.different {
                    1 => ("1 file".to_owned(), "differs"),
                    many => (counted(many, "file"), "differ"),
                };
                receipt.findings.push(format!("{files} of the copy {differ} from what is due."));
            }
        }
        if let Some(rewriter) = self.rewriter()? {
            self.left_over_in_files(&rewriter, &indexes, receipt);
        }
        Ok(())
    }

    fn left_over_in_files(&self, rewriter: &Rewriter, indexes: &[Arc<Index>], receipt: &mut Receipt) {
        let configuration =
            self.made.site.configuration.iter().flat_map(Configuration::files).map(Path::to_path_buf);
        let fixed = [".htaccess", ".user.ini"].map(|name| self.made.site.web.join(name));
        let mut left = 0;
        for path in configuration.chain(fixed).chain(rewrite_files::generated(self.made, indexes)) {
            let Ok(bytes) = std::fs::read(self.made.planned.target.join(&path)) else { continue };
            for trace in rewriter.scan(&bytes) {
                left += 1;
                receipt.rewrite.left_over.push(format!(
                    "{} at byte {}: {}",
                    path.display(),
                    trace.offset,
                    trace.excerpt
                ));
            }
        }
        if left > 0 {
            receipt
                .findings
                .push(format!("The old address is left in files of the copy, {}.", counted(left, "time")));
        }
    }

    /// The database: rows by table on both sides, the old address in any column of text.
    async fn database(&self, known: Known<'_>, watch: &dyn Watch) -> Result<Option<Checked>> {
        let both = if self.finished {
            source::finished(self.spec, &self.made.planned, self.secrets).await?
        } else {
            source::both(self.spec, &self.made.planned, self.secrets, self.job).await?
        };
        let Some((database, target)) = both else { return Ok(None) };
        let rewriter = self.rewriter()?;
        let rewriting =
            rewriter.as_ref().map(|rewriter| rewriting::rewriting(self.spec, &self.made.site, rewriter));
        databases::check(&database, &target, rewriting.as_ref(), known, watch).await.map(Some)
    }

    /// The running copy: pages without an error and without the old address, and a login that works.
    pub async fn pages(
        &self,
        previews: &Previews,
        login: Option<&Login>,
        receipt: &mut Receipt,
        watch: &dyn Watch,
    ) -> Result<()> {
        watch.doing("asking the running copy");
        let password = self.made.password(self.spec, self.secrets).await?;
        let target = self.made.target(&password);
        let address = Address::parse(&self.made.planned.url)?;
        if !address.is_loopback() {
            receipt.pages.push(format!("not asked: {address} is not an address of this machine"));
            return Ok(());
        }
        let planned = &self.made.planned;
        if let Some(index) = self.indexes()?.first()
            && let Some(shares) = shared::sentence(&self.made.site, planned, index, &planned.target)
        {
            receipt.pages.push(format!("not asked: {shares}"));
            let mut finding = format!("The copy was not started: {shares}");
            if planned.database.is_some() {
                finding.push_str(&format!(" Then: clonedeck previews start {}", self.job));
            }
            receipt.findings.push(finding);
            return Ok(());
        }
        if self.made.planned.preview || !answers(&address).await {
            match previews.serve(self.made.preview(&password, previews.data_dir(), self.job)).await {
                Ok(()) => {}
                // A machine without PHP can make a copy that another one serves, a user without the right to a port one for a web server.
                Err(problem)
                    if problem.code.starts_with("php.")
                        || ["preview.https", "port.forbidden"].contains(&problem.code) =>
                {
                    receipt.pages.push(format!("not asked: {} {}", problem.message, problem.help));
                    receipt
                        .findings
                        .push(format!("The copy was not started here: {} {}", problem.message, problem.help));
                    return Ok(());
                }
                Err(problem) => return Err(problem),
            }
        } else if let Some(stranger) = stranger::at(&address, &planned.target.join(&self.made.site.web)).await
        {
            receipt.pages.push(format!("not asked: {stranger}"));
            receipt.findings.push(stranger);
            return Ok(());
        }
        let Some(rewriter) = self.rewriter()? else {
            receipt.pages.push("not asked: the address of the source is not known".to_owned());
            return Ok(());
        };
        let post = match self.made.tables(&password, Access::Read).await? {
            Some(mut tables) => sample_post(&target, &mut *tables).await?,
            None => None,
        };
        let pages = {
            let (made, login) = (self.made.clone(), login.cloned());
            let password = password.clone();
            let look = move || {
                let target = made.target(&password);
                Pages::look(&PagesPlan::of(&target, post, login.as_ref(), &rewriter))
            };
            tokio::task::spawn_blocking(look).await.map_err(crate::lost_thread)?
        };
        match pages {
            Ok(pages) => {
                receipt.pages.extend(pages.pages.iter().map(|page| {
                    format!("{} ({}) answered {} in {} ms", page.name, page.url, page.status, page.ms)
                }));
                for page in &pages.pages {
                    let lacks = page.name == "asset" && page.status == 404 && self.source_lacks(&page.url);
                    if lacks {
                        receipt.files.listed.push(format!(
                            "{}: is asked for by the front page and is not in the source either",
                            page.url
                        ));
                    } else {
                        receipt.findings.extend(
                            page.findings
                                .iter()
                                .map(|finding| format!("{} ({}): {finding}", page.name, page.url)),
                        );
                    }
                }
            }
            Err(problem) => receipt.findings.push(format!("The copy does not answer: {}", problem.message)),
        }
        Ok(())
    }

    /// Whether the source has no file for an address of the copy.
    fn source_lacks(&self, url: &str) -> bool {
        let Some(path) = url.strip_prefix(self.made.planned.url.as_str()) else { return false };
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
        !path.contains('%')
            && !path.contains("..")
            && !self.made.site.root.join(&self.made.site.web).join(path).exists()
    }
}

fn note_checked(receipt: &mut Receipt, checked: Checked) {
    receipt.tables = checked.tables;
    receipt.rewrite.left_over.extend(checked.left_over.iter().map(|left| {
        format!("{}.{}: {}, such as {}", left.table, left.column, counted(left.cells, "cell"), left.example)
    }));
    let cells: u64 = checked.left_over.iter().map(|left| left.cells).sum();
    if cells > 0 {
        receipt
            .findings
            .push(format!("The old address is left in {} of the copy's database.", counted(cells, "cell")));
    }
}

/// Whether somebody serves this address already.
async fn answers(address: &Address) -> bool {
    let host = address.host.trim_matches(['[', ']']).to_owned();
    let connect = tokio::net::TcpStream::connect((host, address.port_or_default()));
    tokio::time::timeout(std::time::Duration::from_secs(2), connect)
        .await
        .is_ok_and(|connected| connected.is_ok())
}

fn say(difference: &Difference) -> String {
    match difference {
        Difference::Missing => "is not there".to_owned(),
        Difference::OtherKind => "is something else than in the source".to_owned(),
        Difference::OtherSize { expected, found } => {
            format!("has {} bytes where {} are due", count(*found), count(*expected))
        }
        Difference::OtherContent => "holds other bytes than the source".to_owned(),
        Difference::OtherLink => "leads elsewhere than in the source".to_owned(),
        Difference::OtherMode { expected, found } => {
            format!("has the mode {found:o} where {expected:o} is due")
        }
    }
}
