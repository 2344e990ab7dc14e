//! A file read and written directly through the ring. Not buffered by the kernel, not cached here.

use std::fs::{File as OsFile, OpenOptions};
use std::io;
use std::ops::{Deref, Range};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::{major, minor};

use super::buffer::RealBuffer;
use super::executor::Machine;
use super::ring::Request;
use super::transfer::transfer;
use crate::durability::Durability;
use crate::error::{DiskError, DiskFault};
use crate::limits::{BLOCK_BYTES, MAX_IO_BYTES, MIN_IO_BYTES, RETRY_PAUSE_US};
use crate::world::File;

/// Bytes that a read brought: one request's buffer, or several joined for a large read.
pub enum RealBlock {
    /// One request's buffer, not copied.
    One(RealBuffer),
    /// A read larger than one request may be, put together.
    Joined(Vec<u8>),
}

impl Deref for RealBlock {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            RealBlock::One(buffer) => buffer,
            RealBlock::Joined(bytes) => bytes,
        }
    }
}

/// An open file.
pub struct RealFile {
    machine: Rc<Machine>,
    file: Rc<OsFile>,
    /// A second descriptor with `O_DSYNC`, if durable writes are made so. Opened at once: a file
    /// that is open has all it will ever need, however few descriptors are left later.
    dsync: Option<Rc<OsFile>>,
    path: PathBuf,
    size_bytes: u64,
    device: Device,
}

/// What the file's device takes, from its queue's settings.
#[derive(Clone, Copy)]
struct Device {
    max_io_bytes: usize,
    sector_bytes: usize,
}

impl RealFile {
    pub(super) fn create(
        machine: Rc<Machine>,
        path: &Path,
        durability: Durability,
    ) -> Result<Self, DiskError> {
        let file = direct(0).create(true).truncate(true).open(path);
        let file = file.map_err(|error| DiskError::from_io("creating", path, &error))?;
        Self::new(machine, file, path, durability)
    }

    pub(super) fn open(
        machine: Rc<Machine>,
        path: &Path,
        durability: Durability,
    ) -> Result<Self, DiskError> {
        let file = direct(0).open(path);
        let file = file.map_err(|error| DiskError::from_io("opening", path, &error))?;
        Self::new(machine, file, path, durability)
    }

    fn new(
        machine: Rc<Machine>,
        file: OsFile,
        path: &Path,
        durability: Durability,
    ) -> Result<Self, DiskError> {
        let metadata =
            file.metadata().map_err(|error| DiskError::from_io("measuring", path, &error))?;
        let dsync = match durability {
            Durability::Dsync => Some(Rc::new(dsync_of(&file, path)?)),
            Durability::Fdatasync => None,
        };
        Ok(Self {
            machine,
            file: Rc::new(file),
            dsync,
            path: path.to_owned(),
            size_bytes: metadata.len(),
            device: Device::of(metadata.dev()),
        })
    }

    /// The same file under its new name, and with the length that it has now.
    pub(super) fn renamed(self, path: &Path, size_bytes: u64) -> Self {
        Self { path: path.to_owned(), size_bytes, ..self }
    }

    /// Sends all parts of a write at once, none larger than the device takes, and waits for all.
    async fn write_through(
        &self,
        file: &Rc<OsFile>,
        offset_bytes: u64,
        buffer: RealBuffer,
    ) -> Result<(), DiskError> {
        let (length_bytes, buffer) = (buffer.len(), Rc::new(buffer));
        let send = |part: Range<usize>| {
            let offset_bytes = offset_bytes + part.start as u64;
            let request = Request::Write { buffer: buffer.clone(), part, offset_bytes };
            self.machine.ask(file.clone(), request).map_err(io::Error::other)
        };
        let part_bytes = self.device.max_io_bytes;
        let starts = (0..length_bytes).step_by(part_bytes);
        let parts = starts.map(|start| start..(start + part_bytes).min(length_bytes));
        let sent: Vec<_> = parts.map(|part| (part.clone(), send(part))).collect();
        let mut outcome = Ok(());
        for (part, sent) in sent {
            let mut sent = Some(sent);
            let attempt = async |done| {
                let first = sent.take();
                let asked = first.unwrap_or_else(|| send(part.start + done..part.end))?;
                asked.await.outcome
            };
            let written = transfer(part.len(), self.device.sector_bytes, self.pause(), attempt);
            let written = self.all_written(written.await, part.len());
            outcome = outcome.and(written.map_err(|error| error.at(offset_bytes, length_bytes)));
        }
        outcome
    }

    fn all_written(
        &self,
        written: io::Result<usize>,
        length_bytes: usize,
    ) -> Result<(), DiskError> {
        match written {
            Ok(written) if written == length_bytes => Ok(()),
            // Direct writes come to nothing when the device fills up in the middle.
            Ok(written) => {
                let message = format!("only {written} of {length_bytes} bytes were written");
                Err(DiskError::new(DiskFault::NoSpace, "writing", &self.path, message))
            }
            Err(error) => Err(DiskError::from_io("writing", &self.path, &error)),
        }
    }

    async fn read_one(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<RealBuffer, DiskError> {
        let mut buffer = Some(self.machine.buffers.take(length_bytes));
        let attempt = async |from: usize| {
            let taken = buffer.take().ok_or_else(|| io::Error::other("the buffer is lost"))?;
            let offset_bytes = offset_bytes + from as u64;
            let request = Request::Read { buffer: taken, from, offset_bytes };
            let asked = self.machine.ask(self.file.clone(), request).map_err(io::Error::other)?;
            let answer = asked.await;
            buffer = answer.buffer;
            answer.outcome
        };
        let read = transfer(length_bytes, self.device.sector_bytes, self.pause(), attempt).await;
        let failed = match (read, buffer) {
            (Ok(read), Some(buffer)) if read == length_bytes => return Ok(buffer),
            (Ok(read), _) => {
                let message = format!("the file ends after {read} bytes");
                DiskError::new(DiskFault::Io, "reading", &self.path, message)
            }
            (Err(error), _) => DiskError::from_io("reading", &self.path, &error),
        };
        Err(failed.at(offset_bytes, length_bytes))
    }

    /// What is waited before an interrupted request is sent again.
    fn pause(&self) -> impl AsyncFnMut() {
        let machine = self.machine.clone();
        async move || machine.sleep(Duration::from_micros(RETRY_PAUSE_US)).await
    }
}

impl File for RealFile {
    type Buffer = RealBuffer;
    type Block = RealBlock;

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_alignment_bytes(&self) -> usize {
        self.device.sector_bytes
    }

    async fn read(&self, offset_bytes: u64, length_bytes: usize) -> Result<RealBlock, DiskError> {
        if length_bytes <= self.device.max_io_bytes {
            return Ok(RealBlock::One(self.read_one(offset_bytes, length_bytes).await?));
        }
        let mut joined = Vec::with_capacity(length_bytes);
        while joined.len() < length_bytes {
            let part_bytes = (length_bytes - joined.len()).min(self.device.max_io_bytes);
            let part = self.read_one(offset_bytes + joined.len() as u64, part_bytes).await?;
            joined.extend_from_slice(&part);
        }
        Ok(RealBlock::Joined(joined))
    }

    async fn write(&self, offset_bytes: u64, buffer: RealBuffer) -> Result<(), DiskError> {
        self.write_through(&self.file, offset_bytes, buffer).await
    }

    async fn write_durable(&self, offset_bytes: u64, buffer: RealBuffer) -> Result<(), DiskError> {
        match &self.dsync {
            // One in several parts would wait for the device once for each.
            Some(file) if buffer.len() <= self.device.max_io_bytes => {
                self.write_through(file, offset_bytes, buffer).await
            }
            _ => {
                self.write(offset_bytes, buffer).await?;
                self.sync().await
            }
        }
    }

    async fn sync(&self) -> Result<(), DiskError> {
        // Sent once, even if interrupted: a second sync may succeed without what the first one lost.
        let outcome = match self.machine.ask(self.file.clone(), Request::Sync) {
            Ok(asked) => asked.await.outcome,
            Err(error) => Err(error),
        };
        outcome.map(drop).map_err(|error| DiskError::from_io("syncing", &self.path, &error))
    }
}

/// A second descriptor of the same file: found by the first one, not by its name, which may be gone
/// or another file's by now.
fn dsync_of(file: &OsFile, path: &Path) -> Result<OsFile, DiskError> {
    let same = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = direct(libc::O_DSYNC).open(same);
    opened.map_err(|error| DiskError::from_io("opening", path, &error))
}

/// Options that every file of ours is opened with.
fn direct(more_flags: i32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_DIRECT | more_flags);
    options
}

impl Device {
    fn of(device: u64) -> Self {
        let folder = format!("/sys/dev/block/{}:{}", major(device), minor(device));
        // A partition has no queue of its own; its disk is the folder above.
        let setting = |name: &str| {
            ["queue", "../queue"].iter().find_map(|queue| {
                let text =
                    std::fs::read_to_string(Path::new(&folder).join(queue).join(name)).ok()?;
                text.trim().parse::<usize>().ok()
            })
        };
        let max_kib = setting("max_sectors_kb").unwrap_or(128);
        let max_io_bytes = (max_kib << 10).clamp(MIN_IO_BYTES, MAX_IO_BYTES);
        let sector_bytes = setting("logical_block_size").unwrap_or(BLOCK_BYTES);
        Self {
            max_io_bytes: max_io_bytes / BLOCK_BYTES * BLOCK_BYTES,
            sector_bytes: sector_bytes.clamp(512, BLOCK_BYTES),
        }
    }
}
