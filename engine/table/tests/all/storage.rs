//! What tables ask of the storage, of the shards that are it here.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_shard::{Direction, ScanRequest};
use flywheel_table::{Shards, Storage};

use crate::support::on_tables;

#[test]
fn keys_are_deleted_wherever_they_stand_and_however_often_they_are_named() {
    on_tables(async |service| {
        let shards = Shards::new(service.engine.handle(), service.engine.admin());
        let shards = shards.expect("made for tables");
        // A prefix that no table has, spread over both shards.
        let prefix = Bytes::from_static(&[0xEE]);
        shards.spread(prefix.clone()).await.expect("spreads");
        let key = |n: u16| Bytes::from([&prefix[..], &(n * 211).to_be_bytes()].concat());
        let handle = service.engine.handle();
        for n in 0..300 {
            handle.put(key(n), Bytes::from_static(b"value")).await.expect("writes");
        }
        let left = async || {
            let request = ScanRequest {
                start: Bound::Included(prefix.clone()),
                end: Bound::Unbounded,
                direction: Direction::Forward,
                max_items: usize::MAX,
                max_bytes: usize::MAX,
            };
            shards.scan(request).await.expect("reads").items.len()
        };
        assert_eq!(left().await, 300);
        // Twice within a batch, and one that is not there.
        let keys = (0..290).chain(0..290).map(key).chain([key(310)]);
        shards.delete(keys.collect()).await.expect("deletes");
        assert_eq!(left().await, 10);
        shards.clear(prefix.clone()).await.expect("clears");
        assert_eq!(left().await, 0);
        shards.delete(Vec::new()).await.expect("nothing is to be done");
    });
}
