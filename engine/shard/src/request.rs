//! The messages that a shard takes: requests of clients and control messages of the engine. Not how
//! they are answered: see `shard`.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_store::{
    Change, Direction, ImportedRecord, Modified, PartitionId, PartitionInfo, PartitionSpec,
    ScanPage, ScanRequest, ScrubReport, Version, Versioned, WriteBatch, WriteOutcome,
};
use futures_util::future::LocalBoxFuture;

use crate::error::ShardError;
use crate::reply::ReplySender;
use crate::route::{Place, RouteMap};
use crate::stats::EngineStats;

/// Makes a key's new value of its current one, on the owner's core; must be quick.
pub type ChangeFn = Box<dyn FnOnce(Option<&Bytes>) -> Change + Send>;

/// A question on its way and where its answer goes.
pub(crate) struct Call<Q: Question> {
    pub question: Q,
    pub reply: Replier<Q>,
}

/// Where the answer to a question goes.
pub(crate) type Replier<Q> = ReplySender<Outcome<Q>>;

/// What became of a question.
pub(crate) enum Outcome<Q: Question> {
    Answer(Result<Q::Answer, ShardError>),
    /// The partition is elsewhere by now; the question comes back to be asked there.
    Moved(Q),
}

/// Something a client asks of the owner of a key.
pub(crate) trait Question: Sized {
    type Answer;

    /// Where to ask.
    ///
    /// # Errors
    /// If no place can answer it.
    fn place(&self, map: &RouteMap) -> Result<Place, ShardError>;

    fn request(call: Call<Self>) -> Request;

    /// Bytes of keys and values that it brings along to be written, as far as can be seen from it.
    fn written_bytes(&self) -> usize {
        0
    }
}

/// What clients ask.
pub(crate) enum Request {
    Get(Call<Get>),
    Write(Call<WriteBatch>),
    Modify(Call<Modify>),
    // Boxed so that the mailbox's slots stay small: scans are few and long.
    Scan(Box<Call<Scan>>),
}

pub(crate) struct Get(pub Bytes);

pub(crate) struct Modify {
    pub key: Bytes,
    pub change: ChangeFn,
}

pub(crate) struct Scan(pub ScanRequest);

/// The part of a scan that lies in one partition.
pub(crate) struct ScanSlice {
    pub page: ScanPage,
    /// Where the partition ends before the asked range does: what is left of the range.
    pub rest: Option<Bound<Bytes>>,
}

impl Question for Get {
    type Answer = Option<Versioned>;

    fn place(&self, map: &RouteMap) -> Result<Place, ShardError> {
        Ok(map.of_key(&self.0))
    }

    fn request(call: Call<Self>) -> Request {
        Request::Get(call)
    }
}

impl Question for WriteBatch {
    type Answer = WriteOutcome;

    fn place(&self, map: &RouteMap) -> Result<Place, ShardError> {
        if !map.together(self.writes.iter().map(|write| &write.key)) {
            return Err(ShardError::BatchSpansPartitions);
        }
        // An empty batch goes anywhere: the store says what it thinks of it.
        Ok(map.of_key(self.writes.first().map_or(b"", |write| &*write.key)))
    }

    fn request(call: Call<Self>) -> Request {
        Request::Write(call)
    }

    fn written_bytes(&self) -> usize {
        let value = |value: &Option<Bytes>| value.as_ref().map_or(0, Bytes::len);
        self.writes.iter().map(|write| write.key.len() + value(&write.value)).sum()
    }
}

impl Question for Modify {
    type Answer = Modified;

    fn place(&self, map: &RouteMap) -> Result<Place, ShardError> {
        Ok(map.of_key(&self.key))
    }

    fn request(call: Call<Self>) -> Request {
        Request::Modify(call)
    }
}

impl Question for Scan {
    type Answer = ScanSlice;

    fn place(&self, map: &RouteMap) -> Result<Place, ShardError> {
        Ok(match self.0.direction {
            Direction::Forward => map.first_upwards(&self.0.start),
            Direction::Backward => map.first_downwards(&self.0.end),
        })
    }

    fn request(call: Call<Self>) -> Request {
        Request::Scan(Box::new(call))
    }
}

impl Request {
    /// Sends the question back to be asked at the new owner.
    pub fn send_on(self) {
        match self {
            Request::Get(call) => call.reply.send(Outcome::Moved(call.question)),
            Request::Write(call) => call.reply.send(Outcome::Moved(call.question)),
            Request::Modify(call) => call.reply.send(Outcome::Moved(call.question)),
            Request::Scan(call) => call.reply.send(Outcome::Moved(call.question)),
        }
    }

    /// Answers with an error.
    pub fn fail(self, error: ShardError) {
        match self {
            Request::Get(call) => call.reply.send(Outcome::Answer(Err(error))),
            Request::Write(call) => call.reply.send(Outcome::Answer(Err(error))),
            Request::Modify(call) => call.reply.send(Outcome::Answer(Err(error))),
            Request::Scan(call) => call.reply.send(Outcome::Answer(Err(error))),
        }
    }
}

/// Makes a task, on the core that it is to run on.
pub(crate) type StartTask = Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>;

/// Where the answer to a control message goes.
pub(crate) type ControlReply<T> = ReplySender<Result<T, ShardError>>;

/// What the engine and the other shards ask of a shard.
pub(crate) enum Control {
    /// Cut a partition; answers with the name of its upper part.
    Split { id: PartitionId, at: Bytes, reply: ControlReply<PartitionId> },
    /// Move a partition to another shard.
    Move { id: PartitionId, to: u16, reply: ControlReply<()> },
    /// One step of a move to this shard.
    Import { step: ImportStep, reply: ControlReply<()> },
    /// List the partitions.
    Partitions { reply: ControlReply<Vec<PartitionInfo>> },
    /// This shard's figures.
    Stats { reply: ControlReply<EngineStats> },
    /// Take a checkpoint.
    Checkpoint { reply: ControlReply<()> },
    /// Scrub the whole store now.
    Scrub { reply: ControlReply<ScrubReport> },
    /// Answer with the highest version in the shard's own range, once it is above this one.
    Appended { after: Version, reply: ControlReply<Version> },
    /// Run a task.
    Run { start: StartTask, reply: ControlReply<()> },
    /// Finish all requests, splits and moves and begin no more.
    Quiesce { reply: ControlReply<()> },
    /// Close the store and end.
    Close { reply: ControlReply<()> },
}

/// The steps of a move, at the shard that is moved to.
pub(crate) enum ImportStep {
    /// Make the empty partition, durably, and serve nobody from it.
    Begin(PartitionSpec),
    /// Take these records, durably.
    Records(PartitionId, Vec<ImportedRecord>),
    /// Own and serve the partition, durably: the one moment at which the owner changes.
    Activate(PartitionId, u64),
    /// The move was given up: forget the partition.
    Abort(PartitionId),
}
