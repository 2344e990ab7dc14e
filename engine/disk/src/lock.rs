//! One process at a time on a directory. Not a lock between threads: the shards share one opener.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{DiskError, DiskFault};

/// The name of the lock file in a data directory.
pub const LOCK_FILE: &str = "LOCK";

/// Holds a data directory for this process until dropped; the kernel releases it if we die.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
    path: PathBuf,
}

impl DirectoryLock {
    /// Takes the directory, which must exist.
    ///
    /// # Errors
    /// [`DiskFault::Locked`] if another process (or another opener in this one) holds it.
    pub fn acquire(directory: &Path) -> Result<Self, DiskError> {
        let path = directory.join(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| DiskError::from_io("locking", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(DiskError::new(
                DiskFault::Locked,
                "locking",
                &path,
                "another process has this directory open; stop it or choose another directory",
            )),
            Err(TryLockError::Error(error)) => Err(DiskError::from_io("locking", &path, &error)),
        }
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing the file releases it too; this only makes the release explicit and immediate.
        let _ = self.file.unlock();
    }
}
