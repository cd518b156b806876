//! The store itself: a writer thread and a few lent-out readers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::writer::{Operation, Write, Writer};
use crate::{Migrations, StoreError, connect, damage};

/// Idle reader connections that are kept for the next reader.
const IDLE_READERS: usize = 4;

/// One database file, open. Clones share it; the file is closed when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    /// What the file was when it was opened.
    identity: Option<Identity>,
    inbox: Mutex<Option<Sender<Box<dyn Operation>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("file", &self.inner.file).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens `data_dir/name`, making folder and file when they are not there and migrating the file when it is older.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the folder cannot be used, [`StoreError::Newer`] and [`StoreError::Foreign`] for
    /// files that are not for this program, [`StoreError::Damaged`] after the file was moved aside.
    pub fn open(data_dir: &Path, name: &str, migrations: &Migrations) -> Result<Self, StoreError> {
        let file = data_dir.join(name);
        make_private_folder(data_dir)?;
        if let Err(error) = fs::File::options().read(true).write(true).open(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(StoreError::unusable(file, &error));
        }
        let open = || -> Result<(Writer, Connection), StoreError> {
            let mut db = connect::writer(&file)?;
            migrations.apply(&mut db, &file)?;
            Ok((Writer::new(db, file.clone())?, connect::reader(&file)?))
        };
        let (writer, reader) = open().map_err(|error| damage::set_aside(error.at(&file), &file))?;
        let (inbox, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.serve(&receiver))
            .map_err(|error| StoreError::unusable(&file, &error))?;
        Ok(Self {
            inner: Arc::new(Inner {
                identity: identity(&file),
                file,
                inbox: Mutex::new(Some(inbox)),
                thread: Mutex::new(Some(thread)),
                readers: Mutex::new(vec![reader]),
            }),
        })
    }

    /// The database file.
    pub fn file(&self) -> &Path {
        &self.inner.file
    }

    /// Whether the data directory is where it was and as writable as it was. When it is not, what is written may go into the open
    /// file all the same, but nothing else can be put beside it.
    pub fn place(&self) -> Place {
        let now = identity(&self.inner.file);
        if now.is_none() || now != self.inner.identity {
            return Place::Gone;
        }
        let folder = self.inner.file.parent().unwrap_or(Path::new("."));
        if may_write(folder) { Place::Here } else { Place::ReadOnly }
    }

    /// Hands `work` to the writer. `after` is called on the writer's thread once the commit is on the disk, or with the
    /// error when it is not; it must be quick and must not wait for another write.
    pub fn write_then<F, R, E, A>(&self, work: F, after: A)
    where
        F: FnOnce(&Connection) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        A: FnOnce(Result<R, E>) + Send + 'static,
    {
        let operation = Box::new(Write::new(work, after));
        let refused = match lock(&self.inner.inbox).as_ref() {
            Some(inbox) => inbox.send(operation).map_err(|unsent| unsent.0).err(),
            None => Some(operation as Box<dyn Operation>),
        };
        if let Some(operation) = refused {
            operation.settle(Err(StoreError::Closed));
        }
    }

    /// Runs `work` in a transaction and answers when it is durable. An `Err` from `work` undoes what it wrote.
    ///
    /// Dropping the future does not take the write back.
    pub async fn write<F, R, E>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&Connection) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.write_then(work, move |answer| {
            let _ = sender.send(answer);
        });
        receiver.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::write`] for threads that may block.
    pub fn write_wait<F, R, E>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&Connection) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.write_then(work, move |answer| {
            let _ = sender.send(answer);
        });
        receiver.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Lends a connection that cannot write. It sees every commit made before the call; it blocks the calling thread
    /// for as long as `work` takes.
    pub fn read<F, R, E>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&Connection) -> Result<R, E>,
        E: From<StoreError>,
    {
        let idle = lock(&self.inner.readers).pop();
        let db = match idle {
            Some(db) => db,
            None => connect::reader(&self.inner.file).map_err(|error| error.at(&self.inner.file))?,
        };
        let answer = work(&db);
        let mut readers = lock(&self.inner.readers);
        if readers.len() < IDLE_READERS && db.is_autocommit() {
            readers.push(db);
        }
        answer
    }

    /// A way to see that something was committed, by this process or another one.
    pub fn watch_commits(&self) -> Result<CommitWatch, StoreError> {
        let db = connect::reader(&self.inner.file).map_err(|error| error.at(&self.inner.file))?;
        Ok(CommitWatch { db, seen: None })
    }

    /// Reads the whole file for damage; `Ok` when SQLite finds none. Takes as long as reading the file does.
    pub fn verify(&self) -> Result<(), StoreError> {
        let verdict: String = self.read(|db| {
            db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(StoreError::from)
        })?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(StoreError::Damaged {
            path: self.inner.file.clone(),
            why: verdict,
            moved_to: None,
            newest_backup: crate::newest_backup(&self.inner.file),
        })
    }

    /// Closes the file after what was handed in is written; later calls get [`StoreError::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }
}

/// Sees commits without reading any table.
pub struct CommitWatch {
    db: Connection,
    seen: Option<i64>,
}

impl CommitWatch {
    /// Whether there was a commit since the last call; `true` the first time. Takes a few microseconds.
    pub fn changed(&mut self) -> bool {
        let version = self
            .db
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .ok();
        let changed = version != self.seen || version.is_none();
        self.seen = version;
        changed
    }
}

impl Inner {
    fn close(&self) {
        lock(&self.inbox).take();
        let thread = lock(&self.thread).take();
        lock(&self.readers).clear();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// How the data directory is found after it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where and as it was.
    Here,
    /// Its folder was moved, or its disk taken away.
    Gone,
    /// There, but nothing new can be made in it.
    ReadOnly,
}

#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|found| !found.permissions().readonly())
}

/// What tells a file from another one that has its name.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

#[cfg(unix)]
fn identity(file: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(file: &Path) -> Option<Identity> {
    // A file that is open is not moved there.
    file.exists().then_some(())
}

fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StoreError::unusable(folder, &error))
}
