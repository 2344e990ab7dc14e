//! The probe file: made, written through with noise, synced, and gone when dropped. Not measured
//! here.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags, fallocate, statfs, statvfs};

use crate::limits::{
    BLOCK_BYTES, FREE_SPACE_PARTS, MIN_FILE_BYTES, SEQUENTIAL_DEPTH, SEQUENTIAL_IO_BYTES,
    SMALL_FILE_BYTES,
};
use crate::measure::drive;
use crate::noise::Noise;
use crate::ring::{Request, Ring};
use crate::{ProbeError, ProbeOptions, queue};

/// A file of written extents, open for direct I/O and already without a name: whatever ends this
/// process, even `SIGKILL`, also removes it.
#[derive(Debug)]
pub struct ProbeFile {
    /// The open file; its last owner frees the space.
    pub file: Arc<File>,
    /// Size in bytes, a multiple of `sequential_io_bytes`.
    pub bytes: u64,
    /// Size of one large I/O in bytes.
    pub sequential_io_bytes: usize,
}

impl ProbeFile {
    /// Makes and fills the file, telling the share done.
    pub fn create(
        options: &ProbeOptions,
        on_share: &mut dyn FnMut(f64),
    ) -> Result<Self, ProbeError> {
        let dir = &options.dir;
        check_directory(dir)?;
        let file = Arc::new(open_unnamed(dir)?);
        let sequential_io_bytes = sequential_io_bytes(&file);
        let asked = size_that_fits(dir, options.file_bytes)?;
        let bytes = asked - asked % sequential_io_bytes as u64;

        reserve(dir, &file, bytes)?;
        let probe_file = Self { file, bytes, sequential_io_bytes };
        probe_file.fill(options, on_share).map_err(|e| explain(dir, bytes, e))?;
        Ok(probe_file)
    }

    /// Writes every extent and syncs, so that measured writes only overwrite.
    fn fill(
        &self,
        options: &ProbeOptions,
        on_share: &mut dyn FnMut(f64),
    ) -> Result<(), ProbeError> {
        let io_bytes = self.sequential_io_bytes as u64;
        let mut ring = Ring::new(self.file.clone(), SEQUENTIAL_DEPTH, self.sequential_io_bytes)?;
        let mut noise = Noise::new(self.bytes);
        let mut offsets = (0..self.bytes).step_by(self.sequential_io_bytes);
        let mut written_bytes = 0;
        drive(
            &mut ring,
            "writing the probe file",
            options,
            |ring, slot| {
                let offset = offsets.next()?;
                ring.buffer(slot).for_each(|block| noise.fill(block));
                Some(Request::Write { offset, durable: false })
            },
            |_, _| {
                written_bytes += io_bytes;
                on_share(written_bytes as f64 / self.bytes as f64);
            },
        )?;
        self.file.sync_all().map_err(ProbeError::io("syncing the probe file"))
    }
}

fn check_directory(dir: &Path) -> Result<(), ProbeError> {
    match std::fs::metadata(dir) {
        Ok(found) if !found.is_dir() => Err(ProbeError::NotADirectory { dir: dir.into() }),
        Ok(_) => refuse_memory(dir),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(ProbeError::DirectoryMissing { dir: dir.into() })
        }
        Err(e) => Err(ProbeError::Io { what: "looking at the probe's directory", source: e }),
    }
}

/// Since Linux 6.6 tmpfs takes `O_DIRECT`, and would be measured as a wonderful disk.
fn refuse_memory(dir: &Path) -> Result<(), ProbeError> {
    // From linux/magic.h.
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    const RAMFS_MAGIC: u64 = 0x8584_58f6;
    let found = statfs(dir).map_err(|e| ProbeError::Io {
        what: "looking at the probe's file system",
        source: e.into(),
    })?;
    // The field's type differs between architectures; the magic numbers fit in 32 bits.
    match (found.f_type as u64) & 0xffff_ffff {
        TMPFS_MAGIC | RAMFS_MAGIC => Err(ProbeError::NoDirectIo { dir: dir.into() }),
        _ => Ok(()),
    }
}

/// Opens a new file for direct I/O and takes its name away.
fn open_unnamed(dir: &Path) -> Result<File, ProbeError> {
    let path = unused_name(dir);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlags::DIRECT.bits() as i32)
        .open(&path)
        .map_err(|source| match source.kind() {
            // Some file systems make the file before they refuse to open it for direct I/O.
            io::ErrorKind::InvalidInput => {
                let _ = std::fs::remove_file(&path);
                ProbeError::NoDirectIo { dir: dir.into() }
            }
            io::ErrorKind::StorageFull => no_space(dir, BLOCK_BYTES as u64),
            _ => ProbeError::NotWritable { dir: dir.into(), source },
        })?;
    std::fs::remove_file(&path).map_err(ProbeError::io("unlinking the probe file"))?;
    Ok(file)
}

/// A name that no other probe uses, of this process or of another.
fn unused_name(dir: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PROBES: AtomicU64 = AtomicU64::new(0);
    let number = PROBES.fetch_add(1, Ordering::Relaxed);
    dir.join(format!(".flywheel-probe-{}-{number}", std::process::id()))
}

/// 1 MiB, or what the device takes in one piece if that is less.
fn sequential_io_bytes(file: &File) -> usize {
    let device = queue::max_io_bytes(file).unwrap_or(u64::MAX);
    let bytes = device.min(SEQUENTIAL_IO_BYTES as u64) as usize;
    (bytes - bytes % BLOCK_BYTES).max(BLOCK_BYTES)
}

/// The size asked for, or a quarter of the free space when that is less.
fn size_that_fits(dir: &Path, asked_bytes: u64) -> Result<u64, ProbeError> {
    let asked_bytes = asked_bytes.max(MIN_FILE_BYTES);
    let share = free_bytes(dir) / FREE_SPACE_PARTS;
    let bytes = asked_bytes.min(share);
    if bytes < asked_bytes.min(SMALL_FILE_BYTES) {
        return Err(no_space(dir, asked_bytes.min(SMALL_FILE_BYTES) * FREE_SPACE_PARTS));
    }
    Ok(bytes)
}

/// Has the file system set the space aside, in as few extents as it can.
fn reserve(dir: &Path, file: &File, bytes: u64) -> Result<(), ProbeError> {
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // Where the file system cannot, the writes will do.
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(e) => Err(explain(
            dir,
            bytes,
            ProbeError::Io { what: "allocating the probe file", source: e.into() },
        )),
    }
}

/// Gives two plain I/O errors of the first writes their meaning.
fn explain(dir: &Path, needed_bytes: u64, error: ProbeError) -> ProbeError {
    match error {
        ProbeError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidInput => {
            ProbeError::NoDirectIo { dir: dir.into() }
        }
        ProbeError::Io { source, .. }
            if matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ) =>
        {
            no_space(dir, needed_bytes)
        }
        other => other,
    }
}

fn no_space(dir: &Path, needed_bytes: u64) -> ProbeError {
    ProbeError::NoSpace { dir: dir.into(), needed_bytes, free_bytes: free_bytes(dir) }
}

/// Bytes that this user may still write; a file system that will not say is taken to have room.
fn free_bytes(dir: &Path) -> u64 {
    statvfs(dir).map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize))
}
