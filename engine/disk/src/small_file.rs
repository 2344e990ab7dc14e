//! A small file that people wrote, read whole at start: certificates, keys, settings. Not data: nothing
//! here is checked, cached or read again.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{DiskError, DiskFault};
use crate::limits::MAX_SMALL_FILE_BYTES;

/// The file's bytes. Blocks; to be called before anything is served.
///
/// # Errors
/// With the path: it is not there, not ours to read, or larger than
/// [`MAX_SMALL_FILE_BYTES`](crate::limits::MAX_SMALL_FILE_BYTES).
pub fn read_small_file(path: &Path) -> Result<Vec<u8>, DiskError> {
    let explain = |error| DiskError::from_io("reading", path, &error);
    let file = File::open(path).map_err(explain)?;
    let mut bytes = Vec::new();
    file.take(MAX_SMALL_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(explain)?;
    if bytes.len() as u64 > MAX_SMALL_FILE_BYTES {
        let message = format!("larger than {} KiB: not such a file", MAX_SMALL_FILE_BYTES >> 10);
        return Err(DiskError::new(DiskFault::Unsupported, "reading", path, message));
    }
    Ok(bytes)
}
