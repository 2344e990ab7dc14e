//! How any thread reads and writes: look up the owner, ask, follow the partition if it moved. Not
//! the engine's controls: see `admin`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use flywheel_store::{
    Modified, ScanPage, ScanRequest, Version, Versioned, WriteBatch, WriteOutcome,
};

use crate::blocking::Blocking;
use crate::consumption::Consumption;
use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::limits::MAX_REROUTES;
use crate::mailbox::Refused;
use crate::reply::reply;
use crate::request::{Call, ChangeFn, Control, Get, Modify, Outcome, Question};
use crate::route::Place;

/// A way into an engine, for any thread. Clones are cheap and share one bound on requests under way.
///
/// Every call may answer [`ShardError::Busy`] when the handle or the owner's mailbox is full: at
/// once, without waiting, and without anything having been done. Splits and moves are never seen.
#[derive(Debug, Clone)]
pub struct Handle {
    fleet: Arc<Fleet>,
    in_flight: Arc<InFlight>,
}

impl Handle {
    pub(crate) fn new(fleet: Arc<Fleet>, bounds: HandleBounds) -> Self {
        Self { fleet, in_flight: Arc::new(InFlight::new(bounds)) }
    }

    /// The same calls for threads that may block.
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking::new(self)
    }

    /// The current value of `key`, as of a moment during the call.
    ///
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn get(&self, key: Bytes) -> Result<Option<Versioned>, ShardError> {
        self.ask(Get(key)).await
    }

    /// Puts a value; on return it is durable.
    ///
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn put(&self, key: Bytes, value: Bytes) -> Result<Version, ShardError> {
        self.write_one(WriteBatch::put(key, value)).await
    }

    /// Deletes a key, whether or not it has a value; on return that is durable.
    ///
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn delete(&self, key: Bytes) -> Result<Version, ShardError> {
        self.write_one(WriteBatch::delete(key)).await
    }

    /// Applies a batch if all its conditions hold; on return it is durable, or nothing happened.
    ///
    /// # Errors
    /// [`ShardError::BatchSpansPartitions`] if its keys lie in more than one partition,
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn write(&self, batch: WriteBatch) -> Result<WriteOutcome, ShardError> {
        self.ask(batch).await
    }

    /// Replaces a key's value by what `change` makes of it, atomically; on return it is durable.
    /// `change` runs at most once, on the owner's core, and must be quick.
    ///
    /// It may also write other keys of the same partition and append to the owner's own range, all at once or
    /// nothing: see [`flywheel_store::Change::Several`].
    ///
    /// # Errors
    /// [`ShardError::ChangePanicked`], and for several effects [`ShardError::BatchSpansPartitions`] and
    /// [`ShardError::NoOwnRanges`]: nothing was done. [`ShardError::Busy`], [`ShardError::Closed`], or the
    /// store's own.
    pub async fn modify(&self, key: Bytes, change: ChangeFn) -> Result<Modified, ShardError> {
        self.modify_bringing(0, key, change).await
    }

    /// The same for a change that brings `value_bytes` along, in what its function holds: they count against the
    /// handle's share of memory, as those of writes do. What it makes of what is there is counted only once it is
    /// made, by the store, which bounds all that waits to be durable.
    ///
    /// # Errors
    /// Those of [`Handle::modify`].
    pub async fn modify_bringing(
        &self,
        value_bytes: usize,
        key: Bytes,
        change: ChangeFn,
    ) -> Result<Modified, ShardError> {
        // What brings nothing ends what others began: it is not turned away because these fill the share.
        let bytes = if value_bytes == 0 { 0 } else { key.len() + value_bytes };
        self.ask_bringing(bytes, Modify { key, change }).await
    }

    /// A page of a key range. Items of one partition are as they were at one moment; pages that
    /// reach over several partitions are put together in key order, each of its own moment.
    ///
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn scan(&self, request: ScanRequest) -> Result<ScanPage, ShardError> {
        crate::scan::scan(self, request).await
    }

    /// Whether the directory was made with own ranges, which [`flywheel_store::Effect::Append`] needs.
    pub fn has_own_ranges(&self) -> bool {
        self.fleet.has_own_ranges()
    }

    /// Shards of the engine.
    pub fn shards(&self) -> u16 {
        self.fleet.inboxes.len() as u16
    }

    /// Waits until something was appended to the own range of `shard` under a version above `after`, and can be
    /// read; answers with the highest version of which that is known.
    ///
    /// Only what was appended since the engine was opened counts. So a reader scans from the last version it
    /// saw until nothing is left, then waits here with that version, or with the last answer if that is higher:
    /// it is woken for all that comes behind its last scan, and misses nothing. A wait may be dropped at any time.
    ///
    /// # Errors
    /// [`ShardError::NoOwnRanges`], [`ShardError::NoSuchShard`]; [`ShardError::Closed`], also to those who wait
    /// when the engine closes; [`ShardError::Busy`] if too many wait at that shard.
    pub async fn appended(&self, shard: u16, after: Version) -> Result<Version, ShardError> {
        if !self.has_own_ranges() {
            return Err(ShardError::NoOwnRanges);
        }
        if let Some(inbox) = self.fleet.inboxes.get(usize::from(shard)) {
            let highest = inbox.appended.load(Ordering::Acquire);
            if highest > after {
                return Ok(highest);
            }
        }
        self.fleet.control(shard, |reply| Control::Appended { after, reply }).await
    }

    /// The partition and shard that `key` belongs to right now.
    pub fn locate(&self, key: &[u8]) -> Place {
        self.fleet.routes.now().of_key(key)
    }

    /// Counts in what the partition of `key` has served. `count` is to be quick.
    pub fn consumption<T>(&self, key: &[u8], count: impl FnOnce(&Consumption) -> T) -> T {
        count(self.fleet.routes.now().consumption(key))
    }

    /// What each partition has served, with its first key and its place, in key order.
    pub fn consumptions(&self) -> Vec<(Bytes, Place, Arc<Consumption>)> {
        let map = self.fleet.routes.now();
        let all = map.consumptions();
        all.map(|(start, place, served)| (start.clone(), place, Arc::clone(served))).collect()
    }

    async fn write_one(&self, batch: WriteBatch) -> Result<Version, ShardError> {
        match self.ask(batch).await? {
            WriteOutcome::Applied { first_version } => Ok(first_version),
            WriteOutcome::ConditionFailed { .. } => unreachable!("the batch had no condition"),
        }
    }

    /// Asks the owner, and asks again where the partition went if it moved meanwhile.
    pub(crate) async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, ShardError> {
        self.ask_bringing(question.written_bytes(), question).await
    }

    async fn ask_bringing<Q: Question>(
        &self,
        bytes: usize,
        mut question: Q,
    ) -> Result<Q::Answer, ShardError> {
        let _permit = self.in_flight.enter(bytes).map_err(|full| {
            self.fleet.refused_by_handles.fetch_add(1, Ordering::Relaxed);
            ShardError::Busy(full)
        })?;
        // No pause between attempts: a shard sends on only after the new owner is in the map.
        for attempt in 0..=MAX_REROUTES {
            let place = question.place(&self.fleet.routes.now())?;
            let inbox = &self.fleet.inboxes[usize::from(place.shard)];
            // Here, on the caller's thread: what is turned away costs the shard nothing. What was let in
            // once and only follows its partition is not turned away any more.
            if attempt == 0 && !inbox.door.admits(|| inbox.requests.len()) {
                return Err(ShardError::Busy("a shard's queue"));
            }
            let (sender, receiver) = reply();
            inbox.requests.send(Q::request(Call { question, reply: sender })).map_err(refused)?;
            match receiver.await {
                Ok(Outcome::Answer(answer)) => return answer,
                Ok(Outcome::Moved(back)) => question = back,
                Err(_no_reply) => return Err(ShardError::Closed),
            }
        }
        Err(ShardError::Busy("the list of places to ask"))
    }
}

fn refused<T>(refused: Refused<T>) -> ShardError {
    match refused {
        Refused::Full(_) => ShardError::Busy("a shard's mailbox"),
        Refused::Closed(_) => ShardError::Closed,
    }
}

/// What one handle and its clones may have under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandleBounds {
    pub requests: usize,
    /// Keys and values of writes.
    pub bytes: usize,
}

#[derive(Debug)]
struct InFlight {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    bounds: HandleBounds,
}

impl InFlight {
    fn new(bounds: HandleBounds) -> Self {
        Self { requests: AtomicUsize::new(0), bytes: AtomicUsize::new(0), bounds }
    }

    /// Room for a request that writes `bytes`, or what is full.
    fn enter(&self, bytes: usize) -> Result<Permit<'_>, &'static str> {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut permit = Permit { in_flight: self, bytes: 0 };
        if requests >= self.bounds.requests {
            return Err("the handle");
        }
        if bytes > 0 {
            let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
            permit.bytes = bytes;
            if before > 0 && before + bytes > self.bounds.bytes {
                return Err("the handle's share of memory");
            }
        }
        Ok(permit)
    }
}

/// Room for one request; given back when the caller has its answer or stops waiting for it.
struct Permit<'a> {
    in_flight: &'a InFlight,
    bytes: usize,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.in_flight.requests.fetch_sub(1, Ordering::Relaxed);
        if self.bytes > 0 {
            self.in_flight.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_run_out_and_come_back() {
        let in_flight = InFlight::new(HandleBounds { requests: 2, bytes: 1 });
        let first = in_flight.enter(0);
        let second = in_flight.enter(0);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(in_flight.enter(0).err(), Some("the handle"));
        drop(first);
        assert!(in_flight.enter(0).is_ok());
    }

    #[test]
    fn bytes_run_out_and_come_back_and_one_write_alone_always_passes() {
        let in_flight = InFlight::new(HandleBounds { requests: 9, bytes: 100 });
        let large = in_flight.enter(1000);
        assert!(large.is_ok() && in_flight.enter(0).is_ok(), "reads write nothing");
        assert_eq!(in_flight.enter(1).err(), Some("the handle's share of memory"));
        drop(large);
        let all = [in_flight.enter(60), in_flight.enter(40)];
        assert!(all.iter().all(Result::is_ok) && in_flight.enter(1).is_err());
        drop(all);
        assert!(in_flight.enter(100).is_ok());
        assert_eq!(in_flight.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(in_flight.requests.load(Ordering::Relaxed), 0);
    }
}
