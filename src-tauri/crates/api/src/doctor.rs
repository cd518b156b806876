//! The environment check.

use clonedeck_site::doctor;

use crate::wire::{DoctorFinding, Problem};
use crate::{Clonedeck, place};

impl Clonedeck {
    /// What this machine has and lacks, and what that means.
    pub async fn doctor(data_dir: Option<&std::path::Path>) -> Result<Vec<DoctorFinding>, Problem> {
        let data_dir = place::data_dir(data_dir)?;
        let findings = doctor::look(&data_dir).await;
        Ok(findings
            .into_iter()
            .map(|finding| DoctorFinding {
                code: finding.code.to_owned(),
                title: finding.title,
                status: finding.status.word().to_owned(),
                message: finding.message,
                fix: finding.fix,
            })
            .collect())
    }
}
