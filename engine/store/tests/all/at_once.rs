//! Writes that are decided at once: told of once they are durable and not before, given back where they would
//! have to wait, and dropped with the store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, Fault, Op, SimDisk};
use flywheel_store::{
    Change, Condition, Store, StoreError, StoreOptions, WriteBatch, WriteOutcome,
};

use crate::fixture::{key, open, open_with, options, value};

fn put(number: u64) -> WriteBatch {
    WriteBatch::put(key(number), value(number, 1, 100))
}

/// Begins a write; the outcome appears in the cell.
fn begun<W: World>(
    store: &Store<W>,
    batch: WriteBatch,
) -> Rc<RefCell<Option<Result<WriteOutcome, StoreError>>>> {
    let told = Rc::new(RefCell::new(None));
    let tell = Rc::clone(&told);
    let started = store.write_at_once(batch).expect("decided at once");
    started.when_durable(move |outcome| *tell.borrow_mut() = Some(outcome));
    told
}

#[test]
fn a_write_is_told_of_once_it_is_durable() {
    sim::run(1, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        let told = begun(&store, put(1));
        assert!(told.borrow().is_none(), "nothing was written yet");
        assert_eq!(store.get(&key(1)).await.expect("reads"), None, "nobody sees it yet");
        // Behind it in the log.
        store.write(put(2)).await.expect("writes");
        assert!(matches!(*told.borrow(), Some(Ok(WriteOutcome::Applied { .. }))));
        assert!(store.get(&key(1)).await.expect("reads").is_some());
    });
}

#[test]
fn what_changes_nothing_is_told_of_once_what_it_saw_is_durable() {
    sim::run(1, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        let _first = begun(&store, put(1));
        let told = Rc::new(Cell::new(false));
        let tell = Rc::clone(&told);
        let kept = store.modify_at_once(&key(1), |now| {
            assert!(now.is_some(), "it sees the write before it");
            Change::Keep
        });
        let call = move |_| tell.set(true);
        kept.expect("made at once").when_durable(call);
        assert!(!told.get(), "what it saw may still be undone");
        store.write(put(2)).await.expect("writes");
        assert!(told.get());
        // And at once where all is durable.
        let now = Rc::clone(&told);
        let kept = store.modify_at_once(&key(1), |_| Change::Keep).expect("made at once");
        kept.when_durable(move |_| now.set(false));
        assert!(!told.get());
    });
}

#[test]
fn a_write_that_fails_says_so() {
    sim::run(1, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        store.write(put(1)).await.expect("writes");
        world.disk().plan(Fault::Error(Op::Write), "segment");
        let told = begun(&store, put(2));
        while told.borrow().is_none() {
            world.sleep(Duration::from_millis(1)).await;
        }
        assert!(matches!(*told.borrow(), Some(Err(StoreError::Stopped(_)))));
        assert!(store.write_at_once(put(3)).is_err(), "it takes no more writes");
    });
}

#[test]
fn what_would_have_to_wait_is_given_back() {
    sim::run(1, &SimDisk::new(), async |world| {
        // Without a cache, what is written must be read from the disk.
        let store = open_with(&world, StoreOptions { cache_bytes: 0, ..options() });
        let store = store.await.expect("opens");
        store.write(put(1)).await.expect("writes");
        let back = store.write_at_once(put(1).when(Condition::Absent)).expect_err("must look");
        assert_eq!(back.writes[0].key, key(1));
        let is_called = Cell::new(false);
        let change = store.modify_at_once(&key(1), |_| {
            is_called.set(true);
            Change::Keep
        });
        assert!(change.is_none() && !is_called.get());
        let unsound = WriteBatch::put(Bytes::new(), Bytes::new());
        assert!(store.write_at_once(unsound).is_err(), "who can wait says what is wrong");
    });
}

#[test]
fn a_store_that_ends_in_the_middle_lets_go_of_who_waits() {
    let waits = Rc::new(());
    let held = Rc::clone(&waits);
    sim::run(1, &SimDisk::new(), async move |world| {
        let store = open(&world).await.expect("opens");
        // One that flies, most likely, and one that forms behind it; each holds the store itself, as a shard's do.
        for number in [1, 2] {
            let (held, of) = (Rc::clone(&held), store.clone());
            let started = store.write_at_once(put(number)).expect("decided at once");
            started.when_durable(move |_| drop((held, of)));
            world.yield_if_needed().await;
        }
    });
    assert_eq!(Rc::strong_count(&waits), 1, "nothing is left of them");
}
