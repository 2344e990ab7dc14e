//! Deliberate faults, each breaking one promise, that the simulator must find: proof that it looks. Not
//! part of any real build: without the feature `canaries`, which only `engine/sim` turns on,
//! [`sings`] is a constant and every fault is compiled away.

/// A way in which the engine could be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// Batches are acknowledged once written, before they are durable.
    AcknowledgeBeforeSync,
    /// Recovery takes a hole that a later batch calls durable for the end of the log.
    SkipHoleRule,
    /// Recovery goes on behind a torn batch.
    ReplayBehindHole,
    /// Compaction brings a key back that was deleted while its record was being copied.
    ForgetTombstone,
    /// Segments are recycled while readers may still look into them.
    FreeUnderReaders,
    /// Segments are recycled before a checkpoint holds what recovery needs of them.
    FreeBeforeCheckpoint,
    /// Compaction believes in runs whose sync has failed.
    BelieveFailedSync,
    /// A condition decided on a write in flight is answered before that write is durable.
    AnswerUndecided,
    /// Records are believed without their checksums.
    SkipChecksum,
    /// A shard goes on serving a partition that it has moved away.
    RouteStale,
    /// A move does not send what was written while it copied.
    ForgetNotes,
    /// A transaction is carried out before the ledger calls it committed, and without that.
    CommitUnrecorded,
    /// Reads show what a transaction would make of an item before it is decided.
    ReadUndecided,
    /// A transaction that is asked for again with its token is done again.
    ForgetToken,
    /// Changes are taken from the feed before global indexes have followed them.
    FollowAfterwards,
}

impl Canary {
    /// Those of a shard and what is below it.
    pub const OF_SHARDS: [Canary; 11] = [
        Canary::AcknowledgeBeforeSync,
        Canary::SkipHoleRule,
        Canary::ReplayBehindHole,
        Canary::ForgetTombstone,
        Canary::FreeUnderReaders,
        Canary::FreeBeforeCheckpoint,
        Canary::BelieveFailedSync,
        Canary::AnswerUndecided,
        Canary::SkipChecksum,
        Canary::RouteStale,
        Canary::ForgetNotes,
    ];

    /// Those of the tables.
    pub const OF_TABLES: [Canary; 4] = [
        Canary::CommitUnrecorded,
        Canary::ReadUndecided,
        Canary::ForgetToken,
        Canary::FollowAfterwards,
    ];
}

#[cfg(feature = "canaries")]
mod switch {
    use super::Canary;
    use std::cell::Cell;

    thread_local! {
        static SINGING: Cell<Option<Canary>> = const { Cell::new(None) };
    }

    /// Lets one fault, or none, be made on this thread from now on.
    pub fn sing(canary: Option<Canary>) {
        SINGING.set(canary);
    }

    /// Whether the engine is to make this fault now.
    pub fn sings(canary: Canary) -> bool {
        SINGING.get() == Some(canary)
    }
}

#[cfg(feature = "canaries")]
pub use switch::{sing, sings};

/// Whether the engine is to make this fault now: never.
#[cfg(not(feature = "canaries"))]
#[inline]
pub const fn sings(_canary: Canary) -> bool {
    false
}
