//! Several effects of one read-modify-write: all or none, within the bounds of a batch, over power losses; and
//! what is appended, seen in order by a reader that only goes forward.

use std::cell::{Cell, RefCell};
use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_store::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use flywheel_store::{
    Change, Effect, Modified, ScanRequest, Store, StoreError, Version, Versioned, WriteBatch,
    own_prefix,
};
use futures_util::future::join;

use crate::fixture::{everything, open};

const STEM: &[u8] = b"log/";

type Items = Vec<(Bytes, Versioned)>;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from(text)
}

fn put(key: &'static str, value: &'static str) -> Effect {
    Effect::Put { key: bytes(key), value: bytes(value) }
}

fn append(value: impl Into<Bytes>) -> Effect {
    Effect::Append { stem: Bytes::from(STEM), value: value.into() }
}

async fn several(
    store: &Store<SimWorld>,
    key: &'static str,
    effects: Vec<Effect>,
) -> Result<Modified, StoreError> {
    store.modify(bytes(key), |_| Change::Several(effects)).await
}

fn appended_key(version: Version) -> Bytes {
    Bytes::from([&own_prefix(0)[..], STEM, &version.to_be_bytes()].concat())
}

/// What was appended, behind `cursor`.
async fn feed(store: &Store<SimWorld>, cursor: Version, max_items: usize) -> Items {
    let request = ScanRequest {
        start: Bound::Excluded(appended_key(cursor)),
        end: Bound::Excluded(appended_key(Version::MAX)),
        max_items,
        ..everything()
    };
    store.scan(request).await.expect("scans").items
}

#[test]
fn each_effect_has_the_next_version() {
    sim::run(1, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        store.write(WriteBatch::put(bytes("gone"), bytes("0"))).await.expect("writes");
        let gone = Effect::Delete { key: bytes("gone") };
        let effects = vec![put("k", "1"), gone, append("2"), put("a", "3"), append("4")];
        let modified = several(&store, "k", effects).await.expect("modifies");
        let first = modified.version.expect("something was written");
        assert_eq!(modified.before, None);
        let found = store.scan(everything()).await.expect("scans").items;
        let expected = [
            (appended_key(first + 2), first + 2, "2"),
            (appended_key(first + 4), first + 4, "4"),
            (bytes("a"), first + 3, "3"),
            (bytes("k"), first, "1"),
        ];
        let expected =
            expected.map(|(key, version, value)| (key, Versioned { version, value: bytes(value) }));
        assert_eq!(found, expected);
        let after = store.write(WriteBatch::put(bytes("k"), bytes("5"))).await.expect("writes");
        let first_version = first + 5;
        assert_eq!(after, flywheel_store::WriteOutcome::Applied { first_version });
    });
}

#[test]
fn what_breaks_a_bound_does_nothing() {
    sim::run(2, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        store.write(WriteBatch::put(bytes("k"), bytes("0"))).await.expect("writes");
        // A batch takes at most a quarter of a segment.
        let large = Bytes::from(vec![7; store.options().segment_bytes as usize / 16]);
        let too_much = (0..5).map(|_| append(large.clone())).collect();
        let long_key = Bytes::from(vec![b'k'; MAX_KEY_BYTES - 10]);
        let bad = [
            (vec![put("a", "1"), append("2"), put("a", "3")], "twice"),
            (too_much, "at most"),
            (vec![put("a", "1"), append(vec![0; MAX_VALUE_BYTES + 1])], "at most"),
            (
                vec![Effect::Append { stem: long_key, value: bytes("1") }, put("a", "1")],
                "a key has",
            ),
            (vec![put("a", "1"), Effect::Delete { key: Bytes::new() }], "a key has"),
        ];
        for (effects, why) in bad {
            let error = several(&store, "k", effects).await.expect_err("is refused");
            assert!(matches!(error, StoreError::BadRequest(_)), "{error:?}");
            assert!(error.to_string().contains(why), "{error}");
        }
        let kept = several(&store, "k", Vec::new()).await.expect("keeps");
        assert_eq!(kept.version, None);
        assert_eq!(kept.before.expect("there").value, "0");
        assert_eq!(store.scan(everything()).await.expect("scans").items.len(), 1);
        store.audit(flywheel_store::Audit::Thorough).expect("is sound");
    });
}

#[test]
fn what_was_decided_on_a_value_in_doubt_is_told_only_once_it_is_durable() {
    let disk = SimDisk::new();
    let faults = disk.clone();
    sim::run(3, &disk, async move |world| {
        let store = open(&world).await.expect("opens");
        faults.plan(Fault::Error(Op::Write), "segment");
        let write = several(&store, "k", vec![put("k", "1"), put("other", "1"), append("1")]);
        let keep = store.modify(bytes("other"), |now| {
            assert_eq!(now.expect("decided before").value, "1");
            Change::Keep
        });
        let refused = store.modify(bytes("other"), |now| {
            assert!(now.is_some());
            Change::Several(vec![put("a", "1"), put("a", "2")])
        });
        let (write, (keep, refused)) = join(write, join(keep, refused)).await;
        for answer in [write, keep, refused] {
            assert!(matches!(answer, Err(StoreError::Stopped(_))), "{answer:?}");
        }
    });
}

/// Raises a counter; with it, another key says the same or is gone, and the feed has one more.
async fn count(store: &Store<SimWorld>, padding: usize) -> u64 {
    let change = |now: Option<&Versioned>| {
        let count = now.map_or(0, |now| number(&now.value)) + 1;
        let value = value(count, padding);
        let key = bytes("mirror");
        let mirror = match count % 3 {
            0 => Effect::Delete { key },
            _ => Effect::Put { key, value: value.clone() },
        };
        let counter = Effect::Put { key: bytes("counter"), value: value.clone() };
        Change::Several(vec![counter, mirror, append(value)])
    };
    let modified = store.modify(bytes("counter"), change).await.expect("counts");
    modified.before.map_or(0, |before| number(&before.value)) + 1
}

fn value(count: u64, padding: usize) -> Bytes {
    let mut value = count.to_be_bytes().to_vec();
    value.resize(8 + padding, b'.');
    Bytes::from(value)
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().expect("eight bytes"))
}

/// Checks that all effects of the first so many counts are there, and of no other; returns how many.
async fn check_counts(store: &Store<SimWorld>) -> u64 {
    let found = async |key| {
        let found = store.get(key).await.expect("reads");
        found.map(|found| (found.version, number(&found.value)))
    };
    let Some((version, counted)) = found(b"counter").await else {
        assert!(store.scan(everything()).await.expect("scans").items.is_empty());
        return 0;
    };
    let mirror = (counted % 3 != 0).then_some((version + 1, counted));
    assert_eq!(found(b"mirror").await, mirror);
    let feed = feed(store, 0, usize::MAX).await;
    let numbers: Vec<u64> = feed.iter().map(|(_, item)| number(&item.value)).collect();
    assert_eq!(
        numbers,
        (1..=counted).collect::<Vec<_>>(),
        "in the order in which they were decided"
    );
    assert_eq!(feed.last().expect("as many").1.version, version + 2);
    assert!(feed.iter().all(|(key, item)| *key == appended_key(item.version)));
    counted
}

#[test]
fn effects_stay_together_over_power_losses() {
    for seed in 0..60 {
        let disk = SimDisk::new();
        let acknowledged = Rc::new(Cell::new(0));
        for life in 0..4 {
            let told = acknowledged.clone();
            let steps = 500 + (seed * 7_919 + life * 104_729) % 12_000;
            sim::run_steps(seed * 10 + life, &disk, steps, async move |world| {
                let store = open(&world).await.expect("opens");
                let counted = check_counts(&store).await;
                assert!(counted >= told.get(), "{counted} counts are left of {}", told.get());
                loop {
                    let several = (0..5).map(|n| count(&store, n * 700));
                    let counts = futures_util::future::join_all(several).await;
                    told.set(counts.into_iter().fold(told.get(), u64::max));
                }
            });
            disk.power_loss(seed * 10 + life);
        }
        let told = acknowledged.get();
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let counted = check_counts(&store).await;
            assert!(counted >= told, "{counted} counts are left of {told}");
            store.close().await.expect("closes");
        });
    }
}

/// What is seen may be trimmed at once: nothing that is seen later stands before it.
#[test]
fn a_reader_that_goes_forward_misses_nothing() {
    for seed in 0..20 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let store = open(&world).await.expect("opens");
            let running = Rc::new(Cell::new(6));
            for writer in 0..6 {
                let (store, own, running) = (store.clone(), world.clone(), running.clone());
                world.spawn(TaskClass::Foreground, async move {
                    for n in 0..40 {
                        count(&store, n as usize * 13 % 900).await;
                        own.sleep(Duration::from_micros((seed + n * writer) % 7 * 50)).await;
                    }
                    running.set(running.get() - 1);
                });
            }
            let seen = RefCell::new(Vec::new());
            let mut cursor = 0;
            loop {
                let is_last = running.get() == 0;
                let items = feed(&store, cursor, 1 + (seed % 5) as usize).await;
                if is_last && items.is_empty() {
                    break;
                }
                for (key, item) in items {
                    assert!(item.version > cursor, "{} is behind {cursor}", item.version);
                    cursor = item.version;
                    seen.borrow_mut().push(number(&item.value));
                    store.write(WriteBatch::delete(key)).await.expect("trims");
                }
                world.sleep(Duration::from_micros(100)).await;
            }
            assert_eq!(seen.take(), (1..=6 * 40).collect::<Vec<_>>(), "seed {seed}");
            assert_eq!(feed(&store, 0, 1).await, []);
        });
    }
}
