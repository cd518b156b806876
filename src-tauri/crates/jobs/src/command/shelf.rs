use std::sync::{Arc, Mutex, PoisonError};

use clonedeck_site::Result;

use super::catalogue::Catalogue;
use crate::Programs;

/// What the command jobs of one data directory share. Clones are the same.
#[derive(Debug, Clone)]
pub struct Commands {
    programs: Programs,
    last: Arc<Mutex<Option<Read>>>,
}

/// A list, and what stood in the operator's file when it was read.
#[derive(Debug)]
struct Read {
    text: Option<String>,
    catalogue: Arc<Catalogue>,
}

impl Commands {
    /// Commands whose programs are among these. Reads and starts nothing.
    pub fn new(programs: &Programs) -> Self {
        Self { programs: programs.clone(), last: Arc::default() }
    }

    /// The list as it is now: Clonedeck's own and the operator's `commands.toml`. Every step of a command asks for it, so it is only
    /// taken apart again when the file has another content.
    ///
    /// # Errors
    /// When the file cannot be read or is not well formed; it is never used in part.
    pub fn catalogue(&self) -> Result<Arc<Catalogue>> {
        let file = self.programs.data_dir().join("commands.toml");
        let text = Catalogue::text_of(&file)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &*last
            && read.text == text
        {
            return Ok(Arc::clone(&read.catalogue));
        }
        let catalogue = Arc::new(Catalogue::with_text(text.as_deref(), &file)?);
        *last = Some(Read { text, catalogue: Arc::clone(&catalogue) });
        Ok(catalogue)
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }
}
