use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a small file of ours whole: after a crash there is the old one or the new one. Its folder is made if need be, but none above
/// that: a data folder that was taken away is not stood in for.
pub fn write_whole(file: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent()
        && !folder.is_dir()
    {
        fs::create_dir(folder)?;
    }
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut out = File::create(&new)?;
    out.write_all(text)?;
    out.sync_all()?;
    fs::rename(&new, file)
}
