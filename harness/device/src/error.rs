//! Why a probe could not be taken, each with what to do about it. Not a slow disk: that is a figure.

use std::io;
use std::path::PathBuf;

/// Why the probe gave no figures.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The directory does not exist.
    #[error("{} does not exist: create it on the disk that you want to measure", dir.display())]
    DirectoryMissing {
        /// The directory asked for.
        dir: PathBuf,
    },
    /// The path is a file or another thing that holds no files.
    #[error("{} is not a directory", dir.display())]
    NotADirectory {
        /// The path asked for.
        dir: PathBuf,
    },
    /// The directory refuses new files.
    #[error("cannot create a file in {}: {source}", dir.display())]
    NotWritable {
        /// The directory asked for.
        dir: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file system has no direct I/O, or no disk under it.
    #[error(
        "the file system of {} has no direct I/O to a disk: choose a directory on ext4 or XFS \
         (a memory file system such as tmpfs has no disk to measure)",
        dir.display()
    )]
    NoDirectIo {
        /// The directory asked for.
        dir: PathBuf,
    },
    /// The kernel forbids io_uring to this process.
    #[error(
        "io_uring is not permitted here: set `sysctl kernel.io_uring_disabled=0`, and in a \
         container allow it in the seccomp profile (for Docker: `--security-opt seccomp=unconfined`)"
    )]
    RingDisabled,
    /// The kernel has no io_uring at all.
    #[error("this kernel has no io_uring: Linux 5.15 or later is needed")]
    RingUnsupported,
    /// The limit on locked memory leaves no room for a ring.
    #[error(
        "locked memory is limited to {limit_bytes} bytes, too little for a ring: raise it with \
         `ulimit -l unlimited`, or with LimitMEMLOCK=infinity in a systemd unit"
    )]
    LockedMemory {
        /// `RLIMIT_MEMLOCK`, in bytes.
        limit_bytes: u64,
    },
    /// The file system has too little room.
    #[error(
        "{} has {free_bytes} bytes free, and the probe needs {needed_bytes}: free some space, or \
         ask for a smaller probe file",
        dir.display()
    )]
    NoSpace {
        /// The directory asked for.
        dir: PathBuf,
        /// Bytes that the probe file would take.
        needed_bytes: u64,
        /// Bytes that this user may still write.
        free_bytes: u64,
    },
    /// The stop flag was raised: the probe ended early and has no figures.
    #[error("the probe was stopped")]
    Stopped,
    /// The kernel or the disk failed an operation.
    #[error("{what} failed: {source}")]
    Io {
        /// The operation.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// An I/O moved fewer bytes than asked, which within a fully written file must not happen.
    #[error("{what} moved {moved_bytes} bytes of {asked_bytes}")]
    Short {
        /// The operation.
        what: &'static str,
        /// Bytes moved.
        moved_bytes: usize,
        /// Bytes asked for.
        asked_bytes: usize,
    },
}

impl ProbeError {
    /// For `map_err`: an [`ProbeError::Io`] of the named operation.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// Reads what the kernel says when a ring cannot be made.
    pub(crate) fn ring(source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::RingDisabled,
            Some(libc::ENOSYS) => Self::RingUnsupported,
            Some(libc::ENOMEM) => {
                let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock);
                Self::LockedMemory { limit_bytes: limit.current.unwrap_or(u64::MAX) }
            }
            _ => Self::Io { what: "setting up an io_uring", source },
        }
    }
}
