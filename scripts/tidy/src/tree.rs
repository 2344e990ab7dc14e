//! The repository's files as the rules see them: path and text, read once.
//!
//! Lists what git tracks or would track (untracked, not ignored), so build output and run results
//! are never checked. Without a git checkout, such as an unpacked archive, it walks the folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Top-level folders left out by the walk that stands in for git; `.gitignore` names them too.
const WALK_SKIPS: [&str; 4] = [".git", "target", "data", "results"];

/// Inputs of the fuzz targets: bytes, whatever they look like.
const INPUTS: &str = "fuzz/corpus/";

/// Every file of the repository by its path relative to the root, with `/` between folders.
#[derive(Debug, Default)]
pub struct Tree {
    /// `None` for a file that is not text.
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the workspace this crate was built from.
    ///
    /// # Panics
    /// When the workspace cannot be read: a check that sees no files must not pass.
    pub fn of_workspace() -> Self {
        let root = workspace_root();
        let paths = git_files(&root).unwrap_or_else(|| walked_files(&root));
        assert!(
            paths.iter().any(|path| path == "Cargo.toml"),
            "{}: no Cargo.toml among {} listed files, so this is not the workspace root",
            root.display(),
            paths.len(),
        );
        let mut files = BTreeMap::new();
        for path in paths {
            let full = root.join(&path);
            // A file deleted but not yet staged is still listed.
            if !full.is_file() {
                continue;
            }
            let bytes = fs::read(&full).unwrap_or_else(|e| panic!("{}: {e}", full.display()));
            let text = as_text(&path, bytes);
            files.insert(path, text);
        }
        Self { files }
    }

    /// A tree of made-up files, for the tests of the rules.
    pub fn of_samples(samples: &[(&str, &str)]) -> Self {
        let text = |path: &str, text: &str| as_text(path, text.as_bytes().to_vec());
        let files = samples.iter().map(|(p, t)| (p.to_string(), text(p, t))).collect();
        Self { files }
    }

    /// The text of every text file, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text files whose name ends in `.extension`.
    pub fn with_extension<'a>(
        &'a self,
        extension: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| {
            Path::new(path).extension().is_some_and(|found| found == extension)
        })
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether `path` is a file of the repository, or a folder holding one.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(p, _)| p.starts_with(&folder))
    }
}

/// The file's text, if it is one.
fn as_text(path: &str, bytes: Vec<u8>) -> Option<String> {
    let is_bytes = path.starts_with(INPUTS) || bytes.contains(&0);
    if is_bytes { None } else { String::from_utf8(bytes).ok() }
}

/// The nearest folder above this crate whose `Cargo.toml` opens a workspace.
///
/// # Panics
/// When no folder above does.
pub fn workspace_root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here)
        .ancestors()
        .find(|dir| {
            fs::read_to_string(dir.join("Cargo.toml"))
                .is_ok_and(|text| text.contains("[workspace]"))
        })
        .unwrap_or_else(|| panic!("{here}: no folder above holds a Cargo.toml with [workspace]"))
        .to_owned()
}

/// What git lists under `root`, or `None` where there is no git or no checkout.
fn git_files(root: &Path) -> Option<Vec<String>> {
    // `safe.directory`: a fresh clone in a container often belongs to another user.
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let listing = String::from_utf8(output.stdout).expect("paths in the repository are UTF-8");
    let mut paths: Vec<String> =
        listing.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    (!paths.is_empty()).then_some(paths)
}

/// Every file under `root` outside [`WALK_SKIPS`].
fn walked_files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries {
            let path = entry.unwrap_or_else(|e| panic!("{}: {e}", folder.display())).path();
            let relative = path.strip_prefix(root).expect("walked from the root");
            let name = relative.to_str().expect("paths in the repository are UTF-8").to_owned();
            if path.is_dir() {
                let skipped = WALK_SKIPS.contains(&name.as_str()) || name.starts_with("target-");
                if !skipped {
                    folders.push(path);
                }
            } else {
                found.push(name);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_and_git_agree_on_the_sources() {
        let root = workspace_root();
        let Some(listed) = git_files(&root) else { return };
        let walked = walked_files(&root);
        let room = "scripts/tidy/src/tree.rs".to_owned();
        assert!(listed.contains(&room), "git does not list {room}");
        assert!(walked.contains(&room), "the walk does not find {room}");
        assert!(!walked.iter().any(|path| path.starts_with(".git/")), "the walk entered .git");
    }

    #[test]
    fn folders_are_known_by_the_files_in_them() {
        let tree = Tree::of_samples(&[("docs/a.md", ""), ("docs-old.md", "")]);
        assert!(tree.has("docs") && tree.has("docs/a.md") && tree.has(""));
        assert!(!tree.has("doc") && !tree.has("docs-old"));
    }
}
