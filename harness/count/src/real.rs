//! On the real machine: for those who count from outside, as strace does. One client, which waits for each answer, and one
//! processor for both it and the engine, so that each waits for the other and how often does not hang on their speed.

use std::path::Path;

use flywheel_shard::Engine;
use futures_executor::block_on;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::operation::Operation;
use crate::{Counted, Problem, options, prepare};

/// Counts nothing itself, but how many there were.
pub fn run(dir: &Path, operation: Operation, operations: u64) -> Result<Counted, Problem> {
    stay_on_one_processor();
    let engine = Engine::open(dir, options(operation)).map_err(Problem::UnfitHost)?;
    let handle = engine.handle();
    block_on(async {
        prepare(&handle, operation).await?;
        operation.run(&handle, operations).await
    })
    .map_err(Problem::Fault)?;
    engine.close().map_err(Problem::Fault)?;
    Ok(Counted { operations: operation.times(operations), ..Counted::default() })
}

/// Threads made from now on do so too.
fn stay_on_one_processor() {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let Some(first) = (0..CpuSet::MAX_CPU).find(|number| allowed.is_set(*number)) else { return };
    let mut one = CpuSet::new();
    one.set(first);
    // Where it is forbidden, counts vary more.
    let _ = sched_setaffinity(None, &one);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_runs_on_a_real_disk() {
        let scratch = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a directory");
        for operation in Operation::ALL {
            let dir = scratch.path().join(operation.name());
            match run(&dir, operation, 8) {
                Ok(counted) => assert_eq!(counted.operations, operation.times(8)),
                Err(Problem::UnfitHost(error)) => return eprintln!("skipped, because {error}"),
                Err(problem) => panic!("{}: {problem}", operation.name()),
            }
        }
    }
}
