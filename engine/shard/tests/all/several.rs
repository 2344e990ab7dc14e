//! Several effects of one read-modify-write, through handles: what is refused, and moves while they go on.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{Change, Direction, Effect, Handle, Modified, ShardError, Version};

use crate::common::{as_number, everything, key, number, open};
use crate::moving::shuffle;

const SHARDS: usize = 3;
const CLIENTS: usize = 6;

async fn several(
    handle: &Handle,
    key: Bytes,
    effects: Vec<Effect>,
) -> Result<Modified, ShardError> {
    handle.modify(key, Box::new(|_| Change::Several(effects))).await
}

fn put(key: Bytes, n: u64) -> Effect {
    Effect::Put { key, value: number(n) }
}

fn append(n: u64) -> Effect {
    Effect::Append { stem: Bytes::from("log/"), value: number(n) }
}

#[test]
fn what_may_not_be_done_at_once_is_not_done_at_all() {
    sim::run(1, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let handle = engine.handle();
        let [here, beside, elsewhere] = ["a", "b", "z"].map(Bytes::from);
        let far = vec![put(here.clone(), 1), Effect::Delete { key: elsewhere }];
        let refused = several(&handle, here.clone(), far).await;
        assert!(matches!(refused, Err(ShardError::BatchSpansPartitions)), "{refused:?}");
        let refused = several(&handle, here.clone(), vec![put(here.clone(), 1), append(1)]).await;
        assert!(matches!(refused, Err(ShardError::NoOwnRanges)), "{refused:?}");
        let twice = vec![put(here.clone(), 1), put(here.clone(), 2)];
        let refused = several(&handle, here.clone(), twice).await.expect_err("a key twice");
        assert!(refused.to_string().contains("twice"), "{refused}");
        let kept = several(&handle, here.clone(), vec![]).await.expect("keeps");
        assert_eq!(kept, Modified { version: None, before: None });
        let page = handle.scan(everything(Direction::Forward, 10)).await.expect("scan");
        assert!(page.items.is_empty(), "{page:?}");
        // The asked key need not be among those written.
        let done = several(&handle, here.clone(), vec![put(beside.clone(), 1)]).await;
        let version = done.expect("done").version;
        let found = handle.get(beside).await.expect("get").expect("was put");
        assert_eq!((Some(found.version), handle.get(here).await.expect("get")), (version, None));
    });
}

fn twin(n: usize) -> Bytes {
    Bytes::from([&key(n)[..], b"~"].concat())
}

/// Raises a key; with each third step its twin goes, with others it follows.
async fn raise(handle: &Handle, n: usize) -> (u64, Version) {
    let change = move |now: Option<&Bytes>| {
        let next = now.map_or(0, |now| as_number(now)) + 1;
        let key_of_twin = twin(n);
        let twin = match next % 3 {
            0 => Effect::Delete { key: key_of_twin },
            _ => put(key_of_twin, next),
        };
        Change::Several(vec![twin, put(key(n), next)])
    };
    let modified = handle.modify(key(n), Box::new(change)).await.expect("modify");
    let before = modified.before.map_or(0, |before| as_number(&before.value));
    (before + 1, modified.version.expect("something was written"))
}

async fn check(handle: &Handle, n: usize, raised: u64, first: Version) {
    let found = async |key| {
        let found = handle.get(key).await.expect("get");
        found.map(|found| (as_number(&found.value), found.version))
    };
    let of_twin = (!raised.is_multiple_of(3)).then_some((raised, first));
    assert_eq!(found(twin(n)).await, of_twin, "the twin of key {n}");
    assert_eq!(found(key(n)).await, Some((raised, first + 1)), "key {n}");
}

#[test]
fn all_effects_follow_their_partition() {
    for seed in 0..12 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let engine = open(&world, SHARDS).await;
            let (stop, running) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(CLIENTS)));
            for client in 0..CLIENTS {
                let (handle, stop) = (engine.handle(), Rc::clone(&stop));
                let running = Rc::clone(&running);
                world.spawn(TaskClass::Foreground, async move {
                    let mut last = [(0, 0); 5];
                    for n in (0..last.len()).cycle() {
                        let own = n * CLIENTS + client;
                        let (raised, version) = raise(&handle, own).await;
                        let (before, earlier) = std::mem::replace(&mut last[n], (raised, version));
                        assert_eq!(raised, before + 1, "key {own}");
                        assert!(version > earlier, "{version} is not above {earlier}");
                        check(&handle, own, raised, version).await;
                        if stop.get() {
                            break;
                        }
                    }
                    for (n, (raised, version)) in last.into_iter().enumerate() {
                        if raised > 0 {
                            check(&handle, n * CLIENTS + client, raised, version).await;
                        }
                    }
                    running.set(running.get() - 1);
                });
            }
            shuffle(&engine, seed as usize).await;
            stop.set(true);
            while running.get() > 0 {
                world.sleep(Duration::from_millis(1)).await;
            }
            let stats = engine.admin().stats().await.expect("stats");
            assert!(stats.shards.iter().any(|shard| shard.moves > 0));
            engine.close().await.expect("closed");
        });
    }
}
