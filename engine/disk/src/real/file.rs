//! A file read and written directly through the ring. Not buffered by the kernel, not cached here.

use std::cell::OnceCell;
use std::fmt;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use glommio::io::{DmaBuffer, DmaFile, OpenOptions, ReadResult};

use crate::durability::Durability;
use crate::error::{DiskError, DiskFault};
use crate::limits::{BLOCK_BYTES, MAX_IO_BYTES, MIN_IO_BYTES};
use crate::real::{blocking, explain};
use crate::world::File;

/// Aligned memory for direct writes.
pub struct RealBuffer(DmaBuffer);

impl RealBuffer {
    pub(super) fn zeroed(length_bytes: usize) -> Self {
        debug_assert!(length_bytes.is_multiple_of(BLOCK_BYTES));
        let mut buffer = glommio::allocate_dma_buffer(length_bytes);
        buffer.as_bytes_mut().fill(0);
        Self(buffer)
    }
}

impl Deref for RealBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl DerefMut for RealBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_bytes_mut()
    }
}

impl fmt::Debug for RealBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealBuffer({} bytes)", self.0.len())
    }
}

/// Bytes that a read brought: the ring's own buffer, or several joined for a large read.
pub enum RealBlock {
    /// One request's buffer, not copied.
    One(ReadResult),
    /// A read larger than one request may be, put together.
    Joined(Vec<u8>),
}

impl Deref for RealBlock {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            RealBlock::One(read) => read,
            RealBlock::Joined(bytes) => bytes,
        }
    }
}

/// An open file.
pub struct RealFile {
    file: Rc<DmaFile>,
    /// A second descriptor with `O_DSYNC`, opened at the first durable write that wants it.
    dsync: OnceCell<Rc<DmaFile>>,
    durability: Durability,
    path: PathBuf,
    size_bytes: u64,
    max_io_bytes: usize,
}

impl RealFile {
    pub(super) async fn create(path: &Path, durability: Durability) -> Result<Self, DiskError> {
        // The executor learns at a core's first open whether the device can be polled, by reading a
        // block of that file. A file without written bytes answers without asking the device, and
        // every later read of the core would fail (DataDog/glommio#605): so one is written first.
        let first = path.to_owned();
        blocking(move || {
            std::fs::File::create(&first)
                .and_then(|mut file| {
                    file.write_all(&[0; BLOCK_BYTES])?;
                    file.sync_all()
                })
                .map_err(|error| DiskError::from_io("creating", &first, &error))
        })
        .await?;
        Self::open(path, durability).await
    }

    pub(super) async fn open(path: &Path, durability: Durability) -> Result<Self, DiskError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .dma_open(path)
            .await
            .map_err(|error| explain("opening", path, error))?;
        Self::new(file, path, durability).await
    }

    async fn new(file: DmaFile, path: &Path, durability: Durability) -> Result<Self, DiskError> {
        let size_bytes =
            file.file_size().await.map_err(|error| explain("measuring", path, error))?;
        Ok(Self {
            max_io_bytes: device_max_io_bytes(&file),
            file: Rc::new(file),
            dsync: OnceCell::new(),
            durability,
            path: path.to_owned(),
            size_bytes,
        })
    }

    async fn dsync_file(&self) -> Result<&Rc<DmaFile>, DiskError> {
        if self.dsync.get().is_none() {
            // By its descriptor, not by its name: the name may be gone, or another file's by now.
            let same = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(libc::O_DSYNC)
                .dma_open(&same)
                .await
                .map_err(|error| explain("opening", &self.path, error))?;
            // Two writers may race to open; the second descriptor is simply closed again.
            let _ = self.dsync.set(Rc::new(file));
        }
        Ok(self.dsync.get().expect("set above"))
    }

    async fn write_through(
        &self,
        file: &DmaFile,
        offset_bytes: u64,
        buffer: RealBuffer,
    ) -> Result<(), DiskError> {
        let length_bytes = buffer.len();
        let written = file.write_at(buffer.0, offset_bytes).await.map_err(|error| {
            explain("writing", &self.path, error).at(offset_bytes, length_bytes)
        })?;
        if written == length_bytes {
            return Ok(());
        }
        // Short direct writes happen when the device fills up in the middle.
        let message = format!("only {written} of {length_bytes} bytes were written");
        Err(DiskError::new(DiskFault::NoSpace, "writing", &self.path, message)
            .at(offset_bytes, length_bytes))
    }

    async fn read_one(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<ReadResult, DiskError> {
        let block =
            self.file.read_at_aligned(offset_bytes, length_bytes).await.map_err(|error| {
                explain("reading", &self.path, error).at(offset_bytes, length_bytes)
            })?;
        if block.len() == length_bytes {
            return Ok(block);
        }
        let message = format!("the file ends after {} bytes", block.len());
        Err(DiskError::new(DiskFault::Io, "reading", &self.path, message)
            .at(offset_bytes, length_bytes))
    }
}

impl File for RealFile {
    type Buffer = RealBuffer;
    type Block = RealBlock;

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_alignment_bytes(&self) -> usize {
        (self.file.alignment() as usize).min(BLOCK_BYTES)
    }

    async fn read(&self, offset_bytes: u64, length_bytes: usize) -> Result<RealBlock, DiskError> {
        if length_bytes <= self.max_io_bytes {
            return Ok(RealBlock::One(self.read_one(offset_bytes, length_bytes).await?));
        }
        let mut joined = Vec::with_capacity(length_bytes);
        while joined.len() < length_bytes {
            let part_bytes = (length_bytes - joined.len()).min(self.max_io_bytes);
            let part = self.read_one(offset_bytes + joined.len() as u64, part_bytes).await?;
            joined.extend_from_slice(&part);
        }
        Ok(RealBlock::Joined(joined))
    }

    async fn write(&self, offset_bytes: u64, buffer: RealBuffer) -> Result<(), DiskError> {
        self.write_through(&self.file, offset_bytes, buffer).await
    }

    async fn write_durable(&self, offset_bytes: u64, buffer: RealBuffer) -> Result<(), DiskError> {
        match self.durability {
            Durability::Dsync => {
                let file = self.dsync_file().await?;
                self.write_through(file, offset_bytes, buffer).await
            }
            Durability::Fdatasync => {
                self.write(offset_bytes, buffer).await?;
                self.sync().await
            }
        }
    }

    async fn sync(&self) -> Result<(), DiskError> {
        self.file.fdatasync().await.map_err(|error| explain("syncing", &self.path, error))
    }
}

/// The largest request that the file's device takes, from its queue's settings: a larger direct read
/// is known to hang in the executor.
fn device_max_io_bytes(file: &DmaFile) -> usize {
    let device = format!("/sys/dev/block/{}:{}", file.dev_major(), file.dev_minor());
    // A partition has no queue of its own; its disk is the folder above.
    let setting = ["queue/max_sectors_kb", "../queue/max_sectors_kb"]
        .iter()
        .find_map(|name| std::fs::read_to_string(Path::new(&device).join(name)).ok());
    let max_bytes = setting
        .and_then(|text| text.trim().parse::<usize>().ok())
        .map_or(128 << 10, |kib| kib << 10);
    max_bytes.clamp(MIN_IO_BYTES, MAX_IO_BYTES) / BLOCK_BYTES * BLOCK_BYTES
}
