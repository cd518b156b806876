use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use clonedeck_site::{Problem, Result, Watch};
use clonedeck_site::{Stopped, Unit};
use serde::{Deserialize, Serialize};

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Bytes, all files together.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes for each byte of the archive; only looked at above 16 MiB.
    pub ratio: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { bytes: 4 << 30, entries: 200_000, ratio: 200 }
    }
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
}

/// Below this no ratio is suspicious: zeros compress well.
const HARMLESS: u64 = 16 << 20;
const DEEPEST: usize = 64;
const LONGEST: usize = 1024;

/// The kinds of archives, told by how their names end.
#[derive(Clone, Copy)]
enum Sort {
    Zip,
    Tar,
    TarGz,
    TarZst,
}

const ENDINGS: [(&str, Sort); 6] = [
    (".zip", Sort::Zip),
    (".tar.gz", Sort::TarGz),
    (".tgz", Sort::TarGz),
    (".tar.zst", Sort::TarZst),
    (".tzst", Sort::TarZst),
    (".tar", Sort::Tar),
];

fn sort_of(archive: &Path) -> Option<Sort> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, sort)| *sort)
}

/// Whether the name is that of an archive which [`unpack`] knows.
pub fn is_archive(path: &Path) -> bool {
    sort_of(path).is_some()
}

/// Unpacks `archive` (`.zip`, `.tar`, `.tar.gz`, `.tgz`, `.tar.zst`) into `target`, an empty folder. Nothing is written outside of it,
/// whatever the archive says, and no more than `allowance`.
///
/// # Errors
/// With the reason, when the archive is damaged, hostile, or of an unknown kind. What was written until then stays in `target`.
pub fn unpack(archive: &Path, target: &Path, allowance: Allowance, watch: &dyn Watch) -> Result<Unpacked> {
    let file = File::open(archive).map_err(|error| cannot_read(archive, &error))?;
    let size = file.metadata().map_err(|error| cannot_read(archive, &error))?.len();
    let mut room = Room {
        target: target.to_owned(),
        allowance,
        size: size.max(1),
        seen: HashSet::new(),
        links: Vec::new(),
        done: Unpacked::default(),
        watch,
    };
    let outcome = match sort_of(archive) {
        Some(Sort::Zip) => zip(file, &mut room),
        Some(Sort::TarGz) => tar(flate2::read::MultiGzDecoder::new(BufReader::new(file)), &mut room),
        Some(Sort::TarZst) => {
            let reader = ruzstd::decoding::StreamingDecoder::new(BufReader::new(file));
            reader.map_err(|error| Refusal::damaged(&error)).and_then(|reader| tar(reader, &mut room))
        }
        Some(Sort::Tar) => tar(BufReader::new(file), &mut room),
        None => Err(Refusal::Bad("it is no .zip, .tar, .tar.gz or .tar.zst".into())),
    };
    outcome.and_then(|()| room.make_links()).map_err(|refusal| refusal.into_problem(archive, target))?;
    Ok(room.done)
}

/// Why unpacking ended early.
enum Refusal {
    /// The archive's fault.
    Bad(String),
    /// The disk's fault.
    Write(io::Error),
    Stopped,
}

impl Refusal {
    fn damaged(error: &dyn std::fmt::Display) -> Self {
        Self::Bad(format!("it is damaged ({error})"))
    }

    fn into_problem(self, archive: &Path, target: &Path) -> Problem {
        let shown = archive.display();
        match self {
            Self::Bad(reason) => Problem::permanent(
                "archive.refused",
                format!("{shown} was not unpacked: {reason}."),
            )
            .help("Nothing of it is used. Pack the project anew, or look at where the archive comes from.")
            .with("archive", shown),
            Self::Write(error) if error.kind() == io::ErrorKind::StorageFull => {
                Problem::needs_person("disk.full", format!("There is no room to unpack {shown}."))
                    .help("Make room; the job goes on by itself.")
                    .with("path", target.display())
            }
            Self::Write(error) => Problem::permanent(
                "archive.write",
                format!("{shown} cannot be unpacked into {}: {error}.", target.display()),
            )
            .with("archive", shown),
            Self::Stopped => Stopped.into(),
        }
    }
}

/// The folder that is filled, and what is allowed in it.
struct Room<'a> {
    target: PathBuf,
    allowance: Allowance,
    size: u64,
    seen: HashSet<PathBuf>,
    /// Made last, so that nothing is ever written through one.
    links: Vec<(PathBuf, PathBuf)>,
    done: Unpacked,
    watch: &'a dyn Watch,
}

impl Room<'_> {
    /// Takes in the name of an entry. `None` for the folder itself.
    fn admit(&mut self, name: &[u8]) -> Result<Option<PathBuf>, Refusal> {
        if self.watch.stop_requested() {
            return Err(Refusal::Stopped);
        }
        let path = safe(name)?;
        self.done.entries += 1;
        if self.done.entries > self.allowance.entries {
            return Err(Refusal::Bad(format!("it holds more than {} entries", self.allowance.entries)));
        }
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        Ok(Some(path))
    }

    fn once(&mut self, path: &Path) -> Result<(), Refusal> {
        if self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        Err(Refusal::Bad(format!("it holds {} twice", path.display())))
    }

    fn folder(&self, path: &Path) -> Result<(), Refusal> {
        fs::create_dir_all(self.target.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                Refusal::Bad(format!("{} is a file and a folder at once", path.display()))
            }
            _ => Refusal::Write(error),
        })
    }

    fn parent(&self, path: &Path) -> Result<(), Refusal> {
        path.parent().map_or(Ok(()), |parent| self.folder(parent))
    }

    fn file(&mut self, path: &Path, mut content: impl Read, executable: bool) -> Result<(), Refusal> {
        self.once(path)?;
        self.parent(path)?;
        let place = self.target.join(path);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&place).map_err(|error| {
            match error.kind() {
                io::ErrorKind::AlreadyExists => Refusal::Bad(format!("it holds {} twice", path.display())),
                _ => Refusal::Write(error),
            }
        })?;
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = content.read(&mut chunk).map_err(|error| Refusal::damaged(&error))?;
            if read == 0 {
                break;
            }
            self.count(read as u64)?;
            file.write_all(&chunk[..read]).map_err(Refusal::Write)?;
        }
        drop(file);
        set_mode(&place, executable).map_err(Refusal::Write)
    }

    /// Counts what really comes out, not what the archive says.
    fn count(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.done.bytes += bytes;
        if self.done.bytes > self.allowance.bytes {
            return Err(Refusal::Bad(format!("it holds more than {} MB", self.allowance.bytes >> 20)));
        }
        if self.done.bytes > HARMLESS && self.done.bytes / self.size > self.allowance.ratio {
            return Err(Refusal::Bad(format!(
                "it grows to more than {} times its size",
                self.allowance.ratio
            )));
        }
        if self.watch.stop_requested() {
            return Err(Refusal::Stopped);
        }
        self.watch.progress(self.done.bytes, 0, Unit::Bytes);
        Ok(())
    }

    fn link(&mut self, path: PathBuf, to: &[u8]) -> Result<(), Refusal> {
        self.once(&path)?;
        let outside = || Refusal::Bad(format!("its link {} leads out of it", path.display()));
        let to = PathBuf::from(std::str::from_utf8(to).map_err(|_| outside())?);
        let mut depth = path.components().count() as i64 - 1;
        for part in to.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::CurDir => {}
                Component::ParentDir => depth -= 1,
                Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
            if depth < 0 {
                return Err(outside());
            }
        }
        if to.as_os_str().is_empty() {
            return Err(outside());
        }
        self.links.push((path, to));
        Ok(())
    }

    /// Makes the links, then looks where each really leads: two harmless ones can lead out together.
    fn make_links(&mut self) -> Result<(), Refusal> {
        let links = std::mem::take(&mut self.links);
        for (path, to) in &links {
            self.parent(path)?;
            symlink(to, &self.target.join(path)).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Refusal::Bad(format!("it holds {} twice", path.display())),
                _ => Refusal::Write(error),
            })?;
        }
        let root = self.target.canonicalize().map_err(Refusal::Write)?;
        for (path, to) in &links {
            let place = self.target.join(path);
            let leads = place.canonicalize().ok().or_else(|| resolved(&place, to));
            if !leads.is_some_and(|leads| leads.starts_with(&root)) {
                for (path, _) in &links {
                    let _ = fs::remove_file(self.target.join(path));
                }
                return Err(Refusal::Bad(format!("its link {} leads out of it or nowhere", path.display())));
            }
        }
        Ok(())
    }
}

/// Where a link leads whose end is not there: as far as it can be followed.
fn resolved(place: &Path, to: &Path) -> Option<PathBuf> {
    let mut at = place.parent()?.canonicalize().ok()?;
    for part in to.components() {
        match part {
            Component::Normal(name) => {
                at.push(name);
                at = if at.symlink_metadata().is_ok() { at.canonicalize().ok()? } else { at };
            }
            Component::ParentDir => {
                at.pop();
            }
            _ => {}
        }
    }
    Some(at)
}

/// A name that stays within the folder on every system.
fn safe(name: &[u8]) -> Result<PathBuf, Refusal> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let bad = |reason: &str| Refusal::Bad(format!("its entry {shown:?} {reason}"));
    let text = std::str::from_utf8(name).map_err(|_| bad("has a name that is no text"))?;
    if text.len() > LONGEST {
        return Err(bad("has a name that is too long"));
    }
    if text.chars().any(char::is_control) || text.contains(['\\', ':']) {
        return Err(bad("has a name that is not safe everywhere"));
    }
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(bad("leads out of the archive")),
            Component::RootDir | Component::Prefix(_) => return Err(bad("has an absolute name")),
        }
    }
    if path.components().count() > DEEPEST {
        return Err(bad("is nested too deep"));
    }
    Ok(path)
}

fn tar(reader: impl Read, room: &mut Room) -> Result<(), Refusal> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(|error| Refusal::damaged(&error))? {
        let mut entry = entry.map_err(|error| Refusal::damaged(&error))?;
        let kind = entry.header().entry_type();
        if matches!(kind, tar::EntryType::XGlobalHeader) {
            continue;
        }
        let Some(path) = room.admit(&entry.path_bytes())? else { continue };
        match kind {
            tar::EntryType::Directory => room.folder(&path)?,
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                let executable = entry.header().mode().unwrap_or(0) & 0o111 != 0;
                room.file(&path, &mut entry, executable)?;
            }
            tar::EntryType::Symlink => {
                let to = entry.link_name_bytes().unwrap_or_default().into_owned();
                room.link(path, &to)?;
            }
            tar::EntryType::Link => {
                let to = safe(&entry.link_name_bytes().unwrap_or_default())?;
                room.once(&path)?;
                room.parent(&path)?;
                let source = room.target.join(&to);
                if !room.seen.contains(&to) || !source.symlink_metadata().is_ok_and(|found| found.is_file()) {
                    return Err(Refusal::Bad(format!(
                        "its entry {} is a link to what is not in it",
                        path.display()
                    )));
                }
                fs::hard_link(source, room.target.join(&path)).map_err(Refusal::Write)?;
            }
            _ => {
                return Err(Refusal::Bad(format!("its entry {} is no file, folder or link", path.display())));
            }
        }
    }
    Ok(())
}

fn zip(file: File, room: &mut Room) -> Result<(), Refusal> {
    const LINK: u32 = 0o120_000;
    const KIND: u32 = 0o170_000;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| Refusal::damaged(&error))?;
    if archive.len() as u64 > room.allowance.entries {
        return Err(Refusal::Bad(format!("it holds more than {} entries", room.allowance.entries)));
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| Refusal::damaged(&error))?;
        if entry.encrypted() {
            return Err(Refusal::Bad("it is encrypted".into()));
        }
        let name = entry.name_raw().to_vec();
        let is_folder = name.ends_with(b"/");
        let mode = entry.unix_mode().unwrap_or(0);
        let Some(path) = room.admit(&name)? else { continue };
        match mode & KIND {
            _ if is_folder => room.folder(&path)?,
            LINK => {
                let mut to = Vec::new();
                entry
                    .by_ref()
                    .take(LONGEST as u64 + 1)
                    .read_to_end(&mut to)
                    .map_err(|error| Refusal::damaged(&error))?;
                room.link(path, &to)?;
            }
            0 | 0o100_000 => room.file(&path, &mut entry, mode & 0o111 != 0)?,
            _ => {
                return Err(Refusal::Bad(format!("its entry {} is no file, folder or link", path.display())));
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &Path, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, place)
}

#[cfg(not(unix))]
fn symlink(to: &Path, place: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, place)
}

fn cannot_read(archive: &Path, error: &io::Error) -> Problem {
    Problem::permanent("archive.read", format!("{} cannot be read: {error}.", archive.display()))
        .with("archive", archive.display())
}
