//! Whether this host can run the engine, and if not, the one message that says what to do. Not a
//! workaround: without direct I/O or io_uring the engine's promises and figures would mean nothing.
#![allow(unsafe_code, reason = "two system calls that the standard library does not offer")]

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::error::{DiskError, DiskFault};
use crate::limits::MIN_MEMLOCK_BYTES;

/// Checks io_uring, lockable memory, and that files in `directory` (which must exist) can be
/// written directly.
///
/// # Errors
/// [`DiskFault::Unsupported`] with what to do; [`DiskFault::Denied`] where we may not write.
pub fn check(directory: &Path) -> Result<(), DiskError> {
    check_kernel(directory)?;
    check_direct_io(directory)
}

/// Checks io_uring and lockable memory only: nothing is written.
///
/// # Errors
/// [`DiskFault::Unsupported`] with what to do.
pub fn check_kernel(directory: &Path) -> Result<(), DiskError> {
    check_locked_memory(directory)?;
    check_io_uring(directory)
}

fn check_io_uring(directory: &Path) -> Result<(), DiskError> {
    // The kernel's io_uring_params is 120 bytes, all zero for defaults.
    let mut params = [0u64; 15];
    // SAFETY: io_uring_setup reads and writes 120 bytes at `params`, which lives past the call.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, params.as_mut_ptr()) };
    if ring >= 0 {
        // SAFETY: `ring` is a descriptor that the call above opened and nobody else knows.
        unsafe { libc::close(ring as i32) };
        if features_of(&params) & NEEDED_FEATURES != NEEDED_FEATURES {
            let what = "this kernel's io_uring is too old: Linux 5.15 or newer is needed";
            return Err(unsupported(directory, what.to_owned()));
        }
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let advice = match (error.raw_os_error(), setting.as_deref().map(str::trim)) {
        (Some(libc::EPERM), Ok("1" | "2")) => {
            "io_uring is disabled on this host: run `sysctl kernel.io_uring_disabled=0`"
        }
        (Some(libc::EPERM), _) => {
            "io_uring is forbidden to this process (a container's seccomp filter, most likely): \
             allow the io_uring system calls"
        }
        (Some(libc::ENOSYS), _) => "this kernel has no io_uring: Linux 5.15 or newer is needed",
        (Some(libc::EMFILE), _) => "no descriptor is left: raise `ulimit -n`",
        (Some(libc::ENOMEM), _) => "io_uring cannot lock memory: raise `ulimit -l`",
        _ => "io_uring cannot be set up",
    };
    Err(unsupported(directory, format!("{advice} ({error})")))
}

/// io_uring features that the engine's ring relies on: answers are never dropped, and a wait can end
/// with a timeout (`IORING_FEAT_NODROP`, `IORING_FEAT_EXT_ARG`).
const NEEDED_FEATURES: u32 = 1 << 1 | 1 << 8;

/// What the kernel wrote to `io_uring_params.features`, the sixth of its 32-bit fields.
fn features_of(params: &[u64; 15]) -> u32 {
    let bytes = params[2].to_ne_bytes();
    u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
}

fn check_locked_memory(directory: &Path) -> Result<(), DiskError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit at the address given, which is a live local.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) };
    if answer == 0 && limit.rlim_cur < MIN_MEMLOCK_BYTES {
        return Err(unsupported(
            directory,
            format!(
                "only {} KiB of memory may be locked and io_uring needs {} KiB: run `ulimit -l {}`",
                limit.rlim_cur >> 10,
                MIN_MEMLOCK_BYTES >> 10,
                MIN_MEMLOCK_BYTES >> 10
            ),
        ));
    }
    Ok(())
}

/// Sees to it that this process may open `more_files` files besides those it has open, and as many
/// more as it may be allowed: raises the soft limit (`ulimit -Sn`) to the hard one.
///
/// # Errors
/// [`DiskFault::TooManyFiles`] with how many are needed, if the hard limit is lower.
pub fn allow_open_files(directory: &Path, more_files: u64) -> Result<(), DiskError> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some() && limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Where that is forbidden, the check below says so if it matters.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    let needed = open_files_now() + more_files;
    let allowed = open_files_allowed();
    if needed <= allowed {
        return Ok(());
    }
    let what = format!(
        "{needed} open files are needed, two for each segment, and more as it grows; this process \
         may have {allowed}: run `ulimit -n {needed}`, or more"
    );
    Err(DiskError::new(DiskFault::TooManyFiles, "preparing", directory, what))
}

/// How many files this process may have open.
pub(crate) fn open_files_allowed() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn open_files_now() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64)
}

fn check_direct_io(directory: &Path) -> Result<(), DiskError> {
    let path = directory.join("direct-io-trial");
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(&path);
    // An EINVAL at open still leaves the created name behind.
    let removed = std::fs::remove_file(&path);
    match opened {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Err(unsupported(
            directory,
            "this file system has no direct I/O: choose a directory on ext4 or XFS on the disk \
             that is to be measured"
                .to_owned(),
        )),
        Err(error) => Err(DiskError::from_io("writing in", directory, &error)),
        Ok(_) => match removed {
            // Somebody else who opens the directory at this moment was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| DiskError::from_io("removing", &path, &error)),
        },
    }
}

fn unsupported(directory: &Path, message: String) -> DiskError {
    DiskError::new(DiskFault::Unsupported, "preparing", directory, message)
}
