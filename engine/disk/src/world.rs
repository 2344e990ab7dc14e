//! The seam: what the engine asks of the machine it runs on. Not an abstraction over many back ends:
//! exactly what the store and the shards need, so that a simulated machine can stand in for a real
//! one and the same code runs on both.

use std::fmt::Debug;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use crate::error::DiskError;

/// The suffix of files that are still being created. After a crash one may be left behind; whoever
/// opens a directory may delete it.
pub const UNFINISHED_SUFFIX: &str = ".unfinished";

/// Which of a core's task queues a task belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskClass {
    /// Requests that somebody waits for.
    Foreground,
    /// Making writes durable and acknowledging them.
    Commit,
    /// Compaction, checkpoints, preparing segments: few shares, small slices.
    Background,
}

/// Memory that direct I/O can be made from: aligned, writable, of a fixed length.
pub type Buffer<W> = <W as World>::Buffer;

/// One core's machine: its files, its clock, its tasks. Clones share the machine.
///
/// Single-threaded on purpose: a world never leaves the core it was made on.
#[allow(async_fn_in_trait, reason = "futures stay on one core and need not be Send")]
pub trait World: Clone + 'static {
    /// An open file.
    type File: File<Buffer = Self::Buffer>;
    /// Memory for writes.
    type Buffer: DerefMut<Target = [u8]> + Debug + 'static;

    /// Nanoseconds since some fixed moment; never goes back.
    fn now_ns(&self) -> u64;

    /// Waits at least this long.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static;

    /// Lets other tasks of this core run, if this one has had its slice.
    fn yield_if_needed(&self) -> impl Future<Output = ()> + 'static;

    /// Runs a task on this core until it ends. Its end is the caller's to learn of.
    fn spawn(&self, class: TaskClass, task: impl Future<Output = ()> + 'static);

    /// A zeroed buffer of `length_bytes`, a multiple of [`crate::limits::BLOCK_BYTES`].
    fn buffer(&self, length_bytes: usize) -> Self::Buffer;

    /// Creates a file of exactly `size_bytes`, every byte written with zero and durable, its name
    /// durable in its directory. Until it returns, no file of that name exists.
    async fn create(&self, path: &Path, size_bytes: u64) -> Result<Self::File, DiskError>;

    /// Opens an existing file for reading and writing.
    async fn open(&self, path: &Path) -> Result<Self::File, DiskError>;

    /// Deletes a file, durably.
    async fn remove(&self, path: &Path) -> Result<(), DiskError>;

    /// Makes a directory and its parents, durably. Existing ones are fine.
    async fn create_directory(&self, path: &Path) -> Result<(), DiskError>;

    /// The names of the files in a directory, sorted.
    async fn list(&self, path: &Path) -> Result<Vec<String>, DiskError>;
}

/// An open file, read and written directly.
///
/// Offsets and lengths of writes are multiples of [`crate::limits::BLOCK_BYTES`]; those of reads,
/// multiples of [`File::read_alignment_bytes`].
#[allow(async_fn_in_trait, reason = "futures stay on one core and need not be Send")]
pub trait File: 'static {
    /// Memory for writes.
    type Buffer;
    /// Bytes that a read brought.
    type Block: Deref<Target = [u8]> + 'static;

    /// The file's length.
    fn size_bytes(&self) -> u64;

    /// What offsets and lengths of reads must be multiples of: the device's sector, at most a block.
    fn read_alignment_bytes(&self) -> usize;

    /// Reads exactly `length_bytes`; a shorter file is an error.
    async fn read(&self, offset_bytes: u64, length_bytes: usize) -> Result<Self::Block, DiskError>;

    /// Writes the buffer; when this returns, the bytes are *not* yet durable. See [`File::sync`].
    async fn write(&self, offset_bytes: u64, buffer: Self::Buffer) -> Result<(), DiskError>;

    /// Writes the buffer; when this returns, its bytes are durable.
    async fn write_durable(&self, offset_bytes: u64, buffer: Self::Buffer)
    -> Result<(), DiskError>;

    /// Makes every write that has returned durable. After an error nothing may be assumed of any
    /// write since the last success: the caller must not try again and believe the answer.
    async fn sync(&self) -> Result<(), DiskError>;
}
