//! The icon in the tray and its menu. Linux has no clicks on such icons, so everything is in the menu.

use tauri::menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder, Submenu, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Wry, async_runtime};

use clonedeck_api::wire::{JobState, Offer, Steer};

use crate::glance::{Begun, Glance};
use crate::state::Shell;
use crate::{close, window};

/// Jobs that have a line of their own.
const LINES: usize = 8;
/// Characters of a title that a menu has room for.
const TITLE: usize = 40;

/// The icon and what its menu says.
pub struct Tray {
    app: AppHandle,
    icon: TrayIcon,
    menu: Words,
    shown: Shown,
}

/// The lines that change while the menu stays.
struct Words {
    status: MenuItem<Wry>,
    jobs: Vec<Submenu<Wry>>,
    queue: MenuItem<Wry>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Shown {
    status: String,
    jobs: Vec<Line>,
    paused: bool,
}

/// A job's line, with what can be done to it below.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    job: String,
    state: JobState,
    text: String,
}

impl Tray {
    /// Puts the icon up, where a host shows it.
    pub fn build(app: &AppHandle) -> tauri::Result<Option<Self>> {
        let Some(icon) = app.default_window_icon().cloned() else { return Ok(None) };
        let shown = Shown { status: "No jobs are running".to_owned(), ..Shown::default() };
        let (menu, words) = menu(app, &shown)?;
        let icon = TrayIconBuilder::with_id("main")
            .icon(icon)
            .tooltip("Clonedeck")
            .menu(&menu)
            .on_menu_event(on_menu)
            .build(app)?;
        Ok(Some(Self { app: app.clone(), icon, menu: words, shown }))
    }

    /// Says how the queue stands, when that reads differently.
    pub fn show(&mut self, glance: &Glance) {
        let shown = Shown::of(glance);
        if shown == self.shown {
            return;
        }
        if let Err(why) = self.change(&shown) {
            tracing::warn!(%why, "the tray's menu cannot be changed");
        }
        let _ = self.icon.set_tooltip(Some(format!("Clonedeck: {}", shown.status)));
        self.shown = shown;
    }

    fn change(&mut self, shown: &Shown) -> tauri::Result<()> {
        let built =
            |shown: &Shown| shown.jobs.iter().map(|line| (line.job.clone(), line.state)).collect::<Vec<_>>();
        if built(shown) != built(&self.shown) {
            let (menu, words) = menu(&self.app, shown)?;
            self.icon.set_menu(Some(menu))?;
            self.menu = words;
            return Ok(());
        }
        if shown.status != self.shown.status {
            self.menu.status.set_text(&shown.status)?;
        }
        for (item, (new, old)) in self.menu.jobs.iter().zip(shown.jobs.iter().zip(&self.shown.jobs)) {
            if new.text != old.text {
                item.set_text(&new.text)?;
            }
        }
        if shown.paused != self.shown.paused {
            self.menu.queue.set_text(queue_word(shown.paused))?;
        }
        Ok(())
    }
}

impl Shown {
    fn of(glance: &Glance) -> Self {
        let status = match (glance.running().count(), glance.paused()) {
            (0, false) => "No jobs are running".to_owned(),
            (0, true) => "The queue is paused".to_owned(),
            (1, _) => "1 job is running".to_owned(),
            (many, _) => format!("{many} jobs are running"),
        };
        let jobs = glance.begun().into_iter().take(LINES).map(Line::of).collect();
        Self { status, jobs, paused: glance.paused() }
    }
}

impl Line {
    fn of(job: &Begun) -> Self {
        let mut title: String = job.title.chars().take(TITLE).collect();
        if job.title.chars().count() > TITLE {
            title.push('…');
        }
        // A single one would mark the key of the entry.
        let title = title.replace('&', "&&");
        let text = match job.state {
            JobState::Paused => format!("{title} · paused"),
            JobState::Waiting => format!("{title} · waiting"),
            _ => format!("{title} · {:.0} %", job.progress.floor()),
        };
        Self { job: job.job.clone(), state: job.state, text }
    }

    fn build(&self, app: &AppHandle) -> tauri::Result<Submenu<Wry>> {
        let entry = |does: Does, says: &str| MenuItemBuilder::with_id(does.id(&self.job), says).build(app);
        let steer = match self.state {
            JobState::Paused => entry(Does::Resume, "Resume")?,
            JobState::Waiting => entry(Does::Retry, "Try again now")?,
            _ => entry(Does::Pause, "Pause")?,
        };
        SubmenuBuilder::new(app, &self.text)
            .item(&entry(Does::Show, "Show")?)
            .item(&steer)
            .separator()
            .item(&entry(Does::Cancel, "Cancel…")?)
            .build()
    }
}

/// What an entry below a job's line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Show,
    Pause,
    Resume,
    Retry,
    Cancel,
}

impl Does {
    const ALL: [(Self, &str); 5] = [
        (Self::Show, "show"),
        (Self::Pause, "pause"),
        (Self::Resume, "resume"),
        (Self::Retry, "retry"),
        (Self::Cancel, "cancel"),
    ];

    fn id(self, job: &str) -> String {
        let word = Self::ALL.iter().find(|(does, _)| *does == self).map_or("show", |(_, word)| word);
        format!("{word}:{job}")
    }

    fn read(id: &str) -> Option<(Self, &str)> {
        let (word, job) = id.split_once(':')?;
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(does, _)| (*does, job))
    }

    fn follow(self, app: &AppHandle, job: &str) {
        let steer = match self {
            Self::Show => return window::show_job(app, job),
            // What will be undone is said in the window, and asked.
            Self::Cancel => return window::offer(app, Offer::cancel(job)),
            Self::Pause => Steer::Pause,
            Self::Resume => Steer::Resume,
            Self::Retry => Steer::Retry,
        };
        let (app, job) = (app.clone(), job.to_owned());
        async_runtime::spawn(async move {
            let shell = app.state::<Shell>();
            if let Ok(clonedeck) = shell.clonedeck()
                && let Err(problem) = clonedeck.steer(&job, steer).await
            {
                tracing::warn!(code = problem.code, "{}", problem.message);
            }
        });
    }
}

fn queue_word(paused: bool) -> &'static str {
    if paused { "Resume the queue" } else { "Pause the queue" }
}

fn menu(app: &AppHandle, shown: &Shown) -> tauri::Result<(Menu<Wry>, Words)> {
    let status = MenuItemBuilder::with_id("status", &shown.status).enabled(false).build(app)?;
    let queue = MenuItemBuilder::with_id("queue", queue_word(shown.paused)).build(app)?;
    let jobs = shown.jobs.iter().map(|line| line.build(app)).collect::<tauri::Result<Vec<_>>>()?;
    let mut builder = MenuBuilder::new(app).item(&status);
    for job in &jobs {
        builder = builder.item(job);
    }
    let menu = builder
        .separator()
        .text("open", "Open Clonedeck")
        .text("new", "New clone…")
        .item(&queue)
        .separator()
        .text("quit", "Quit")
        .build()?;
    Ok((menu, Words { status, jobs, queue }))
}

fn on_menu(app: &AppHandle, event: tauri::menu::MenuEvent) {
    let app = app.clone();
    match event.id().as_ref() {
        "open" => window::raise(&app),
        "new" => window::offer(&app, Offer::new_clone()),
        "queue" => {
            async_runtime::spawn(async move {
                let shell = app.state::<Shell>();
                if let Ok(clonedeck) = shell.clonedeck()
                    && let Err(problem) = clonedeck.toggle_queue().await
                {
                    tracing::warn!(code = problem.code, "{}", problem.message);
                }
            });
        }
        "quit" => {
            async_runtime::spawn(async move { close::ask_quit(&app).await });
        }
        other => {
            if let Some((does, job)) = Does::read(other) {
                does.follow(&app, job);
            }
        }
    }
}

/// Whether something shows tray icons here.
#[cfg(target_os = "linux")]
pub async fn host_is_there() -> bool {
    let Ok(bus) = zbus::Connection::session().await else { return false };
    let Ok(names) = zbus::fdo::DBusProxy::new(&bus).await else { return false };
    let Ok(name) = zbus::names::BusName::try_from("org.kde.StatusNotifierWatcher") else { return false };
    names.name_has_owner(name).await.unwrap_or(false)
}

/// Whether something shows tray icons here.
#[cfg(not(target_os = "linux"))]
pub async fn host_is_there() -> bool {
    true
}
