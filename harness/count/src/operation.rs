//! The operations that are counted, one path through the engine each. Knows no machine: a handle is all it asks for.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_shard::{Change, Direction, Handle, ScanRequest, ShardError};
use futures_util::future::try_join_all;

use crate::{RECORDS, VALUE_BYTES, key};

/// Clients that write at once, and share commits.
const TOGETHER: u64 = 32;

/// Items of a scan.
const SCANNED: usize = 50;

/// A path through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A value that the cache has.
    GetCached,
    /// A value that the disk has.
    GetDisk,
    /// A key without a value: the index knows.
    GetAbsent,
    /// A write of one client, alone.
    Put,
    /// A write of one of 32 clients that write at once.
    PutTogether,
    /// The same twenty times over, in segments so small that a good many are compacted meanwhile: what a write costs with all that
    /// it causes later.
    PutUpkeep,
    /// A read, a change of ten bytes and a write at the owner, of one client.
    Modify,
    /// A delete of one client.
    Delete,
    /// Fifty items in order.
    Scan,
}

impl Operation {
    pub const ALL: [Self; 9] = [
        Self::GetCached,
        Self::GetDisk,
        Self::GetAbsent,
        Self::Put,
        Self::PutTogether,
        Self::PutUpkeep,
        Self::Modify,
        Self::Delete,
        Self::Scan,
    ];

    /// Its name in budgets.
    pub fn name(self) -> &'static str {
        match self {
            Self::GetCached => "get_cached",
            Self::GetDisk => "get_disk",
            Self::GetAbsent => "get_absent",
            Self::Put => "put",
            Self::PutTogether => "put_together",
            Self::PutUpkeep => "put_upkeep",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::Scan => "scan_50",
        }
    }

    /// Whether it finds what it reads in the cache.
    pub fn is_cached(self) -> bool {
        matches!(self, Self::GetCached | Self::Modify)
    }

    /// Whether one client does it, which waits for each answer: how often the engine's thread goes to sleep hangs on
    /// chance otherwise, and with it the system calls.
    pub fn is_alone(self) -> bool {
        !matches!(self, Self::PutTogether | Self::PutUpkeep)
    }

    /// How many operations are done where so many are asked for.
    pub fn times(self, asked: u64) -> u64 {
        if self == Self::PutUpkeep { asked * 20 } else { asked }
    }

    /// Bytes of a segment: so large that nothing is compacted, but where that is to be counted.
    pub fn segment_bytes(self) -> u32 {
        if self == Self::PutUpkeep { 1 << 20 } else { 16 << 20 }
    }

    /// Does it [`Operation::times`] over, at keys in an order that skips about.
    pub async fn run(self, handle: &Handle, times: u64) -> Result<(), ShardError> {
        // Odd, so that each key comes before any comes again.
        let number = |step: u64| step.wrapping_mul(1_597) % RECORDS;
        let times = self.times(times);
        if matches!(self, Self::PutTogether | Self::PutUpkeep) {
            let mut step = 0;
            while step < times {
                let end = (step + TOGETHER).min(times);
                try_join_all((step..end).map(|step| handle.put(key(number(step)), value(step))))
                    .await?;
                step = end;
            }
            return Ok(());
        }
        for step in 0..times {
            let key = key(number(step));
            match self {
                Self::GetCached | Self::GetDisk => {
                    assert!(handle.get(key).await?.is_some(), "record {} is gone", number(step));
                }
                Self::GetAbsent => {
                    let found = handle.get(absent(step)).await?;
                    assert!(found.is_none(), "nobody wrote this");
                }
                Self::Put => drop(handle.put(key, value(step)).await?),
                Self::PutTogether | Self::PutUpkeep => unreachable!("done above"),
                Self::Modify => drop(handle.modify(key, Box::new(change)).await?),
                Self::Delete => drop(handle.delete(key).await?),
                Self::Scan => {
                    let request = ScanRequest {
                        start: Bound::Included(key),
                        end: Bound::Unbounded,
                        direction: Direction::Forward,
                        max_items: SCANNED,
                        max_bytes: usize::MAX,
                    };
                    drop(handle.scan(request).await?);
                }
            }
        }
        Ok(())
    }
}

fn value(step: u64) -> Bytes {
    Bytes::from(vec![step as u8; VALUE_BYTES])
}

/// Between the keys that are there, so that nothing is told by a bound.
fn absent(step: u64) -> Bytes {
    Bytes::from(format!("user{:019}-", step % RECORDS))
}

fn change(before: Option<&Bytes>) -> Change {
    let mut value = before.map_or_else(Vec::new, |value| value.to_vec());
    value.iter_mut().take(10).for_each(|byte| *byte = byte.wrapping_add(1));
    Change::Put(value.into())
}
