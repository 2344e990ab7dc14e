//! An open file of the simulated machine. Not lenient: a request that the real disk would refuse, or
//! whose outcome would be undefined there, is a bug of the engine and panics.

use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;

use super::disk::SharedContent;
use super::plan::{Fault, Op};
use super::request::{Machine, Name, Request};
use super::rng::SimRng;
use super::world::SimBuffer;
use crate::error::DiskError;
use crate::limits::BLOCK_BYTES;
use crate::world::File;

const BLOCK: u64 = BLOCK_BYTES as u64;

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
    name: Name,
    content: SharedContent,
}

/// Where a write goes that does not arrive where it should.
enum Astray {
    Nowhere,
    To { offset_bytes: u64 },
}

impl SimFile {
    pub(super) fn new(machine: &Rc<Machine>, name: Name, content: SharedContent) -> Self {
        Self { machine: machine.clone(), name, content }
    }

    /// Refuses what the engine must never ask for.
    fn check_range(&self, verb: &str, offset_bytes: u64, length_bytes: usize, alignment: usize) {
        let path = self.name.path.display();
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

    fn check_overlap(&self, offset_bytes: u64, length_bytes: usize) {
        if let Some((other_bytes, other_length)) =
            self.content.borrow().overlap_in_flight(offset_bytes, length_bytes)
        {
            panic!(
                "writing {length_bytes} bytes at {offset_bytes} of {} while {other_length} bytes at \
                 {other_bytes} are being written",
                self.name.path.display()
            );
        }
    }

    /// Whether and where a write goes astray, by plan or by rate.
    fn astray(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
        request: &mut Request,
    ) -> Option<Astray> {
        let (options, plans) = (&self.machine.options, self.machine.disk.plans());
        let rng = &mut request.rng;
        let lost = rng.chance(options.lost_writes_per_million);
        let misdirected = rng.chance(options.misdirected_writes_per_million);
        let last_block = (self.size_bytes() - length_bytes as u64) / BLOCK;
        let drawn = rng.below(last_block.max(1));
        if request.fails {
            return None;
        }
        if plans.take(Fault::LostWrite, &self.name.path) || lost {
            return Some(Astray::Nowhere);
        }
        let elsewhere = last_block > 0;
        if elsewhere && (plans.take(Fault::MisdirectedWrite, &self.name.path) || misdirected) {
            let block = drawn + u64::from(drawn >= offset_bytes / BLOCK);
            return Some(Astray::To { offset_bytes: block * BLOCK });
        }
        None
    }

    async fn write_as(
        &self,
        offset_bytes: u64,
        buffer: SimBuffer,
        durable: bool,
    ) -> Result<(), DiskError> {
        let (machine, length_bytes) = (&self.machine, buffer.len());
        self.check_range("writing", offset_bytes, length_bytes, BLOCK_BYTES);
        let mut request = machine.begin(Op::Write, &self.name, length_bytes as u64)?;
        self.check_overlap(offset_bytes, length_bytes);
        machine.disk.count(|counters| {
            counters.writes += 1;
            counters.written_bytes += length_bytes as u64;
            counters.durable_writes += u64::from(durable);
        });
        if durable {
            request.add_us(&machine.options.sync_us);
        }
        let astray = self.astray(offset_bytes, length_bytes, &mut request);
        let id = machine.disk.new_id();
        let (owner, is_astray) = (machine.alive(), astray.is_some());
        self.content.borrow_mut().begin_write(id, offset_bytes, buffer.0, is_astray, owner);
        let content = self.content.clone();
        let act = move |machine: &Machine, request: &mut Request| {
            let mut content = content.borrow_mut();
            if request.fails {
                content.fail_write(id, &mut request.rng);
                return Err(request.eio().at(offset_bytes, length_bytes));
            }
            match astray {
                None => content.finish_write(id, durable),
                Some(Astray::Nowhere) => {
                    content.finish_astray(id, None, durable);
                    machine.disk.count_fault(|faults| faults.lost_writes += 1);
                }
                Some(Astray::To { offset_bytes }) => {
                    content.finish_astray(id, Some(offset_bytes), durable);
                    machine.disk.count_fault(|faults| faults.misdirected_writes += 1);
                }
            }
            Ok(())
        };
        machine.end(request, act).await
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
        let request = machine.begin(Op::Read, &self.name, length_bytes as u64)?;
        machine.disk.count(|counters| {
            counters.reads += 1;
            counters.read_bytes += length_bytes as u64;
        });
        let (content, path) = (self.content.clone(), self.name.path.clone());
        let act = move |machine: &Machine, request: &mut Request| {
            if request.fails {
                return Err(request.eio().at(offset_bytes, length_bytes));
            }
            let rng = &mut request.rng;
            Ok(SimBlock(bring(machine, &content, &path, offset_bytes, length_bytes, rng)))
        };
        machine.end(request, act).await
    }

    async fn write(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.write_as(offset_bytes, buffer, false).await
    }

    async fn write_durable(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.write_as(offset_bytes, buffer, true).await
    }

    async fn sync(&self) -> Result<(), DiskError> {
        let machine = &self.machine;
        let request = machine.begin(Op::Sync, &self.name, 0)?;
        let (covered, covered_bytes) = self.content.borrow().completed_writes();
        machine.disk.count(|counters| {
            counters.syncs += 1;
            counters.synced_bytes += covered_bytes;
        });
        let content = self.content.clone();
        let act = move |_: &Machine, request: &mut Request| {
            content.borrow_mut().finish_sync(&covered, !request.fails);
            if request.fails { Err(request.eio()) } else { Ok(()) }
        };
        machine.end(request, act).await
    }
}

/// What a read brings that does not fail: the bytes at their place, or older ones, or others'.
fn bring(
    machine: &Machine,
    content: &SharedContent,
    path: &Path,
    offset_bytes: u64,
    length_bytes: usize,
    rng: &mut SimRng,
) -> Vec<u8> {
    let (options, disk) = (&machine.options, &machine.disk);
    let stale = rng.chance(options.stale_reads_per_million);
    let misdirected = rng.chance(options.misdirected_reads_per_million);
    let mut bytes = content.borrow().read(offset_bytes, length_bytes, rng);
    if (stale || disk.plans().has(Fault::StaleRead, path))
        && content.borrow().make_stale(offset_bytes, &mut bytes, rng)
    {
        disk.plans().take(Fault::StaleRead, path);
        disk.count_fault(|faults| faults.stale_reads += 1);
    } else if (misdirected || disk.plans().has(Fault::MisdirectedRead, path))
        && let Some(others) = misdirect(machine, content, path, offset_bytes, &bytes, rng)
    {
        disk.plans().take(Fault::MisdirectedRead, path);
        disk.count_fault(|faults| faults.misdirected_reads += 1);
        return others;
    }
    bytes
}

/// Other bytes than those that were read, from a place whole blocks away, here or in a file beside
/// this one; `None` if a few tries find none.
fn misdirect(
    machine: &Machine,
    content: &SharedContent,
    path: &Path,
    offset_bytes: u64,
    read: &[u8],
    rng: &mut SimRng,
) -> Option<Vec<u8>> {
    const TRIES: usize = 16;
    let beside = machine.disk.files_beside(path);
    let within = offset_bytes % BLOCK;
    (0..TRIES).find_map(|_| {
        let other = match beside.is_empty() || rng.coin() {
            true => content,
            false => &beside[rng.below(beside.len() as u64) as usize],
        };
        let room = other.borrow().size_bytes().checked_sub(within + read.len() as u64)?;
        let other_bytes = rng.below(room / BLOCK + 1) * BLOCK + within;
        let others = other.borrow().current_part(other_bytes, read.len());
        (others != read).then_some(others)
    })
}
