//! The laws of the queue, one by one.

mod admission;
mod following;
mod plans;
mod running;
mod secrets;
mod time;
#[path = "../toys/mod.rs"]
mod toys;

use std::path::Path;
use std::time::Duration;

use clonedeck_queue::DATABASE;
use clonedeck_store::rusqlite::Connection;

/// A look into the database past the queue.
fn database(dir: &Path) -> Connection {
    let db = Connection::open(dir.join(DATABASE)).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    db
}
