//! Checkpoints: the index written down, so that recovery replays only the log behind it. Not a copy
//! of any data.
//!
//! The index is captured in one moment by a cheap copy-on-write clone and written at leisure; the
//! superblock then names the checkpoint and the place where replay begins. Only with that do segments
//! that the old checkpoint's replay needed become free.

use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;
use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskError, DiskFault, File, TaskClass, World};

use crate::cold::{READ_AHEAD_PAGES, stopping};
use crate::core::{Core, Health, Settled};
use crate::error::StoreError;
use crate::format::checkpoint::{ChunkWriter, Element};
use crate::format::place::Place;
use crate::format::superblock::{SLOTS, Superblock};
use crate::index::{Direction, Fetched};
use crate::limits::MAX_CHECKPOINT_SEGMENTS;
use crate::maintenance;
use crate::partitions::{Partition, PartitionTable};
use crate::segments::SegmentState;
use crate::space::Need;
use crate::sync::Done;

/// The newest superblock, and the file it stands in.
pub(crate) struct Newest<W: World> {
    pub(crate) file: Rc<W::File>,
    pub(crate) generation: u64,
    /// The generation that is known to stand whole in each slot; none while it is rewritten, and none
    /// if it is damaged in a store that is only looked at.
    pub(crate) slots: [Option<u64>; SLOTS as usize],
    pub(crate) checkpoint: Vec<(u16, u64)>,
    /// Bytes logged when the newest checkpoint captured the index.
    pub(crate) logged_bytes: u64,
    /// A checkpoint is being taken.
    pub(crate) busy: bool,
}

/// The superblock's file in a shard's directory.
pub(crate) fn superblock_path(directory: &std::path::Path) -> PathBuf {
    directory.join("superblock")
}

/// Whether enough was logged since the last checkpoint, or enough space waits for the next one, or any
/// while none is free.
pub(crate) fn is_due<W: World>(core: &Core<W>) -> bool {
    let segments = core.segments.borrow();
    let newest = core.superblock.borrow();
    // Until the first checkpoint of this process, what recovery had to replay counts too.
    let since_open = core.counters.checkpoints.get() == 0;
    let replayed_bytes = if since_open { core.counters.replayed_bytes.get() } else { 0 };
    let logged_bytes = core.counters.log_bytes_written.get() + replayed_bytes - newest.logged_bytes;
    let share_bytes = segments.live_bytes() as f64 * core.options.checkpoint_log_share;
    let enough = core.options.checkpoint_min_log_bytes.max(share_bytes as u64);
    let starved = || {
        let full = matches!(*core.health.borrow(), Health::Full(_));
        (full || core.must_wait_for_space()) && segments.awaiting_checkpoint() > 0
    };
    // What compaction has emptied takes space until a checkpoint no longer needs it for its replay.
    let segment_bytes = u64::from(segments.segment_bytes);
    let emptied_bytes = segments.awaiting_checkpoint() as u64 * segment_bytes;
    !newest.busy && (logged_bytes >= enough || emptied_bytes >= enough || starved())
}

/// Takes checkpoints as they fall due, until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    while !core.is_closing() && !core.is_stopped() {
        let wanted = core.upkeep_wanted.wait();
        if is_due(&core) {
            // One that fails for want of space is tried again at the next call; one that fails for
            // worse stops the store, and this loop with it.
            let _ = take(&core).await;
        }
        wanted.await;
    }
}

/// Takes a checkpoint; on return it is durable. If one is being taken already, waits for that and
/// takes another.
pub(crate) async fn take<W: World>(core: &Rc<Core<W>>) -> Result<(), StoreError> {
    while core.superblock.borrow().busy {
        core.segments_changed.wait().await;
    }
    if let Health::Stopped(error) = &*core.health.borrow() {
        return Err(StoreError::Stopped(error.clone()));
    }
    if core.finished.get() {
        return Err(StoreError::Closed);
    }
    core.superblock.borrow_mut().busy = true;
    let done = Rc::new(Done::default());
    let (core, finished) = (core.clone(), done.clone());
    // In a task of its own: the disk takes no write back, so if a caller that gives up ended it here,
    // the next superblock could be on its way together with this one, and land before it.
    core.clone().spawn(TaskClass::Background, async move {
        let busy = Busy(core.clone());
        let taken = write(&core).await;
        drop(busy);
        core.maintenance_wanted.notify();
        if let Err(StoreError::Stopped(error)) = &taken {
            maintenance::stop(&core, error.clone());
        }
        finished.finish(taken);
    });
    done.wait().await
}

/// Lets the next checkpoint begin when this one ends.
struct Busy<W: World>(Rc<Core<W>>);

impl<W: World> Drop for Busy<W> {
    fn drop(&mut self) {
        self.0.superblock.borrow_mut().busy = false;
        self.0.segments_changed.notify();
    }
}

async fn write<W: World>(core: &Rc<Core<W>>) -> Result<(), StoreError> {
    let captured: PartitionTable = core.table.borrow().clone();
    // Pages of the index stay where they are until it is written.
    let _pin = core.pages.pin();
    let settled = core.settled.get();
    let logged_bytes = core.counters.log_bytes_written.get();
    let next_version = core.log.borrow().next_version;
    let lives = core.segments.borrow().lives_with_data();
    let mut output = Output::new(core.clone());
    let written = output.write_table(&lives, &captured).await;
    let segments = output.segments;
    if let Err(error) = written {
        core.segments.borrow_mut().release_checkpoint(&segments);
        return Err(error);
    }
    let superblock = Superblock {
        shard: core.options.shard,
        segment_bytes: core.options.segment_bytes,
        generation: core.superblock.borrow().generation + 1,
        replay_from: settled.next,
        number: settled.number,
        next_version,
        checkpoint: segments,
    };
    write_superblock(core, &superblock).await?;
    core.counters.checkpoints.add(1);
    supersede(core, superblock, settled, logged_bytes);
    Ok(())
}

/// From now on recovery begins at the new checkpoint: the old one's segments are free, and so is what
/// only its replay needed.
fn supersede<W: World>(core: &Core<W>, new: Superblock, settled: Settled, logged_bytes: u64) {
    let mut newest = core.superblock.borrow_mut();
    let mut segments = core.segments.borrow_mut();
    newest.generation = new.generation;
    newest.logged_bytes = logged_bytes;
    let old = std::mem::replace(&mut newest.checkpoint, new.checkpoint);
    segments.checkpoint_number = settled.number;
    segments.release_checkpoint(&old);
    segments.sweep(&core.pins);
}

async fn write_superblock<W: World>(
    core: &Core<W>,
    superblock: &Superblock,
) -> Result<(), StoreError> {
    let mut block = core.world.buffer(BLOCK_BYTES);
    superblock.encode(&mut block);
    let file = core.superblock.borrow().file.clone();
    let slot = Superblock::slot_at(superblock.generation);
    let known = (superblock.generation % SLOTS) as usize;
    core.superblock.borrow_mut().slots[known] = None;
    file.write_durable(slot, block).await.map_err(StoreError::of_write)?;
    core.superblock.borrow_mut().slots[known] = Some(superblock.generation);
    Ok(())
}

/// Chunks on their way into segments of their own.
struct Output<W: World> {
    core: Rc<Core<W>>,
    segments: Vec<(u16, u64)>,
    tail: Option<Place>,
    chunk: ChunkWriter,
    chunks: u32,
    entries: u64,
}

impl<W: World> Output<W> {
    fn new(core: Rc<Core<W>>) -> Self {
        let chunk = ChunkWriter::new(core.options.chunk_payload_bytes());
        Self { core, segments: Vec::new(), tail: None, chunk, chunks: 0, entries: 0 }
    }

    async fn write_table(
        &mut self,
        lives: &[(u16, u64)],
        table: &PartitionTable,
    ) -> Result<(), StoreError> {
        for &(segment, life) in lives {
            self.make_room().await?;
            self.chunk.push(&Element::Segment(segment, life));
        }
        for partition in table.iter() {
            self.write_partition(partition).await?;
        }
        self.chunk.push(&Element::End(self.entries));
        self.write_chunk().await?;
        for &(segment, _) in &self.segments {
            let file = self.core.segments.borrow().get(segment).file.clone();
            file.sync().await.map_err(StoreError::of_write)?;
        }
        Ok(())
    }

    async fn write_partition(&mut self, partition: &Partition) -> Result<(), StoreError> {
        self.make_room().await?;
        self.chunk.push(&Element::Partition(partition.spec.clone()));
        let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
        let mut from = Bound::Unbounded;
        loop {
            let (chunk, entries) = (&mut self.chunk, &mut self.entries);
            let mut next = None;
            let mut visitor = |key: &[u8], location| {
                if chunk.is_full() {
                    next = Some(Bound::Included(key.to_vec()));
                    return ControlFlow::Break(());
                }
                chunk.push(&Element::Entry(key, location));
                *entries += 1;
                ControlFlow::Continue(())
            };
            let start = from.as_ref().map(|key: &Vec<u8>| key.as_slice());
            let (end, forward) = (Bound::Unbounded, Direction::Forward);
            let visited = partition.index.visit(start, end, forward, &fetched, &mut visitor);
            match (visited, next) {
                (Err(gap), _) => {
                    // Without checkpoints no space would ever come back.
                    let filled = self.core.fill_next(&gap, &mut fetched).await;
                    filled.map_err(|error| stopping(error, &self.core.directory))?;
                    from = gap.resume(from);
                }
                (Ok(()), Some(next)) => {
                    self.write_chunk().await?;
                    from = next;
                }
                (Ok(()), None) => return Ok(()),
            }
            self.core.world.yield_if_needed().await;
        }
    }

    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.chunk.is_full() {
            self.write_chunk().await?;
        }
        Ok(())
    }

    async fn write_chunk(&mut self) -> Result<(), StoreError> {
        let chunk_bytes = self.chunk.encoded_bytes();
        let place = self.place_for(chunk_bytes).await?;
        let mut buffer = self.core.world.buffer(chunk_bytes);
        self.chunk.encode(place.life, self.chunks, &mut buffer);
        self.chunks += 1;
        let file = self.core.segments.borrow().get(place.segment).file.clone();
        file.write(place.offset_bytes.into(), buffer).await.map_err(StoreError::of_write)?;
        self.core.counters.checkpoint_bytes_written.add(chunk_bytes as u64);
        self.tail = Some(place.at(place.offset_bytes + chunk_bytes as u32));
        Ok(())
    }

    async fn place_for(&mut self, chunk_bytes: usize) -> Result<Place, StoreError> {
        let segment_bytes = self.core.options.segment_bytes as usize;
        if let Some(tail) = self.tail
            && tail.offset_bytes as usize + chunk_bytes <= segment_bytes
        {
            return Ok(tail);
        }
        if self.segments.len() == MAX_CHECKPOINT_SEGMENTS {
            let what = format!("a checkpoint takes at most {MAX_CHECKPOINT_SEGMENTS} segments");
            let error =
                DiskError::new(DiskFault::NoSpace, "checkpointing", &self.core.directory, what);
            return Err(StoreError::Full(error));
        }
        let place = self.core.open_segment(SegmentState::Checkpoint, Need::Upkeep).await?;
        self.segments.push((place.segment, place.life));
        Ok(place)
    }
}
