//! The maintenance loop: keeps segments ready. Not compaction and not checkpoints, which have loops of
//! their own.

use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskError, DiskFault, File, World};

use crate::core::{Core, Health};
use crate::error::StoreError;
use crate::format::place::Place;
use crate::format::segment::SegmentHeader;
use crate::limits::MAX_SEGMENTS;
use crate::segments::{SegmentState, segment_path};
use crate::space::Need;

/// How long the loop of a full store waits before it looks again whether a segment became free.
const FULL_LOOK: Duration = Duration::from_millis(100);

/// How long it waits at first before it asks the disk for another file again, and at the most: each
/// time twice as long, since asking may mean writing most of a segment in vain.
const GROW_RETRY_NS: RangeInclusive<u64> = 100_000_000..=1_600_000_000;

/// When the disk may be asked for another file, after it had none to give.
struct Growth {
    refused: Option<DiskError>,
    pause_ns: u64,
    not_before_ns: u64,
}

impl Growth {
    fn new() -> Self {
        Self { refused: None, pause_ns: *GROW_RETRY_NS.start(), not_before_ns: 0 }
    }

    /// The refusal that still holds.
    fn refusal(&self, now_ns: u64) -> Option<DiskError> {
        self.refused.clone().filter(|_| now_ns < self.not_before_ns)
    }

    fn was_refused(&mut self, now_ns: u64, error: DiskError) {
        self.refused = Some(error);
        self.not_before_ns = now_ns.saturating_add(self.pause_ns);
        self.pause_ns = (2 * self.pause_ns).min(*GROW_RETRY_NS.end());
    }
}

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    let mut growth = Growth::new();
    while !core.finished.get() && !core.is_stopped() {
        let wanted = core.maintenance_wanted.wait();
        match prepare(&core, &mut growth).await {
            Ok(()) => {
                growth = Growth::new();
                became_writable(&core);
            }
            Err(error) if error.fault.is_shortage() => {
                became_full(&core, error);
                core.world.sleep(FULL_LOOK).await;
                continue;
            }
            Err(error) => return stop(&core, error),
        }
        wanted.await;
    }
}

/// Has as many segments ready as the options ask for, creating files where none is free.
async fn prepare<W: World>(core: &Core<W>, growth: &mut Growth) -> Result<(), DiskError> {
    loop {
        core.segments.borrow_mut().sweep(&core.pins);
        let wanted_free = core.options.ready_segments + core.reserve(Need::Items);
        let (ready, free_and_ready, files) = {
            let segments = core.segments.borrow();
            (segments.ready(), segments.free_and_ready(), segments.all.len())
        };
        if ready >= core.options.ready_segments && free_and_ready >= wanted_free {
            return Ok(());
        }
        if ready < core.options.ready_segments && make_ready(core).await? {
            core.segments_changed.notify();
            core.commit_wanted.notify();
            continue;
        }
        if files >= MAX_SEGMENTS {
            let what = format!("{MAX_SEGMENTS} segments are the most that a shard can have");
            return Err(DiskError::new(DiskFault::NoSpace, "growing", &core.directory, what));
        }
        if let Some(refusal) = growth.refusal(core.world.now_ns()) {
            return Err(refusal);
        }
        if let Err(error) = create(core).await {
            growth.was_refused(core.world.now_ns(), error.clone());
            return Err(error);
        }
        *growth = Growth::new();
        core.commit_wanted.notify();
    }
}

impl<W: World> Core<W> {
    /// Takes a ready segment for `state`; waits for one if there is none.
    ///
    /// # Errors
    /// [`StoreError::Full`] if none can be had.
    pub(crate) async fn open_segment(
        &self,
        state: SegmentState,
        need: Need,
    ) -> Result<Place, StoreError> {
        loop {
            let left = self.segments.borrow().free_and_ready();
            let may_take = left > self.reserve(need);
            if may_take && let Some(place) = self.segments.borrow_mut().open(state) {
                self.maintenance_wanted.notify();
                return Ok(place);
            }
            match &*self.health.borrow() {
                // One that is free will be ready soon.
                Health::Full(error) if !may_take => return Err(StoreError::Full(error.clone())),
                Health::Stopped(error) => return Err(StoreError::Stopped(error.clone())),
                Health::Running | Health::Full(_) => {}
            }
            let changed = self.segments_changed.wait();
            self.maintenance_wanted.notify();
            changed.await;
        }
    }
}

/// Begins the next life of a free segment, if there is one.
async fn make_ready<W: World>(core: &Core<W>) -> Result<bool, DiskError> {
    let Some((segment, life)) = core.segments.borrow_mut().take_free() else {
        return Ok(false);
    };
    let before = core.segments.borrow().last_begun;
    let header = SegmentHeader {
        shard: core.options.shard,
        segment,
        segment_bytes: core.options.segment_bytes,
        life,
        generation: core.superblock.borrow().generation,
        before,
    };
    let mut block = core.world.buffer(BLOCK_BYTES);
    header.encode(&mut block);
    let file = core.segments.borrow().get(segment).file.clone();
    if let Err(error) = file.write_durable(0, block).await {
        core.segments.borrow_mut().put_back(segment);
        return Err(error);
    }
    core.segments.borrow_mut().make_ready(segment, life);
    Ok(true)
}

async fn create<W: World>(core: &Core<W>) -> Result<(), DiskError> {
    let segment_bytes = core.options.segment_bytes;
    let segment = core.segments.borrow().all.len() as u16;
    let path = segment_path(&core.directory, segment);
    let file = core.world.create(&path, segment_bytes.into()).await?;
    core.counters.preformatted_bytes.add(segment_bytes.into());
    core.segments.borrow_mut().add(Rc::new(file), 0, SegmentState::Free);
    Ok(())
}

fn became_full<W: World>(core: &Core<W>, error: DiskError) {
    // As long as the log may still take a segment, nobody needs to be refused.
    let exhausted = core.segments.borrow().free_and_ready() <= core.reserve(Need::Items);
    let mut health = core.health.borrow_mut();
    match &*health {
        Health::Running if exhausted => *health = Health::Full(error),
        Health::Full(_) if !exhausted => *health = Health::Running,
        Health::Running | Health::Full(_) | Health::Stopped(_) => {}
    }
    drop(health);
    core.room_changed.notify();
    core.segments_changed.notify();
    core.commit_wanted.notify();
    // Nothing is logged on a full disk, so nothing else would call for upkeep.
    core.upkeep_wanted.notify();
}

fn became_writable<W: World>(core: &Core<W>) {
    let mut health = core.health.borrow_mut();
    if matches!(*health, Health::Full(_)) {
        *health = Health::Running;
    }
    drop(health);
    core.room_changed.notify();
    core.segments_changed.notify();
    core.commit_wanted.notify();
}

pub(crate) fn stop<W: World>(core: &Core<W>, error: DiskError) {
    let mut health = core.health.borrow_mut();
    if !matches!(*health, Health::Stopped(_)) {
        *health = Health::Stopped(error);
    }
    drop(health);
    core.room_changed.notify();
    core.segments_changed.notify();
    core.commit_wanted.notify();
    core.maintenance_wanted.notify();
    core.upkeep_wanted.notify();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_has_no_room_is_asked_less_and_less_often_and_anew_after_it_had_some() {
        const MS: u64 = 1_000_000;
        let full = DiskError::new(DiskFault::NoSpace, "creating", "segment", "no space");
        let mut growth = Growth::new();
        let (mut now_ns, mut pauses_ms) = (7, Vec::new());
        assert!(growth.refusal(now_ns).is_none(), "nothing was refused yet");
        for _ in 0..6 {
            growth.was_refused(now_ns, full.clone());
            let looks = (0..).take_while(|look| growth.refusal(now_ns + look * MS).is_some());
            let pause_ms = looks.count() as u64;
            pauses_ms.push(pause_ms);
            now_ns += pause_ms * MS;
        }
        assert_eq!(pauses_ms, [100, 200, 400, 800, 1600, 1600]);
        growth = Growth::new();
        growth.was_refused(now_ns, full);
        assert!(growth.refusal(now_ns + 99 * MS).is_some_and(|e| e.fault == DiskFault::NoSpace));
        assert!(growth.refusal(now_ns + 100 * MS).is_none());
    }
}
