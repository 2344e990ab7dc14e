//! What a workload is driven against: one trait, its errors, and who connects.
//! No target lives here; adapters are in `harness/targets`.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::record::{Added, Addition, FieldSet, Record};

/// What went wrong, coarse enough to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetErrorKind {
    /// Refused because some queue or buffer is full.
    Overloaded,
    /// Refused because provisioned capacity is used up.
    Throttled,
    /// No answer in time.
    Timeout,
    /// Not connected, shutting down, or moved away.
    Unavailable,
    /// The medium returned something other than what was written.
    Corruption,
    /// The medium or the network failed.
    Io,
    /// No space left.
    Full,
    /// The request itself is wrong, or the target cannot do it.
    Invalid,
    /// What the target returned is not a record.
    Undecodable,
    /// Anything else.
    Other,
}

impl TargetErrorKind {
    /// Whether the target was merely busy: it did nothing, said so, and may do it later.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Overloaded | Self::Throttled)
    }
}

/// A failed operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {message}")]
pub struct TargetError {
    /// What to count it as.
    pub kind: TargetErrorKind,
    /// What happened; static where it may happen often.
    pub message: Cow<'static, str>,
}

impl TargetError {
    /// An error of `kind`.
    pub fn new(kind: TargetErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Shorthand for what any other error displays as.
    pub fn from_display(kind: TargetErrorKind, error: impl fmt::Display) -> Self {
        Self::new(kind, error.to_string())
    }
}

impl From<crate::record::RecordError> for TargetError {
    fn from(error: crate::record::RecordError) -> Self {
        Self::from_display(TargetErrorKind::Undecodable, error)
    }
}

/// One record of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: Bytes,
    /// The fields that were asked for.
    pub record: Record,
}

/// Whether an update found its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// Written.
    Applied,
    /// There is no such key, and nothing was written.
    NotFound,
}

/// Input and output that a target does on its worker's own thread, without threads of its own: the worker turns it
/// in place of its naps.
pub trait Reactor {
    /// Told once, before the first client runs: from now on somebody turns it. Futures that are polled without that
    /// have nobody to wake them, and may block instead.
    fn begin(&self);

    /// Does what is ready and wakes those who wait for it. If nothing is, waits for it: for `longest` at most, and no
    /// longer than until somebody wakes [`Self::interrupter`].
    fn turn(&self, longest: Duration);

    /// Ends a wait, from any thread.
    fn interrupter(&self) -> Waker;
}

/// One worker's connection to what is measured.
///
/// The driver keeps up to `threadcount / workers` calls in flight on one value, all on the thread that
/// connected it; futures need not be `Send`, but their wakers may be called from any thread. A write may
/// return only when it is as durable as the target promises. The driver may drop a future when a run is
/// abandoned.
pub trait Target {
    /// What the worker is to turn, if the target does its input and output on the worker's thread.
    fn reactor(&self) -> Option<&dyn Reactor> {
        None
    }

    /// The fields of the record under `key`, or `None` when there is none.
    fn read(
        &self,
        key: &[u8],
        fields: FieldSet,
    ) -> impl Future<Output = Result<Option<Record>, TargetError>>;

    /// Up to `count` records in key order, the first at or after `start`. Where [`TargetFactory::scans_in_order`] says
    /// otherwise: in the target's own order, from where `start` stands in it, or would.
    fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> impl Future<Output = Result<Vec<Row>, TargetError>>;

    /// Stores a whole record, in place of any that is there.
    fn insert(&self, key: &[u8], record: Record) -> impl Future<Output = Result<(), TargetError>>;

    /// Changes a record. With `whole`, `changes` has every field and a blind put will do; without, it has some
    /// and the others must stay as they are.
    fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> impl Future<Output = Result<Updated, TargetError>>;

    /// Adds to a number of a record, if the sum is not too little: atomically, so that additions of many clients
    /// at one key all count.
    ///
    /// **What stands here is not atomic**: it reads, then updates, and additions that meet are lost. A target that
    /// can do better must.
    fn add(
        &self,
        key: &[u8],
        addition: Addition,
    ) -> impl Future<Output = Result<Added, TargetError>> {
        async move {
            let Some(before) = self.read(key, FieldSet::All).await? else {
                return Ok(Added::NotFound);
            };
            let (added, after) = addition.apply(&before)?;
            if let Some(after) = after {
                let change = after.project(FieldSet::One(addition.field));
                if self.update(key, change, false).await? == Updated::NotFound {
                    return Ok(Added::NotFound);
                }
            }
            Ok(added)
        }
    }
}

/// Makes one target for each worker.
pub trait TargetFactory: Sync {
    /// What it makes.
    type Target: Target;

    /// The target's name in results, such as `null` or `flywheel`.
    fn name(&self) -> &str;

    /// Whether what is written can be read again. Without, no check of a run is made.
    fn stores(&self) -> bool {
        true
    }

    /// Whether scans return records in key order. Without, no check of a run asks for it.
    fn scans_in_order(&self) -> bool {
        true
    }

    /// Connects worker number `worker`, on that worker's own thread.
    fn connect(&self, worker: usize) -> impl Future<Output = Result<Self::Target, TargetError>>;
}
