//! An open file of the simulated machine. Not lenient: a request that the real disk would refuse, or
//! whose outcome would be undefined there, is a bug of the engine and panics.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::disk::{IoKind, SharedContent};
use super::world::{Machine, SimBuffer};
use crate::error::{DiskError, DiskFault};
use crate::limits::BLOCK_BYTES;
use crate::world::File;

/// Bytes that a simulated read brought.
#[derive(Debug)]
pub struct SimBlock(Vec<u8>);

impl Deref for SimBlock {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// An open file. As on Unix, it stays usable after its name was removed.
pub struct SimFile {
    machine: Rc<Machine>,
    path: PathBuf,
    content: SharedContent,
}

impl SimFile {
    pub(super) fn new(machine: &Rc<Machine>, path: &Path, content: SharedContent) -> Self {
        Self { machine: machine.clone(), path: path.to_owned(), content }
    }

    /// Refuses what the engine must never ask for.
    fn check_range(&self, verb: &str, offset_bytes: u64, length_bytes: usize, alignment: usize) {
        let path = self.path.display();
        assert!(length_bytes > 0, "{verb} nothing at {offset_bytes} of {path}");
        assert!(
            offset_bytes.is_multiple_of(alignment as u64) && length_bytes.is_multiple_of(alignment),
            "{verb} {length_bytes} bytes at {offset_bytes} of {path}: not multiples of {alignment}"
        );
        assert!(
            offset_bytes
                .checked_add(length_bytes as u64)
                .is_some_and(|end| end <= self.size_bytes()),
            "{verb} {length_bytes} bytes at {offset_bytes} of {path}: beyond its {} bytes",
            self.size_bytes()
        );
    }

    async fn write_as(
        &self,
        offset_bytes: u64,
        buffer: SimBuffer,
        durable: bool,
    ) -> Result<(), DiskError> {
        let (machine, length_bytes) = (&self.machine, buffer.len());
        self.check_range("writing", offset_bytes, length_bytes, BLOCK_BYTES);
        machine.check_power("writing", &self.path)?;
        if let Some((other_bytes, other_length)) =
            self.content.borrow().overlap_in_flight(offset_bytes, length_bytes)
        {
            panic!(
                "writing {length_bytes} bytes at {offset_bytes} of {} while {other_length} bytes at \
                 {other_bytes} are being written",
                self.path.display()
            );
        }
        machine.disk.count(|counters| {
            counters.writes += 1;
            counters.written_bytes += length_bytes as u64;
            counters.durable_writes += u64::from(durable);
        });
        let id = machine.disk.new_id();
        self.content.borrow_mut().begin_write(id, offset_bytes, buffer.0, machine.alive());
        let fails = machine.fails(IoKind::Write, &self.path);
        let sync_ns = if durable { machine.time_ns(&machine.options.sync_us, 0) } else { 0 };
        let time_ns = machine.time_ns(&machine.options.write_us, length_bytes as u64) + sync_ns;
        let (content, path) = (self.content.clone(), self.path.clone());
        machine
            .complete_after(time_ns, "writing", &self.path, move |machine| {
                if fails {
                    machine.with_rng(|rng| content.borrow_mut().fail_write(id, rng));
                    return Err(fault("writing", &path).at(offset_bytes, length_bytes));
                }
                content.borrow_mut().finish_write(id, durable);
                Ok(())
            })
            .await
    }
}

impl File for SimFile {
    type Buffer = SimBuffer;
    type Block = SimBlock;

    fn size_bytes(&self) -> u64 {
        self.content.borrow().size_bytes()
    }

    fn read_alignment_bytes(&self) -> usize {
        self.machine.options.read_alignment_bytes
    }

    async fn read(&self, offset_bytes: u64, length_bytes: usize) -> Result<SimBlock, DiskError> {
        let machine = &self.machine;
        self.check_range("reading", offset_bytes, length_bytes, self.read_alignment_bytes());
        machine.check_power("reading", &self.path)?;
        machine.disk.count(|counters| {
            counters.reads += 1;
            counters.read_bytes += length_bytes as u64;
        });
        let fails = machine.fails(IoKind::Read, &self.path);
        let time_ns = machine.time_ns(&machine.options.read_us, length_bytes as u64);
        let (content, path) = (self.content.clone(), self.path.clone());
        machine
            .complete_after(time_ns, "reading", &self.path, move |machine| {
                if fails {
                    return Err(fault("reading", &path).at(offset_bytes, length_bytes));
                }
                let content = content.borrow();
                Ok(SimBlock(machine.with_rng(|rng| content.read(offset_bytes, length_bytes, rng))))
            })
            .await
    }

    async fn write(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.write_as(offset_bytes, buffer, false).await
    }

    async fn write_durable(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.write_as(offset_bytes, buffer, true).await
    }

    async fn sync(&self) -> Result<(), DiskError> {
        let machine = &self.machine;
        machine.check_power("syncing", &self.path)?;
        let (covered, covered_bytes) = self.content.borrow().completed_writes();
        machine.disk.count(|counters| {
            counters.syncs += 1;
            counters.synced_bytes += covered_bytes;
        });
        let fails = machine.fails(IoKind::Sync, &self.path);
        let time_ns = machine.time_ns(&machine.options.sync_us, 0);
        let (content, path) = (self.content.clone(), self.path.clone());
        machine
            .complete_after(time_ns, "syncing", &self.path, move |_| {
                content.borrow_mut().finish_sync(&covered, !fails);
                if fails { Err(fault("syncing", &path)) } else { Ok(()) }
            })
            .await
    }
}

fn fault(operation: &'static str, path: &Path) -> DiskError {
    DiskError::new(DiskFault::Io, operation, path, "simulated input/output error (EIO)")
}
