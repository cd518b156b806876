use std::path::{Path, PathBuf};

use tree_sitter::{Node, Parser, Tree};

use crate::{Problem, Result};

/// A PHP file and its syntax tree.
pub struct Document {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) tree: Tree,
}

impl Document {
    /// Reads and parses the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| {
            Problem::needs_person("config.unreadable", format!("{} cannot be read: {error}.", path.display()))
                .help("Give yourself the right to read it, or run as the user that owns the site.")
                .with("path", path.display())
        })?;
        Self::parse(path, bytes)
    }

    /// Parses `bytes` as the file at `path`.
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let refused = || {
            Problem::permanent("config.syntax", format!("{} is not PHP that can be read.", path.display()))
                .help("Check it with `php -l`.")
                .with("path", path.display())
        };
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_php::LANGUAGE_PHP.into()).map_err(|_| refused())?;
        let tree = parser.parse(&bytes, None).ok_or_else(refused)?;
        Ok(Self { path: path.to_owned(), bytes, tree })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether every statement was understood.
    pub fn is_sound(&self) -> bool {
        !self.tree.root_node().has_error()
    }

    pub(super) fn text(&self, node: Node<'_>) -> &str {
        std::str::from_utf8(&self.bytes[node.byte_range()]).unwrap_or_default()
    }
}

/// The named children of `node` that are no comments.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}
