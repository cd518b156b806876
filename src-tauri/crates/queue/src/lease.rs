//! Numbers of which each is somebody's alone, such as ports.

use std::ops::RangeInclusive;
use std::sync::Arc;

use clonedeck_store::rusqlite::{Connection, OptionalExtension, params};

use crate::queue::Shared;
use crate::{Error, Queue, Result};

/// A number that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The number.
    pub number: u16,
    /// Whose it is.
    pub holder: String,
}

/// The leases of one pool. In the database, so they hold between processes and over a crash: a lease ends when it is given back,
/// and whoever knows which holders are gone [sweeps](Self::sweep).
#[derive(Clone)]
pub struct Leases {
    shared: Arc<Shared>,
    pool: &'static str,
}

impl Queue {
    /// The leases of a pool, such as `port`.
    pub fn leases(&self, pool: &'static str) -> Leases {
        Leases { shared: Arc::clone(&self.shared), pool }
    }
}

impl Leases {
    /// Leases a number of `range` to `holder`: the one that it has already, if that lies in the range, else the first that
    /// nobody holds and that `is_free` says yes to. `None` when there is none. A holder has one number: another one that it
    /// had is given back.
    ///
    /// `is_free` is asked in the transaction, so that nobody else can lease meanwhile; it must be quick.
    pub async fn take(
        &self,
        holder: &str,
        range: RangeInclusive<u16>,
        is_free: impl Fn(u16) -> bool + Send + 'static,
    ) -> Result<Option<u16>> {
        let (pool, holder, now) = (self.pool, holder.to_owned(), self.shared.now_ms());
        self.shared.store.write(move |db| take(db, pool, &holder, range, &is_free, now)).await
    }

    /// Gives the number of a holder back. Answers whether it had one.
    pub async fn give_back(&self, holder: &str) -> Result<bool> {
        let (pool, holder) = (self.pool, holder.to_owned());
        let gone = move |db: &Connection| {
            let mut query = db.prepare_cached("DELETE FROM lease WHERE pool = ?1 AND holder = ?2")?;
            Ok::<_, Error>(query.execute(params![pool, holder])? > 0)
        };
        self.shared.store.write(gone).await
    }

    /// Every lease of the pool, by number.
    pub async fn all(&self) -> Result<Vec<Lease>> {
        let pool = self.pool;
        Queue { shared: Arc::clone(&self.shared) }.read(move |db| all(db, pool)).await
    }

    /// Ends the leases whose holder is gone. Answers which those were.
    pub async fn sweep(&self, is_gone: impl Fn(&Lease) -> bool + Send + 'static) -> Result<Vec<Lease>> {
        let pool = self.pool;
        let swept = move |db: &Connection| {
            let mut gone = all(db, pool)?;
            gone.retain(&is_gone);
            for lease in &gone {
                db.prepare_cached("DELETE FROM lease WHERE pool = ?1 AND number = ?2")?
                    .execute(params![pool, lease.number])?;
            }
            Ok::<_, Error>(gone)
        };
        self.shared.store.write(swept).await
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Leases").field(&self.pool).finish()
    }
}

fn take(
    db: &Connection,
    pool: &str,
    holder: &str,
    range: RangeInclusive<u16>,
    is_free: &dyn Fn(u16) -> bool,
    now: i64,
) -> Result<Option<u16>> {
    let mut own = db.prepare_cached("SELECT number FROM lease WHERE pool = ?1 AND holder = ?2")?;
    let own: Option<u16> = own.query_row([pool, holder], |row| row.get(0)).optional()?;
    if let Some(number) = own.filter(|number| range.contains(number)) {
        return Ok(Some(number));
    }
    let leased: Vec<u16> = all(db, pool)?.into_iter().map(|lease| lease.number).collect();
    let Some(number) = range.into_iter().find(|number| !leased.contains(number) && is_free(*number)) else {
        return Ok(None);
    };
    db.prepare_cached("DELETE FROM lease WHERE pool = ?1 AND holder = ?2")?.execute([pool, holder])?;
    db.prepare_cached("INSERT INTO lease (pool, number, holder, leased_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![pool, number, holder, now])?;
    Ok(Some(number))
}

fn all(db: &Connection, pool: &str) -> Result<Vec<Lease>> {
    let mut query = db.prepare_cached("SELECT number, holder FROM lease WHERE pool = ?1 ORDER BY number")?;
    let rows = query.query_map([pool], |row| Ok(Lease { number: row.get(0)?, holder: row.get(1)? }))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}
