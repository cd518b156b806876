//! The demo: the whole job with nothing of the operator's touched.

use clonedeck_jobs::clone::{self, CloneSpec};

use crate::wire::Problem;
use crate::{Clonedeck, convert};

impl Clonedeck {
    /// Makes the demo shop in the data directory, where it is not there yet, and clones it into a folder beside it.
    pub async fn launch_demo(&self) -> Result<String, Problem> {
        let place = self.data_dir.join("demo");
        let source = place.join("shop");
        let folder = source.clone();
        tokio::task::spawn_blocking(move || clonedeck_site::demo::make(&folder))
            .await
            .map_err(convert::lost_thread)?
            .map_err(convert::site_problem)?;
        let target = clone::target_beside(&source);
        let spec = CloneSpec { source, target, name: Some("Demo shop".to_owned()), ..CloneSpec::default() };
        self.add_clone(&spec, 0).await
    }
}
