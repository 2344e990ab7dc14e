//! On the simulated machine: one thread, a disk in memory, an order of tasks that never changes.

use std::path::Path;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use flywheel_disk::World;
use flywheel_disk::sim::{SimCounters, SimDisk, SimExecutor, SimOptions, SimWorld, TaskOrder};
use flywheel_shard::{LocalEngine, ShardError};

use crate::operation::Operation;
use crate::{Counted, options, prepare};

/// Time on the simulated clock for the background to come to rest.
const SETTLE: Duration = Duration::from_secs(60);

/// The seed of how long the simulated disk takes.
const SEED: u64 = 1;

pub fn count(operation: Operation, operations: u64) -> Result<Counted, ShardError> {
    let executor = SimExecutor::with_order(SEED, TaskOrder::Fifo);
    let disk = SimDisk::new();
    let calm = SimOptions { yields_per_million: 0, ..SimOptions::default() };
    let world = SimWorld::new(&executor, &disk, calm);
    let engine = executor.block_on(async {
        let opened =
            LocalEngine::open(vec![world.clone()], Path::new("/count"), options(operation)).await?;
        prepare(&opened.handle(), operation).await?;
        // What the load left to be done in the background belongs to the load.
        world.sleep(SETTLE).await;
        Ok::<_, ShardError>(opened)
    })?;
    let handle = engine.handle();
    let before = disk.counters();
    let mut outcome = Ok(());
    let allocated = measure(|| {
        outcome = executor.block_on(operation.run(&handle, operations));
    });
    outcome?;
    Ok(difference(operation.times(operations), &allocated, &before, &disk.counters()))
}

fn difference(
    operations: u64,
    allocated: &AllocationInfo,
    before: &SimCounters,
    after: &SimCounters,
) -> Counted {
    Counted {
        operations,
        allocations: allocated.count_total,
        allocated_bytes: allocated.bytes_total,
        reads: after.reads - before.reads,
        read_bytes: after.read_bytes - before.read_bytes,
        writes: after.writes - before.writes,
        written_bytes: after.written_bytes - before.written_bytes,
        syncs: after.syncs - before.syncs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_count_equally_and_each_path_does_the_io_that_its_name_says() {
        for operation in Operation::ALL {
            let counted = count(operation, 64).expect("it runs");
            assert_eq!(counted, count(operation, 64).expect("it runs"), "{operation:?}");
            let per_operation = |count: u64| count as f64 / 64.0;
            match operation {
                Operation::GetCached | Operation::GetAbsent => {
                    assert_eq!((counted.reads, counted.writes), (0, 0), "{operation:?}");
                }
                Operation::GetDisk => assert_eq!((counted.reads, counted.writes), (64, 0)),
                Operation::Put | Operation::Modify | Operation::Delete => {
                    assert!(per_operation(counted.writes) >= 1.0, "{operation:?}: {counted:?}");
                    assert_eq!(counted.reads, 0, "{operation:?}");
                }
                Operation::PutUpkeep => {
                    let upkeep = counted.written_bytes as f64 / counted.operations as f64;
                    assert!(counted.reads > 0 && upkeep > 1_200.0, "it was compacted: {counted:?}");
                }
                Operation::PutTogether => {
                    let writes = per_operation(counted.writes);
                    assert!((0.0..0.5).contains(&writes), "commits are shared: {counted:?}");
                    assert!(counted.writes > 0 && counted.written_bytes >= 64_000, "{counted:?}");
                }
                Operation::Scan => assert!(counted.reads > 0, "{counted:?}"),
            }
        }
    }
}
