//! Owner, extended attributes, mode and times: what makes a copy the same file.

use std::os::fd::BorrowedFd;

use rustix::fs::{Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::files::meta::{Meta, Mtime};

/// What could not be kept, without that being a failure.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub owner: bool,
    pub attributes: u64,
}

/// Gives `to` (which `now` was just said of) everything that `wanted` says and the extended attributes of `from`.
///
/// The order matters: a new owner clears set-uid bits and capabilities, an access list changes the mode, and times come last.
pub(super) fn apply(
    from: Option<BorrowedFd<'_>>,
    to: BorrowedFd<'_>,
    now: &Meta,
    wanted: &Meta,
    is_root: bool,
) -> Result<Refused, Errno> {
    let mut refused = Refused { owner: !take_owner(to, now, wanted, is_root)?, ..Refused::default() };
    let mut listed = false;
    if let Some(from) = from {
        (listed, refused.attributes) = take_attributes(from, to)?;
    }
    let mut mode = wanted.mode;
    if refused.owner {
        // Set-uid for somebody else than was meant is a hole.
        mode &= 0o1777;
    }
    if listed || now.mode != mode || now.uid != wanted.uid || now.gid != wanted.gid {
        rustix::fs::fchmod(to, Mode::from_raw_mode(mode as _))?;
    }
    rustix::fs::futimens(to, &times(wanted))?;
    Ok(refused)
}

/// Whether owner and group are as wanted now.
fn take_owner(to: BorrowedFd<'_>, now: &Meta, wanted: &Meta, is_root: bool) -> Result<bool, Errno> {
    if (now.uid, now.gid) == (wanted.uid, wanted.gid) {
        return Ok(true);
    }
    let uid = (now.uid != wanted.uid && is_root).then(|| Uid::from_raw(wanted.uid));
    let gid = (now.gid != wanted.gid).then(|| Gid::from_raw(wanted.gid));
    if uid.is_none() && gid.is_none() {
        return Ok(false);
    }
    match rustix::fs::fchown(to, uid, gid) {
        Ok(()) => Ok(is_root || now.uid == wanted.uid),
        Err(Errno::PERM | Errno::ACCESS | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Copies the extended attributes; answers whether there were any, and how many were refused.
fn take_attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<(bool, u64), Errno> {
    let mut names = [0_u8; 1024];
    let mut many = Vec::new();
    let names = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::ACCESS) => return Ok((false, 0)),
        Ok(len) => &names[..len],
        Err(Errno::RANGE) => {
            many.resize(64 << 10, 0);
            let len = rustix::fs::flistxattr(from, &mut many[..])?;
            &many[..len]
        }
        Err(error) => return Err(error),
    };
    let mut refused = 0;
    let mut value = vec![0_u8; 64 << 10];
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = std::ffi::CStr::from_bytes_with_nul(name) else { continue };
        let Ok(len) = rustix::fs::fgetxattr(from, name, &mut value[..]) else {
            refused += 1;
            continue;
        };
        match rustix::fs::fsetxattr(to, name, &value[..len], XattrFlags::empty()) {
            Ok(()) => {}
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::ROFS)) => return Err(error),
            Err(_) => refused += 1,
        }
    }
    Ok((true, refused))
}

/// The times that a copy carries.
pub(super) fn times(wanted: &Meta) -> Timestamps {
    let time = |time: Mtime| Timespec { tv_sec: time.seconds, tv_nsec: time.nanos.into() };
    Timestamps { last_access: time(wanted.atime), last_modification: time(wanted.mtime) }
}
