use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What is mounted where: a folder may be reached by several paths that no walk up can tell to be one.
pub(super) struct Mounts(Vec<Mount>);

struct Mount {
    /// The file system, as the kernel numbers it.
    device: String,
    /// The folder of that file system that is shown.
    shows: PathBuf,
    /// Where it is shown.
    at: PathBuf,
}

impl Mounts {
    /// The mounts of this process; none where the system does not tell.
    pub(super) fn read() -> Self {
        std::fs::read("/proc/self/mountinfo").map_or_else(|_| Self(Vec::new()), |text| Self::parse(&text))
    }

    fn parse(text: &[u8]) -> Self {
        let mount = |line: &[u8]| {
            let mut fields = line.split(|byte| *byte == b' ').skip(2);
            let device = String::from_utf8_lossy(fields.next()?).into_owned();
            Some(Mount { device, shows: unescaped(fields.next()?), at: unescaped(fields.next()?) })
        };
        Self(text.split(|byte| *byte == b'\n').filter_map(mount).collect())
    }

    /// The file system and the path within it of an absolute path without links; `None` where it is not known.
    pub(super) fn place(&self, path: &Path) -> Option<(&str, PathBuf)> {
        // Of several mounts at one point the last covers the others.
        let mount = self.0.iter().filter(|mount| path.starts_with(&mount.at)).reduce(|best, next| {
            if next.at.as_os_str().len() >= best.at.as_os_str().len() { next } else { best }
        })?;
        let rest = path.strip_prefix(&mount.at).ok()?;
        Some((&mount.device, joined(&mount.shows, rest)))
    }

    /// Whether two paths are one place.
    pub(super) fn same(&self, a: &Path, b: &Path) -> bool {
        self.place(a).is_some_and(|a| self.place(b) == Some(a))
    }

    /// Whether `outer` holds `inner`, by way of any mount.
    pub(super) fn holds(&self, outer: &Path, inner: &Path) -> bool {
        let Some((device, place)) = self.place(inner) else { return inner.starts_with(outer) };
        let within = self.within(outer).map(|mount| (mount.device.as_str(), mount.shows.clone()));
        self.place(outer)
            .into_iter()
            .chain(within)
            .any(|(of, shows)| of == device && place.starts_with(shows))
    }

    /// Whether something that is mounted within `inner` is a part of `outer`.
    pub(super) fn holds_some_of(&self, outer: &Path, inner: &Path) -> bool {
        let Some((device, place)) = self.place(outer) else { return false };
        self.within(inner).any(|mount| mount.device == device && mount.shows.starts_with(&place))
    }

    fn within(&self, path: &Path) -> impl Iterator<Item = &Mount> {
        self.0.iter().filter(move |mount| mount.at.starts_with(path) && mount.at != path)
    }
}

/// `join` that leaves no slash at the end.
fn joined(path: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { path.to_owned() } else { path.join(rest) }
}

/// The kernel writes blanks and the like as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut at = 0;
    while at < field.len() {
        let octal = field
            .get(at + 1..at + 4)
            .filter(|digits| field[at] == b'\\' && digits.iter().all(u8::is_ascii_digit));
        let (byte, len) = octal.map_or((field[at], 1), |digits| {
            (digits.iter().fold(0_u8, |sum, digit| sum.wrapping_mul(8).wrapping_add(digit - b'0')), 4)
        });
        path.push(byte);
        at += len;
    }
    // A mount whose folder was removed is marked so; nothing can be at it.
    let path = path.strip_suffix(b"//deleted").unwrap_or(&path);
    OsString::from_vec(std::ffi::OsStr::from_bytes(path).as_bytes().to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts() -> Mounts {
        Mounts::parse(
            b"20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
              21 20 8:2 / /data rw - ext4 /dev/sda2 rw\n\
              22 20 8:1 /srv/shop/wp-content /mnt/content rw - ext4 /dev/sda1 rw\n\
              23 20 8:2 /media /srv/shop/media\\040files rw - ext4 /dev/sda2 rw\n",
        )
    }

    #[test]
    fn a_bind_mount_of_a_folder_of_the_source_lies_in_the_source() {
        assert!(mounts().holds(Path::new("/srv/shop"), Path::new("/mnt/content/copy")));
        assert!(mounts().holds(Path::new("/srv/shop"), Path::new("/srv/shop/copy")));
        assert!(!mounts().holds(Path::new("/srv/shop"), Path::new("/srv/copy")));
        assert!(!mounts().holds(Path::new("/srv/shop"), Path::new("/srv/shop2")));
    }

    #[test]
    fn what_is_mounted_within_the_source_belongs_to_it() {
        assert!(mounts().holds(Path::new("/srv/shop"), Path::new("/data/media/copy")));
        assert!(!mounts().holds(Path::new("/srv/shop"), Path::new("/data/copy")));
        assert!(mounts().holds_some_of(Path::new("/data"), Path::new("/srv/shop")));
        assert!(!mounts().holds_some_of(Path::new("/data/other"), Path::new("/srv/shop")));
    }

    #[test]
    fn one_folder_at_two_mounts_is_one_place() {
        let mounts = mounts();
        assert!(mounts.same(Path::new("/mnt/content"), Path::new("/srv/shop/wp-content")));
        assert!(!mounts.same(Path::new("/data"), Path::new("/")));
        assert!(!Mounts(Vec::new()).same(Path::new("/a"), Path::new("/a")), "unknown is not the same");
    }
}
