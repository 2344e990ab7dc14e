//! Small text files of the kernel, under a root that tests can move. Gives no meaning to them.

use std::fs;
use std::path::{Path, PathBuf};

/// A root with `proc` and `sys` under it.
pub struct Sources {
    root: PathBuf,
}

impl Sources {
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// A path under the root, from one without its leading slash.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The whole file.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// The file without its line break; `None` if nothing is left.
    pub fn line(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = self.text(path)?;
        Some(text.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// The file as a number.
    pub fn number(&self, path: impl AsRef<Path>) -> Option<u64> {
        self.line(path)?.parse().ok()
    }

    /// The file as `0` or `1`.
    pub fn flag(&self, path: impl AsRef<Path>) -> Option<bool> {
        self.number(path).map(|number| number != 0)
    }
}
