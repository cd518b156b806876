//! What the shell holds while it runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use clonedeck_api::wire::{Offer, Problem, Theme};
use clonedeck_api::{Clonedeck, Open, Runner};
use tauri::{AppHandle, Manager, async_runtime};
use tokio::sync::Notify;

use crate::pump::{Feed, Updates};

/// Goes on trying for as long as the program runs.
pub fn keep_going(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        while !shell.quitting.load(Ordering::Relaxed) {
            tokio::time::sleep(AGAIN).await;
            if shell.is_behind() {
                shell.go_on().await;
            }
        }
    });
}

/// With what the program was started.
#[derive(Debug, Default, Clone)]
pub struct Arguments {
    /// Folder of the queue; the platform's own when none.
    pub data_dir: Option<PathBuf>,
    /// Start without showing the window.
    pub hidden: bool,
    /// A folder that somebody wants cloned, or a link that says so.
    pub source: Option<String>,
}

/// What a start comes to that opens no window.
#[derive(Debug, PartialEq, Eq)]
pub enum Instead {
    /// It was asked for words, and these are they.
    Said(String),
    /// It was started with what it does not know.
    Refused(String),
}

const HELP: &str = "clonedeck-desktop [--data-dir DIR] [--hidden] [FOLDER | LINK]
The window of Clonedeck; `clonedeck --help` is the command line.";

impl Arguments {
    /// Reads the words after the program's name.
    pub fn read(words: impl Iterator<Item = OsString>) -> Result<Self, Instead> {
        let mut arguments = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--data-dir") => {
                    arguments.data_dir = Some(
                        words
                            .next()
                            .ok_or_else(|| Instead::Refused("--data-dir needs a folder.".to_owned()))?
                            .into(),
                    );
                }
                Some("--hidden") => arguments.hidden = true,
                Some("--version" | "-V") => {
                    return Err(Instead::Said(format!("clonedeck-desktop {}", env!("CARGO_PKG_VERSION"))));
                }
                Some("--help" | "-h") => return Err(Instead::Said(HELP.to_owned())),
                Some(flag) if flag.starts_with('-') => {
                    return Err(Instead::Refused(format!("{flag} is no word of this program; see --help.")));
                }
                _ => arguments.source = Some(word.to_string_lossy().into_owned()),
            }
        }
        if arguments.data_dir.is_none() {
            arguments.data_dir =
                std::env::var_os("CLONEDECK_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        }
        Ok(arguments)
    }
}

/// How soon it is tried again to open the queue, and to run it where another program did.
const AGAIN: Duration = Duration::from_secs(2);

/// What the shell holds while it runs.
pub struct Shell {
    data_dir: Option<PathBuf>,
    clonedeck: OnceLock<Clonedeck>,
    /// Why it could not be opened the last time.
    closed: Mutex<Option<Problem>>,
    /// Held by whoever opens the queue or begins to run it.
    opening: tokio::sync::Mutex<()>,
    opened: Notify,
    runner: Mutex<Option<Runner>>,
    feed: Mutex<Option<Feed>>,
    looking: Mutex<Option<String>>,
    visible: AtomicBool,
    /// Whether the program is on its way out.
    pub quitting: AtomicBool,
    /// Whether the page was asked to put a question up and has not done so yet.
    pub asking: AtomicBool,
    show: Mutex<Option<String>>,
    handed_over: Mutex<Option<Offer>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shell {
    /// Opens the queue and begins to run it, unless another process does.
    pub fn open(arguments: &Arguments) -> Self {
        let shell = Self {
            data_dir: arguments.data_dir.clone(),
            clonedeck: OnceLock::new(),
            closed: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            opened: Notify::new(),
            runner: Mutex::default(),
            feed: Mutex::default(),
            looking: Mutex::default(),
            visible: AtomicBool::new(true),
            quitting: AtomicBool::new(false),
            asking: AtomicBool::new(false),
            show: Mutex::default(),
            handed_over: Mutex::new(
                arguments
                    .source
                    .as_ref()
                    .map(|word| Offer::word(word, &std::env::current_dir().unwrap_or_default())),
            ),
        };
        async_runtime::block_on(shell.go_on());
        shell
    }

    /// Opens the queue if it is not open yet, and runs it if nobody does.
    pub async fn go_on(&self) {
        let _alone = self.opening.lock().await;
        if self.quitting.load(Ordering::Relaxed) {
            return;
        }
        if self.clonedeck.get().is_none() {
            let open = Open {
                data_dir: self.data_dir.clone(),
                holder: "the Clonedeck window".into(),
                previews_go_on: false,
                verbose: 0,
            };
            match Clonedeck::open(open).await {
                Ok(clonedeck) => {
                    let _ = self.clonedeck.set(clonedeck);
                }
                Err(problem) => {
                    *lock(&self.closed) = Some(problem);
                    return;
                }
            }
        }
        let Some(clonedeck) = self.clonedeck.get() else { return };
        if lock(&self.runner).is_none() {
            match clonedeck.work_if_nobody_does().await {
                Ok(runner) => *lock(&self.runner) = runner,
                Err(problem) => tracing::warn!(code = problem.code, "{}", problem.message),
            }
        }
        self.opened.notify_waiters();
    }

    /// Whether there is something to try again: a disk may come back, and another program may let the queue go. What needs the
    /// decision of a person is not tried behind their back.
    fn is_behind(&self) -> bool {
        match self.clonedeck.get() {
            Some(_) => lock(&self.runner).is_none(),
            None => lock(&self.closed)
                .as_ref()
                .is_none_or(|problem| problem.retryable || problem.code == "queue.data-dir-unusable"),
        }
    }

    /// The queue, or why it could not be opened.
    pub fn clonedeck(&self) -> Result<&Clonedeck, Problem> {
        self.clonedeck.get().ok_or_else(|| {
            lock(&self.closed).clone().unwrap_or_else(|| Problem {
                code: "queue.opening".into(),
                message: "The queue is being opened.".into(),
                help: String::new(),
                context: std::collections::BTreeMap::new(),
                retryable: true,
            })
        })
    }

    /// The queue, as soon as it is open.
    pub async fn opened(&self) -> &Clonedeck {
        loop {
            let opened = self.opened.notified();
            if let Some(clonedeck) = self.clonedeck.get() {
                return clonedeck;
            }
            opened.await;
        }
    }

    /// The colours that a person chose.
    pub fn theme(&self) -> Theme {
        let Some(clonedeck) = self.clonedeck.get() else { return Theme::System };
        async_runtime::block_on(clonedeck.settings()).map_or(Theme::System, |settings| settings.theme)
    }

    /// Takes the runner away, to stop it.
    pub fn take_runner(&self) -> Option<Runner> {
        lock(&self.runner).take()
    }

    /// Replaces what the page is fed from.
    pub fn set_feed(&self, feed: Feed) {
        *lock(&self.feed) = Some(feed);
    }

    /// The messages of the feed with this number, while the page is fed from it.
    pub fn feed(&self, number: u32) -> Option<Updates> {
        lock(&self.feed).as_ref()?.updates(number)
    }

    /// Whether the page can be seen: while it cannot, it gets no progress.
    pub fn visible(&self) -> bool {
        self.visible.load(Ordering::Relaxed)
    }

    /// Notes whether the page can be seen.
    pub fn set_visible(&self, visible: bool) {
        self.visible.store(visible, Ordering::Relaxed);
    }

    /// The job that a person has on the screen.
    pub fn looking(&self) -> Option<String> {
        lock(&self.looking).clone()
    }

    /// Notes the job that a person has on the screen.
    pub fn set_looking(&self, job: Option<String>) {
        *lock(&self.looking) = job;
    }

    /// Asks the page to bring a job up.
    pub fn ask_to_show(&self, job: String) {
        *lock(&self.show) = Some(job);
    }

    /// The job that the page is asked to bring up, once.
    pub fn take_show(&self) -> Option<String> {
        lock(&self.show).take()
    }

    /// Notes what was handed over from outside.
    pub fn hand_over(&self, offer: Offer) {
        *lock(&self.handed_over) = Some(offer);
    }

    /// What was handed over from outside, once.
    pub fn take_handed_over(&self) -> Option<Offer> {
        lock(&self.handed_over).take()
    }
}
