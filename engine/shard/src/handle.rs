//! How any thread reads and writes: look up the owner, ask, follow the partition if it moved. Not
//! the engine's controls: see `admin`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use flywheel_store::{
    Modified, ScanPage, ScanRequest, Version, Versioned, WriteBatch, WriteOutcome,
};

use crate::blocking::Blocking;
use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::limits::MAX_REROUTES;
use crate::mailbox::Refused;
use crate::reply::reply;
use crate::request::{Call, ChangeFn, Get, Modify, Outcome, Question};
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

#[derive(Debug)]
struct InFlight {
    now: AtomicUsize,
    bound: usize,
}

impl Handle {
    pub(crate) fn new(fleet: Arc<Fleet>, bound: usize) -> Self {
        Self { fleet, in_flight: Arc::new(InFlight { now: AtomicUsize::new(0), bound }) }
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
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn modify(&self, key: Bytes, change: ChangeFn) -> Result<Modified, ShardError> {
        self.ask(Modify { key, change }).await
    }

    /// A page of a key range. Items of one partition are as they were at one moment; pages that
    /// reach over several partitions are put together in key order, each of its own moment.
    ///
    /// # Errors
    /// [`ShardError::Busy`], [`ShardError::Closed`], or the store's own.
    pub async fn scan(&self, request: ScanRequest) -> Result<ScanPage, ShardError> {
        crate::scan::scan(self, request).await
    }

    /// The partition and shard that `key` belongs to right now.
    pub fn locate(&self, key: &[u8]) -> Place {
        self.fleet.routes.now().of_key(key)
    }

    async fn write_one(&self, batch: WriteBatch) -> Result<Version, ShardError> {
        match self.ask(batch).await? {
            WriteOutcome::Applied { first_version } => Ok(first_version),
            WriteOutcome::ConditionFailed { .. } => unreachable!("the batch had no condition"),
        }
    }

    /// Asks the owner, and asks again where the partition went if it moved meanwhile.
    pub(crate) async fn ask<Q: Question>(&self, mut question: Q) -> Result<Q::Answer, ShardError> {
        let Some(_permit) = self.in_flight.enter() else {
            self.fleet.refused_by_handles.fetch_add(1, Ordering::Relaxed);
            return Err(ShardError::Busy("the handle"));
        };
        // No pause between attempts: a shard sends on only after the new owner is in the map.
        for _ in 0..=MAX_REROUTES {
            let place = question.place(&self.fleet.routes.now())?;
            let inbox = &self.fleet.inboxes[usize::from(place.shard)];
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

impl InFlight {
    fn enter(&self) -> Option<Permit<'_>> {
        let before = self.now.fetch_add(1, Ordering::Relaxed);
        let permit = Permit { in_flight: self };
        (before < self.bound).then_some(permit)
    }
}

/// Room for one request; given back when the caller has its answer or stops waiting for it.
struct Permit<'a> {
    in_flight: &'a InFlight,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.in_flight.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_run_out_and_come_back() {
        let in_flight = InFlight { now: AtomicUsize::new(0), bound: 2 };
        let first = in_flight.enter();
        let second = in_flight.enter();
        assert!(first.is_some() && second.is_some() && in_flight.enter().is_none());
        drop(first);
        assert!(in_flight.enter().is_some());
    }
}
