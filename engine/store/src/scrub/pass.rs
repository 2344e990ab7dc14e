//! One pass over everything that is needed: its order, its pace, its reads and its report. Not what is
//! looked for in a segment or a checkpoint: see `walk` and `chunks`.

use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{File, World};

use super::finding::{Concern, Finding, ScrubReport};
use super::live::{self, Unnamed};
use super::wait;
use super::walk::Target;
use crate::checkpoint::{self, superblock_path};
use crate::core::{Core, Health};
use crate::error::StoreError;
use crate::format::segment::{CONTENT_AT, FirstBlock};
use crate::format::superblock::{SLOTS, Superblock};
use crate::limits::{MAX_SCRUB_FINDINGS, MAX_SCRUB_LOOKS};
use crate::segments::{SegmentState, segment_path};

/// Time before bytes that were wrong are read again.
const SECOND_LOOK: Duration = Duration::from_millis(1);

/// Live bytes of the segments whose places are taken from the index in one walk over it.
const GROUP_LIVE_BYTES: u64 = 256 << 20;

/// Told how many bytes are done, of how many.
pub(crate) type Callback = Rc<dyn Fn(u64, u64)>;

/// One pass.
pub(crate) struct Pass<'a, W: World> {
    pub(super) core: &'a Rc<Core<W>>,
    /// 0 for as fast as it goes.
    bytes_per_s: u64,
    started_ns: u64,
    may_mend: bool,
    callback: Option<Callback>,
    pub(super) report: ScrubReport,
    pub(super) unnamed: Vec<Unnamed>,
}

impl<'a, W: World> Pass<'a, W> {
    /// One in the background.
    pub(crate) fn paced(core: &'a Rc<Core<W>>, bytes_per_s: u64) -> Self {
        Self {
            core,
            bytes_per_s,
            started_ns: core.world.now_ns(),
            may_mend: true,
            callback: None,
            report: ScrubReport::default(),
            unnamed: Vec::new(),
        }
    }

    /// One as fast as the disk gives it.
    pub(crate) fn unpaced(core: &'a Rc<Core<W>>) -> Self {
        Self::paced(core, 0)
    }

    /// One of a store that no task runs on, which must not be changed.
    pub(crate) fn looking_only(core: &'a Rc<Core<W>>, callback: Option<Callback>) -> Self {
        Self { may_mend: false, callback, ..Self::unpaced(core) }
    }

    /// Looks at everything once.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the store is closed meanwhile.
    pub(crate) async fn run(mut self) -> Result<ScrubReport, StoreError> {
        self.begin();
        self.superblock().await?;
        self.checkpoint().await?;
        let count = self.core.segments.borrow().all.len() as u16;
        for segment in 0..count {
            self.header(segment).await?;
            self.core.world.yield_if_needed().await;
        }
        for group in self.groups() {
            self.group(group).await?;
        }
        self.mend().await?;
        self.end();
        Ok(self.report)
    }

    fn begin(&self) {
        let segments = self.core.segments.borrow();
        let occupied = segments.all.iter().filter(|slot| is_occupied(slot.state)).count() as u64;
        let mut state = self.core.scrub.borrow_mut();
        state.pass_bytes_done = 0;
        state.pass_bytes = occupied * u64::from(segments.segment_bytes);
    }

    /// What was found before and is not there any more is no finding any more.
    fn end(&self) {
        let mut state = self.core.scrub.borrow_mut();
        state.pass_bytes_done = state.pass_bytes;
        state.last_pass_ended_ns = Some(self.core.world.now_ns());
        let standing = self.report.findings.iter().filter(|finding| !finding.mended);
        state.findings = standing.cloned().collect();
        self.core.counters.scrub_passes.add(1);
    }

    fn segment_done(&self) {
        let mut state = self.core.scrub.borrow_mut();
        let done = state.pass_bytes_done + u64::from(self.core.options.segment_bytes);
        state.pass_bytes_done = done.min(state.pass_bytes);
        if let Some(callback) = &self.callback {
            callback(state.pass_bytes_done, state.pass_bytes);
        }
    }

    /// The segments that hold what somebody needs, cut so that the places of one group's live records
    /// fit into memory.
    fn groups(&self) -> Vec<Vec<u16>> {
        let segments = self.core.segments.borrow();
        let mut groups: Vec<Vec<u16>> = Vec::new();
        let mut live_bytes = 0;
        for (segment, slot) in (0u16..).zip(&segments.all) {
            let replayed = slot.last_number > segments.checkpoint_number;
            if !is_log_or_run(slot.state) || (slot.live_bytes == 0 && !replayed) {
                continue;
            }
            live_bytes += slot.live_bytes;
            match groups.last_mut() {
                Some(group) if live_bytes <= GROUP_LIVE_BYTES => group.push(segment),
                _ => {
                    live_bytes = slot.live_bytes;
                    groups.push(vec![segment]);
                }
            }
        }
        groups
    }

    async fn group(&mut self, mut group: Vec<u16>) -> Result<(), StoreError> {
        while !group.is_empty() {
            let (entries, left) = live::collect(self.core, group).await?;
            let mut rest = &entries.places[..];
            for &(segment, life) in &entries.segments {
                let count = rest.partition_point(|entry| entry.segment() <= segment);
                let (own, others) = rest.split_at(count);
                rest = others;
                if let Some(target) = Target::of(self.core, segment, life) {
                    self.walk(&target, own).await?;
                }
                self.segment_done();
            }
            self.name_unnamed().await?;
            group = left;
        }
        Ok(())
    }

    async fn superblock(&mut self) -> Result<(), StoreError> {
        let file = self.core.superblock.borrow().file.clone();
        for slot in 0..SLOTS {
            let core = self.core;
            let known = move || core.superblock.borrow().slots[slot as usize];
            let Some(generation) = known() else { continue };
            let offset = slot * BLOCK_BYTES as u64;
            let judge = |block: &[u8]| match Superblock::decode(offset, block) {
                Ok(Some(found)) if found.generation == generation => Ok(()),
                Ok(Some(found)) => {
                    Err(format!("generation {generation} expected, found {}", found.generation))
                }
                Ok(None) => Err(format!("generation {generation} expected, found a blank slot")),
                Err(damage) => Err(damage.what),
            };
            let looked = self.look(&*file, offset, BLOCK_BYTES, judge).await?;
            // It may have been rewritten while it was read.
            if let Err(what) = looked
                && known() == Some(generation)
            {
                let file = superblock_path(&self.core.directory).display().to_string();
                self.found(file, offset, what, Concern::Superblock);
            }
        }
        Ok(())
    }

    /// Recovery reads the header of every segment, whatever it holds.
    async fn header(&mut self, segment: u16) -> Result<(), StoreError> {
        let (file, life) = {
            let segments = self.core.segments.borrow();
            (segments.get(segment).file.clone(), segments.get(segment).life)
        };
        let (core, shard) = (self.core, self.core.options.shard);
        let judge = |blocks: &[u8]| {
            let (first, second) = blocks.split_at(BLOCK_BYTES);
            let is_free = core.segments.borrow().get(segment).state == SegmentState::Free;
            match FirstBlock::decode(first).map_err(|damage| damage.what)? {
                FirstBlock::Header(found)
                    if (found.shard, found.segment) == (shard, segment)
                        // The header of a free segment's next life may just have been written.
                        && (found.life == life || (is_free && found.life > life)) =>
                {
                    Ok(())
                }
                FirstBlock::Header(found) => Err(format!(
                    "life {life} of segment {segment} of shard {shard} expected, found life {} of \
                     segment {} of shard {}",
                    found.life, found.segment, found.shard
                )),
                FirstBlock::Blank if life > 0 => {
                    Err(format!("a header of life {life} expected, found a blank block"))
                }
                FirstBlock::Blank if second.iter().any(|&byte| byte != 0) => {
                    Err("a blank header before content that is not".into())
                }
                FirstBlock::Blank => Ok(()),
                FirstBlock::OtherVersion(version) => Err(format!("format version {version}")),
            }
        };
        let looked = self.look(&*file, 0, CONTENT_AT as usize + BLOCK_BYTES, judge).await?;
        if let Err(what) = looked
            && self.core.segments.borrow().get(segment).life == life
        {
            self.found(self.segment_file(segment), 0, what, Concern::SegmentHeader);
        }
        Ok(())
    }

    pub(super) fn segment_file(&self, segment: u16) -> String {
        segment_path(&self.core.directory, segment).display().to_string()
    }

    /// Reads a stretch and judges it, again and again if it is bad; the last verdict.
    pub(super) async fn look<F: File>(
        &mut self,
        file: &F,
        offset: u64,
        length: usize,
        judge: impl Fn(&[u8]) -> Result<(), String>,
    ) -> Result<Result<(), String>, StoreError> {
        let mut what = String::new();
        for look in 0..MAX_SCRUB_LOOKS {
            if look > 0 {
                self.core.world.sleep(SECOND_LOOK).await;
            }
            let read = file.read(offset, length).await;
            self.worked(length as u64).await?;
            match read.map_err(|error| error.to_string()).and_then(|block| judge(&block)) {
                Ok(()) => {
                    (0..look).for_each(|_| self.transient());
                    return Ok(Ok(()));
                }
                Err(found) => what = found,
            }
        }
        Ok(Err(what))
    }

    pub(super) fn transient(&mut self) {
        self.report.transient_faults += 1;
        self.core.counters.scrub_transient_faults.add(1);
    }

    pub(super) fn found(&mut self, file: String, offset_bytes: u64, what: String, on: Concern) {
        let finding = Finding { file, offset_bytes, what, concerns: on, mended: false };
        if self.core.scrub.borrow_mut().note(&finding) {
            self.core.counters.scrub_findings.add(1);
        }
        self.report.findings_total += 1;
        if self.report.findings.len() < MAX_SCRUB_FINDINGS {
            self.report.findings.push(finding);
        }
    }

    /// Notes bytes read, and waits while that is ahead of the pace.
    pub(super) async fn worked(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.report.bytes += bytes;
        self.core.counters.scrub_bytes.add(bytes);
        self.core.world.yield_if_needed().await;
        if self.core.is_closing() {
            return Err(StoreError::Closed);
        }
        if self.bytes_per_s == 0 {
            return Ok(());
        }
        let due = Duration::from_secs_f64(self.report.bytes as f64 / self.bytes_per_s as f64);
        let elapsed = Duration::from_nanos(self.core.world.now_ns() - self.started_ns);
        match due.checked_sub(elapsed) {
            Some(ahead) if !wait(self.core, ahead).await => Err(StoreError::Closed),
            _ => Ok(()),
        }
    }

    /// Has new checkpoints take the place of what they make superfluous.
    async fn mend(&mut self) -> Result<(), StoreError> {
        let is_running = matches!(*self.core.health.borrow(), Health::Running);
        let mendable = |report: &ScrubReport| report.findings.iter().any(Finding::is_mendable);
        if !self.may_mend || !is_running || !mendable(&self.report) {
            return Ok(());
        }
        let slots = self.report.findings.iter().any(|one| one.concerns == Concern::Superblock);
        // One writes the other slot only.
        for _ in 0..if slots { 2 } else { 1 } {
            match checkpoint::take(self.core).await {
                Ok(()) => {}
                Err(StoreError::Closed) => return Err(StoreError::Closed),
                // No room, or a failed write: what was found stands.
                Err(_) => return Ok(()),
            }
        }
        let mut mended = 0;
        for finding in self.report.findings.iter_mut().filter(|finding| finding.is_mendable()) {
            finding.mended = true;
            mended += 1;
        }
        self.report.mended += mended;
        self.core.counters.scrub_mended.add(mended);
        Ok(())
    }
}

fn is_log_or_run(state: SegmentState) -> bool {
    match state {
        SegmentState::Open | SegmentState::Sealed | SegmentState::Emptied { .. } => true,
        SegmentState::Free | SegmentState::Ready | SegmentState::Checkpoint => false,
    }
}

fn is_occupied(state: SegmentState) -> bool {
    is_log_or_run(state) || state == SegmentState::Checkpoint
}
