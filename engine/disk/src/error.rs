//! What can go wrong with a file, said with its place. Not corruption: bytes that came back wrong
//! are the store's to detect and to name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kinds of fault that layers above treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// No space is left: writes wait or are refused, reads go on.
    NoSpace,
    /// No further file can be opened, by this process or on this host: nothing was changed, and it
    /// may work again once others are closed.
    TooManyFiles,
    /// The file or directory is not there.
    NotFound,
    /// The path exists already.
    AlreadyExists,
    /// The process may not do this here (permissions, read-only file system).
    Denied,
    /// Another process holds the directory.
    Locked,
    /// The host or file system cannot do what the engine needs; the message says what to do.
    Unsupported,
    /// The device or kernel reported a failure: nothing may be assumed of the bytes concerned.
    Io,
}

impl DiskFault {
    /// Whether there was too little of something and nothing of ours is in doubt: what was not made
    /// may be made later.
    pub fn is_shortage(self) -> bool {
        matches!(self, DiskFault::NoSpace | DiskFault::TooManyFiles)
    }
}

/// A failed operation on a file: what was tried, where, and what came back.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{}: {message}", describe(.operation, .path), place(.offset_bytes, .length_bytes))]
pub struct DiskError {
    /// What kind of fault this is.
    pub fault: DiskFault,
    /// What was tried: "reading", "writing", "syncing" ...
    pub operation: &'static str,
    /// The file or directory concerned.
    pub path: Arc<Path>,
    /// Where in the file, in bytes.
    pub offset_bytes: Option<u64>,
    /// How many bytes were asked for.
    pub length_bytes: Option<usize>,
    /// The cause, in the system's words, and what to do about it where we know.
    pub message: String,
}

impl DiskError {
    /// A fault in the system's own words, and what to do about it where we know.
    pub fn from_io(operation: &'static str, path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::new(classify(error), operation, path, in_words(error))
    }

    /// A fault in our words.
    pub fn new(
        fault: DiskFault,
        operation: &'static str,
        path: impl Into<PathBuf>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            fault,
            operation,
            path: Arc::from(path.into()),
            offset_bytes: None,
            length_bytes: None,
            message: message.into(),
        }
    }

    /// The same fault with its place in the file.
    #[must_use]
    pub fn at(mut self, offset_bytes: u64, length_bytes: usize) -> Self {
        self.offset_bytes = Some(offset_bytes);
        self.length_bytes = Some(length_bytes);
        self
    }
}

fn describe(operation: &str, path: &Path) -> String {
    format!("{operation} {}", path.display())
}

fn place(offset_bytes: &Option<u64>, length_bytes: &Option<usize>) -> String {
    match (offset_bytes, length_bytes) {
        (Some(offset), Some(length)) => format!(" at byte {offset} ({length} bytes)"),
        (Some(offset), None) => format!(" at byte {offset}"),
        _ => String::new(),
    }
}

/// The system's words, and what to do about it where that is ours to know.
fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EMFILE) => format!(
            "{error}: this process may have {} files open, and each segment takes two; raise \
             `ulimit -n`",
            crate::host::open_files_allowed()
        ),
        Some(libc::ENFILE) => format!("{error}: raise `sysctl fs.file-max`"),
        Some(libc::ENOMEM) => format!(
            "{error}: free memory, or raise the limit on it (the container's, or `ulimit -l` for \
             locked memory)"
        ),
        Some(libc::EROFS) => {
            format!("{error}: mount it for writing too, or choose another directory")
        }
        _ => error.to_string(),
    }
}

fn classify(error: &io::Error) -> DiskFault {
    if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
        return DiskFault::TooManyFiles;
    }
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskFault::NoSpace,
        io::ErrorKind::NotFound => DiskFault::NotFound,
        io::ErrorKind::AlreadyExists => DiskFault::AlreadyExists,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => DiskFault::Denied,
        io::ErrorKind::Unsupported => DiskFault::Unsupported,
        _ => DiskFault::Io,
    }
}
