//! Letting go of what is kept for a job outside of the database and its folder, once the job can no longer need it.

use std::sync::Arc;

use clonedeck_store::rusqlite::{Connection, OptionalExtension};

use crate::queue::{Shared, blocking};
use crate::state::State;
use crate::{JobId, Queue, Result, vault};

impl Queue {
    /// Forgets the secrets of a job, those that it was given and those that it made: what it made is gone.
    pub async fn let_go(&self, id: JobId) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            if let Some(kept) = shared.store.read(|db| Kept::find(db, "id", &id.bytes()))? {
                kept.let_go(&shared);
            }
            Ok(())
        })
        .await
    }

    /// The same for a job that an order ended at once, if it did.
    pub(crate) async fn let_go_if_cancelled(&self, id: JobId) {
        if let Ok(job) = self.job(id).await
            && job.state == State::Cancelled
            && let Err(error) = self.let_go(id).await
        {
            tracing::warn!(%error, "secrets of a cancelled job are kept until it is forgotten");
        }
    }
}

/// The same for those of these jobs that are cancelled. What a crash prevents here is done when the jobs are forgotten.
pub(crate) async fn cancelled(shared: Arc<Shared>, jobs: Vec<i64>) {
    let done = blocking(move || {
        for seq in jobs {
            let kept = shared.store.read(|db| Kept::find(db, "state = 'cancelled' AND seq", &seq))?;
            if let Some(kept) = kept {
                kept.let_go(&shared);
            }
        }
        Ok(())
    });
    if let Err(error) = done.await {
        tracing::warn!(%error, "secrets of cancelled jobs are kept until they are forgotten");
    }
}

/// A job for which something may be kept.
pub(crate) struct Kept {
    pub id: JobId,
    pub kind: String,
    pub spec: String,
}

impl Kept {
    fn find(
        db: &Connection,
        column: &str,
        value: &dyn clonedeck_store::rusqlite::ToSql,
    ) -> Result<Option<Self>> {
        let mut query = db.prepare_cached(&format!("SELECT id, kind, spec FROM job WHERE {column} = ?1"))?;
        let row = query.query_row([value], |row| {
            let id = JobId::from_bytes(&row.get::<_, Vec<u8>>(0)?);
            Ok(Self { id, kind: row.get(1)?, spec: row.get(2)? })
        });
        Ok(row.optional()?)
    }

    /// Lets it go; takes as long as the place where secrets are kept does.
    pub fn let_go(&self, shared: &Shared) {
        if let Some(kind) = shared.registry.get(&self.kind) {
            kind.let_go(self.id, &self.spec);
        }
        vault::forget_result(&*shared.vault, self.id);
    }
}
