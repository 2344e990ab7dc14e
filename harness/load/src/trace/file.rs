//! A trace's file, known again: it is read several times, and must say the same each time.

use std::fs::{self, Metadata};
use std::io::BufRead;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{TraceError, TraceFormat, TraceReader};

/// The file that a name stood for when it was first looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode, length, and when it was last written, in nanoseconds.
type Identity = (u64, u64, u64, i128);

impl TraceFile {
    /// Looks at it.
    ///
    /// # Errors
    /// [`TraceError::Format`] and [`TraceError::Io`].
    pub fn find(path: &Path) -> Result<Self, TraceError> {
        TraceFormat::of_compressed_path(path)?;
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it from its beginning.
    ///
    /// # Errors
    /// [`TraceError::Changed`] if it is another file by now, or was written to; [`TraceReader::open`]'s.
    pub fn open(&self) -> Result<TraceReader<Box<dyn BufRead + Send>>, TraceError> {
        if identity(&self.path)? != self.identity {
            return Err(TraceError::Changed { name: self.path.display().to_string() });
        }
        TraceReader::open(&self.path)
    }
}

fn identity(path: &Path) -> Result<Identity, TraceError> {
    let of = |found: Metadata| {
        let written_ns = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
        (found.dev(), found.ino(), found.len(), written_ns)
    };
    fs::metadata(path)
        .map(of)
        .map_err(|error| TraceError::Io { name: path.display().to_string(), error })
}
