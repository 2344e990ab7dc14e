//! What the simulated disk was asked and what went wrong on it, counted. Not a log: see the
//! executor's trace.

/// What has been asked of the disk since it was made, whether it succeeded or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimCounters {
    /// Reads.
    pub reads: u64,
    /// Bytes that they asked for.
    pub read_bytes: u64,
    /// Writes, durable ones included.
    pub writes: u64,
    /// Bytes that they wrote.
    pub written_bytes: u64,
    /// Those of the writes that were durable writes.
    pub durable_writes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Bytes of unsynced writes that they covered.
    pub synced_bytes: u64,
    /// Files to be created for which there was space.
    pub creates: u64,
    /// Files to be removed.
    pub removes: u64,
    /// What went wrong.
    pub faults: SimFaults,
}

/// The faults that happened: a fault that changed nothing is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimFaults {
    /// Reads that failed.
    pub read_errors: u64,
    /// Reads that brought older bytes.
    pub stale_reads: u64,
    /// Reads that brought another place's bytes.
    pub misdirected_reads: u64,
    /// Writes that failed.
    pub write_errors: u64,
    /// Writes that never reached the medium, though they were answered as done.
    pub lost_writes: u64,
    /// Writes that landed elsewhere.
    pub misdirected_writes: u64,
    /// Syncs that failed.
    pub sync_errors: u64,
    /// Creating, removing, opening and listing that failed.
    pub metadata_errors: u64,
    /// Files not created for lack of space.
    pub no_space: u64,
    /// Slow requests.
    pub slow: u64,
    /// Stuck requests.
    pub stuck: u64,
    /// Requests that were held.
    pub held: u64,
    /// Power losses.
    pub power_losses: u64,
    /// Writes of which a power loss kept nothing.
    pub lost_at_power_loss: u64,
    /// Writes of which a power loss kept some sectors and not others.
    pub torn_at_power_loss: u64,
    /// Changes of bytes at rest.
    pub changes_at_rest: u64,
}

impl SimFaults {
    /// All of them.
    pub fn total(&self) -> u64 {
        // Taken apart by name, so that no kind is forgotten here.
        let Self {
            read_errors,
            stale_reads,
            misdirected_reads,
            write_errors,
            lost_writes,
            misdirected_writes,
            sync_errors,
            metadata_errors,
            no_space,
            slow,
            stuck,
            held,
            power_losses,
            lost_at_power_loss,
            torn_at_power_loss,
            changes_at_rest,
        } = self;
        [read_errors, stale_reads, misdirected_reads].into_iter().sum::<u64>()
            + [write_errors, lost_writes, misdirected_writes].into_iter().sum::<u64>()
            + [sync_errors, metadata_errors, no_space].into_iter().sum::<u64>()
            + [slow, stuck, held].into_iter().sum::<u64>()
            + [power_losses, lost_at_power_loss, torn_at_power_loss].into_iter().sum::<u64>()
            + changes_at_rest
    }
}
