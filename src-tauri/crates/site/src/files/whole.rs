use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a small file of ours whole, with the folders above it: after a crash there is the old one or the new one.
pub fn write_whole(file: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut out = File::create(&new)?;
    out.write_all(text)?;
    out.sync_all()?;
    fs::rename(&new, file)
}
