//! The commit loop: takes groups to the disk, several in flight, and acknowledges them in order. Not
//! where writes are decided: see `write`.
//!
//! A group grows while earlier ones are in flight, so its size follows from how long the disk takes:
//! no timer. Only this loop applies the log to the index, one batch after the other.
//!
//! A batch is proven once a later one, durable too, calls it durable: damage to it is then told from a
//! power loss. When the log rests, an empty batch does that for the last one that holds records.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use flywheel_disk::canary::{self, Canary};
use flywheel_disk::{DiskError, File, World};

use crate::cold::Gather;
use crate::core::{Core, Health, Settled};
use crate::error::StoreError;
use crate::format::batch::{self, BatchHeader, BatchKind, encode_records};
use crate::format::place::Place;
use crate::index::Location;
use crate::limits::CONFIRM_AFTER_MS;
use crate::log::{Group, Move, Pending};
use crate::segments::SegmentState;
use crate::space::Need;
use crate::sync::Done;
use crate::types::Versioned;

/// How long the log rests before its last batch is confirmed.
const CONFIRM_AFTER: Duration = Duration::from_millis(CONFIRM_AFTER_MS);

/// A batch on its way to the disk.
struct Flight {
    number: u64,
    /// The batch that it calls durable.
    proves: u64,
    place: Place,
    batch_bytes: usize,
    body_bytes: usize,
    changes: Vec<(Pending, Location)>,
    done: Rc<Done>,
    write: Pin<Box<dyn Future<Output = Result<(), DiskError>>>>,
    outcome: Option<Result<(), DiskError>>,
}

/// The loop's own state: the end of the log and what is in flight.
pub(crate) struct Committer<W: World> {
    core: Rc<Core<W>>,
    flights: VecDeque<Flight>,
    /// Where the next batch goes; `None` until a segment is opened.
    tail: Option<Place>,
    next_number: u64,
    previous: u64,
    durable: u64,
    /// The last durable batch that holds records, and the last that a durable one calls durable.
    last_filled: u64,
    proven: u64,
    /// When the last batch became durable.
    settled_ns: u64,
    /// Wakes the loop once the log may have rested long enough.
    rest: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Brings what the first flight, which is durable, needs of the index.
    gather: Gather<W>,
}

/// Where the log goes on after recovery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogEnd {
    /// The last batch of the chain.
    pub(crate) last_number: u64,
    /// Above every number ever seen, also of batches that no longer count.
    pub(crate) next_number: u64,
    /// All batches of the chain that hold records are called durable by others.
    pub(crate) is_proven: bool,
}

impl<W: World> Committer<W> {
    pub(crate) fn new(core: Rc<Core<W>>, end: &LogEnd) -> Self {
        let settled_ns = core.world.now_ns();
        let gather = Gather::new(core.clone());
        Self {
            core,
            flights: VecDeque::new(),
            tail: None,
            next_number: end.next_number,
            previous: end.last_number,
            durable: end.last_number,
            last_filled: end.last_number,
            proven: if end.is_proven { end.last_number } else { 0 },
            settled_ns,
            rest: None,
            gather,
        }
    }

    /// Runs until nothing more is to be done, and all is written.
    pub(crate) async fn run(mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // Registered before looking, so that nothing that comes meanwhile is missed.
            self.core.commit_wanted.register(context);
            let landed = self.poll_flights(context);
            let settled = self.settle_landed(context);
            let launched = self.launch() || self.confirm(context);
            if !(landed || settled || launched) {
                break;
            }
        }
        let idle = self.flights.is_empty() && self.core.log.borrow().forming.is_empty();
        if idle && (self.core.finished.get() || self.core.is_stopped()) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_flights(&mut self, context: &mut Context<'_>) -> bool {
        let mut landed = false;
        for flight in self.flights.iter_mut().filter(|flight| flight.outcome.is_none()) {
            if let Poll::Ready(outcome) = flight.write.as_mut().poll(context) {
                flight.outcome = Some(outcome);
                landed = true;
            }
        }
        landed
    }

    /// Settles what has landed, in order: a batch waits for all before it.
    fn settle_landed(&mut self, context: &mut Context<'_>) -> bool {
        let mut settled = false;
        while let Some(first) = self.flights.front().filter(|first| first.outcome.is_some()) {
            let is_durable = matches!(first.outcome, Some(Ok(())));
            let ready = match is_durable {
                true => self.gather.poll(&first.changes, context),
                false => Poll::Ready(Ok(())),
            };
            let Poll::Ready(ready) = ready else { break };
            let mut flight = self.flights.pop_front().expect("looked at above");
            match flight.outcome.take().expect("looked at above").and(ready) {
                Ok(()) => self.settle(flight),
                Err(error) => self.stop(flight, error),
            }
            settled = true;
        }
        settled
    }

    /// The batch is durable: the index learns of it, then its writers do.
    fn settle(&mut self, flight: Flight) {
        let core = &self.core;
        self.durable = flight.number;
        self.proven = flight.proves;
        self.settled_ns = core.world.now_ns();
        if !flight.changes.is_empty() {
            self.last_filled = flight.number;
        }
        for (change, location) in flight.changes {
            apply(core, change, location, flight.number);
        }
        core.segments.borrow_mut().settle(flight.place.segment, flight.number);
        core.segments.borrow_mut().reach(flight.place.segment, flight.place.offset_bytes);
        core.log.borrow_mut().pending_bytes -= flight.body_bytes;
        let next_offset = flight.place.offset_bytes + flight.batch_bytes as u32;
        core.settled.set(Settled { number: flight.number, next: flight.place.at(next_offset) });
        flight.done.finish(Ok(()));
        core.room_changed.notify();
        core.note_index_growth();
    }

    /// A write failed: the log has a hole, so nothing behind it may be acknowledged, ever.
    fn stop(&mut self, failed: Flight, error: DiskError) {
        *self.core.health.borrow_mut() = Health::Stopped(error.clone());
        let flights = std::mem::take(&mut self.flights);
        let mut waiting = vec![failed.done];
        waiting.extend(flights.into_iter().map(|flight| flight.done));
        self.refuse_forming(&StoreError::Stopped(error.clone()), &[]);
        for done in waiting {
            done.finish(Err(StoreError::Stopped(error.clone())));
        }
        self.core.room_changed.notify();
        self.core.maintenance_wanted.notify();
        self.core.upkeep_wanted.notify();
        self.core.segments_changed.notify();
    }

    /// Fails all groups that have not been launched, but those of the needs to `keep`.
    fn refuse_forming(&self, error: &StoreError, keep: &[Need]) {
        let groups = {
            let log = &mut *self.core.log.borrow_mut();
            let (kept, groups): (VecDeque<Group>, VecDeque<Group>) =
                std::mem::take(&mut log.forming).into_iter().partition(|group| {
                    // A group without items loses nothing by what is refused before it.
                    keep.contains(&group.need())
                });
            log.forming = kept;
            log.pending_bytes -= groups.iter().map(|group| group.body_bytes).sum::<usize>();
            // The newest version of a key is again the one in flight, if there is one.
            log.unsettled.clear();
            for flight in &self.flights {
                for (change, _) in &flight.changes {
                    log.note_unsettled(change, &flight.done);
                }
            }
            groups
        };
        for group in groups {
            for change in &group.pending {
                if let Pending::Relocation { run_segment, .. } = change {
                    self.core.segments.borrow_mut().settle(*run_segment, 0);
                }
            }
            group.done.finish(Err(error.clone()));
        }
        self.core.room_changed.notify();
    }

    /// Sends the oldest forming group to the disk, if there is one and may be.
    fn launch(&mut self) -> bool {
        let waiting = {
            let log = self.core.log.borrow();
            log.forming.front().map(|group| (group.body_bytes, group.need()))
        };
        let Some((body_bytes, need)) = waiting else { return false };
        let health = self.core.health.borrow().clone();
        if let Health::Stopped(error) = health {
            // Not only this loop stops the store: compaction's and checkpoints' writes fail too.
            self.refuse_forming(&StoreError::Stopped(error), &[]);
            return false;
        }
        if !self.may_launch(body_bytes) {
            return false;
        }
        let Some(place) = self.place_for(batch::batch_bytes(body_bytes), need) else {
            let left = self.core.segments.borrow().free_and_ready();
            if let Health::Full(error) = health
                && left <= self.core.reserve(need)
            {
                let keep: &[Need] = if need == Need::Upkeep { &[] } else { &[Need::Upkeep] };
                self.refuse_forming(&StoreError::Full(error), keep);
                return true;
            }
            return false;
        };
        let group = self.core.log.borrow_mut().forming.pop_front().expect("looked at above");
        let flight = self.encode(group, place);
        self.flights.push_back(flight);
        true
    }

    fn may_launch(&self, body_bytes: usize) -> bool {
        let options = &self.core.options;
        let is_large = body_bytes >= options.commit_beside_bytes;
        self.flights.is_empty() || (is_large && self.flights.len() < options.commit_depth)
    }

    /// Once the log has rested for a while, sends an empty batch that calls its last one durable.
    fn confirm(&mut self, context: &mut Context<'_>) -> bool {
        let core = &self.core;
        let is_resting = self.flights.is_empty() && core.log.borrow().forming.is_empty();
        let may_write = matches!(*core.health.borrow(), Health::Running) && !core.is_closing();
        if self.last_filled <= self.proven || !is_resting || !may_write {
            return false;
        }
        // One timer for many batches: under load none is set more often than it fires.
        let rest = self.rest.get_or_insert_with(|| Box::pin(core.world.sleep(CONFIRM_AFTER)));
        if rest.as_mut().poll(context).is_pending() {
            return false;
        }
        let rested = Duration::from_nanos(core.world.now_ns() - self.settled_ns);
        if rested < CONFIRM_AFTER {
            self.rest = Some(Box::pin(core.world.sleep(CONFIRM_AFTER - rested)));
            return true;
        }
        self.rest = None;
        let Some(place) = self.place_for(batch::batch_bytes(0), Need::Items) else { return false };
        let flight = self.encode(Group::default(), place);
        self.flights.push_back(flight);
        true
    }

    /// Where a batch of so many bytes goes: behind the last one, or at the beginning of a new segment.
    fn place_for(&mut self, batch_bytes: usize, need: Need) -> Option<Place> {
        let core = &self.core;
        let reserve = core.reserve(need);
        let mut segments = core.segments.borrow_mut();
        if let Some(tail) = self.tail {
            if tail.offset_bytes as usize + batch_bytes <= segments.segment_bytes as usize {
                return Some(tail);
            }
            segments.seal(tail.segment);
            self.tail = None;
        }
        core.maintenance_wanted.notify();
        core.upkeep_wanted.notify();
        if segments.free_and_ready() <= reserve {
            return None;
        }
        self.tail = segments.open(SegmentState::Open);
        self.tail
    }

    fn encode(&mut self, group: Group, place: Place) -> Flight {
        let core = &self.core;
        let header = BatchHeader {
            place,
            kind: BatchKind::Log,
            number: self.next_number,
            previous: self.previous,
            durable: self.durable,
            body_bytes: group.body_bytes as u32,
            records: group.pending.len() as u32,
        };
        let mut buffer = core.world.buffer(header.batch_bytes());
        let mut changes = Vec::with_capacity(group.pending.len());
        let records = group.pending.iter().map(Pending::record);
        let locations = encode_records(&header, records, &mut buffer);
        changes.extend(group.pending.into_iter().zip(locations));
        self.previous = header.number;
        self.next_number += 1;
        self.tail = Some(place.at(place.offset_bytes + header.batch_bytes() as u32));
        let file = {
            let mut segments = core.segments.borrow_mut();
            segments.unsettle(place.segment);
            segments.get(place.segment).file.clone()
        };
        core.counters.log_batches.add(1);
        core.counters.log_bytes_written.add(header.batch_bytes() as u64);
        let offset_bytes = u64::from(place.offset_bytes);
        Flight {
            number: header.number,
            proves: header.durable,
            place,
            batch_bytes: header.batch_bytes(),
            body_bytes: group.body_bytes,
            changes,
            done: group.done,
            write: Box::pin(async move {
                if canary::sings(Canary::AcknowledgeBeforeSync) {
                    return file.write(offset_bytes, buffer).await;
                }
                file.write_durable(offset_bytes, buffer).await
            }),
            outcome: None,
        }
    }
}

impl<W: World> Drop for Committer<W> {
    /// The core ends in the middle of things: what waits for marks that will not be done must go too.
    fn drop(&mut self) {
        let forming = std::mem::take(&mut self.core.log.borrow_mut().forming);
        let waiting = forming.iter().map(|group| &group.done);
        waiting
            .chain(self.flights.iter().map(|flight| &flight.done))
            .for_each(|done| done.abandon());
    }
}

/// Makes one durable change known to the index, the cache and the segments' accounts.
fn apply<W: World>(core: &Core<W>, change: Pending, location: Location, number: u64) {
    let mut table = core.table.borrow_mut();
    match change {
        Pending::Item { key, value, version } => {
            core.log.borrow_mut().settle(&key, version);
            // A write on its way while its partition was dropped is as dead as the partition.
            let Some(partition) = table.find_mut(&key) else { return };
            let mut segments = core.segments.borrow_mut();
            let mut cache = core.cache.borrow_mut();
            let replaced = match value {
                Some(value) => {
                    segments.credit(location);
                    let replaced = partition.index.insert(&key, location);
                    cache.insert(partition.cache_tag, key, Versioned { version, value });
                    replaced
                }
                None => {
                    cache.remove(partition.cache_tag, &key);
                    partition.index.remove(&key)
                }
            };
            replaced.into_iter().for_each(|old| segments.debit(old));
        }
        Pending::Partition { change, .. } => {
            if let Some(index) = table.apply(&change) {
                core.dropped.borrow_mut().push((index, core.pages.pin()));
                core.upkeep_wanted.notify();
            }
        }
        Pending::Relocation { moves, run_segment, .. } => {
            let mut segments = core.segments.borrow_mut();
            for Move { key, from, to } in moves {
                segments.reach(run_segment, to.offset_bytes());
                let Some(partition) = table.find_mut(&key) else { continue };
                if partition.index.relocate(&key, from, to) {
                    segments.credit(to);
                    segments.debit(from);
                } else if canary::sings(Canary::ForgetTombstone)
                    && partition.index.get(&key) == Ok(None)
                {
                    partition.index.insert(&key, to);
                    segments.credit(to);
                }
            }
            segments.settle(run_segment, number);
        }
    }
}
