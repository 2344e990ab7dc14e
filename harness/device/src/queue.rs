//! What the kernel says of the block device under a file: one number so far. Not the fingerprint of
//! the machine, which the report gathers.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{major, minor};

/// The largest I/O that the device takes in one piece, in bytes; `None` where no single block
/// device stands under the file (overlayfs, btrfs) or it does not say.
pub fn max_io_bytes(file: &File) -> Option<u64> {
    let device = file.metadata().ok()?.dev();
    let node = PathBuf::from(format!("/sys/dev/block/{}:{}", major(device), minor(device)));
    // A partition has no queue of its own: its disk, one folder up, has it.
    let folder = fs::canonicalize(node).ok()?;
    [folder.join("queue"), folder.join("../queue")]
        .iter()
        .find_map(|queue| fs::read_to_string(queue.join("max_sectors_kb")).ok())
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .map(|kib| kib * 1024)
}
