//! The engine as a target: that it conforms, and that additions are still there once it was closed and opened.
//! Skipped, aloud, on hosts without io_uring. Crashes are the engine's own tests'.

use bytes::Bytes;
use flywheel_load::{Added, Addition, Record, Target, TargetFactory};
use flywheel_shard::{Engine, EngineOptions};
use flywheel_targets::EngineFactory;
use futures_executor::block_on;

use crate::conformance;

fn open(dir: &std::path::Path) -> Option<Engine> {
    let mut options = EngineOptions { shards: 2, ..EngineOptions::default() };
    options.store.segment_bytes = 1 << 20;
    options.initial_splits = vec![Bytes::from_static(b"user5")];
    match Engine::open(dir, options) {
        Ok(engine) => Some(engine),
        Err(error) if error.to_string().contains("io_uring") => {
            println!("skipped, because {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_engine_conforms_and_reopens_with_every_addition() {
    // Beside the build and not in /tmp, which may be memory: direct I/O wants a disk.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let Some(engine) = open(folder.path()) else { return };
    let factory = EngineFactory::new(engine.handle());
    conformance::check(&factory);
    let add = |amount| Addition { field: 0, amount, least: 0 };
    let record = Record::from_fields([(0, 7i64.to_le_bytes().as_slice())]);
    let target = block_on(factory.connect(0)).expect("it connects");
    block_on(target.insert(b"kept", record)).expect("an insert");
    assert_eq!(block_on(target.add(b"kept", add(3))), Ok(Added::Applied(10)));
    drop((target, factory));
    engine.close().expect("it closes");

    let engine = open(folder.path()).expect("it opened before");
    let target = block_on(EngineFactory::new(engine.handle()).connect(0)).expect("it connects");
    assert_eq!(block_on(target.add(b"kept", add(-11))), Ok(Added::TooLittle(10)));
    assert_eq!(block_on(target.add(b"kept", add(-10))), Ok(Added::Applied(0)));
    drop(target);
    engine.close().expect("it closes");
}
