//! Which shard owns which keys: a map that every request reads and a split or a move replaces. Not
//! the truth: that is each shard's own table, and a shard sends a request on that came to it late.

use std::ops::Bound;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use flywheel_capacity::partition::PartitionLimits;
use flywheel_store::PartitionId;

use crate::consumption::Consumption;

/// A partition's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: PartitionId,
    /// The shard that owns it.
    pub shard: u16,
}

/// One version of the map. Every key has exactly one place.
#[derive(Debug, Clone)]
pub struct RouteMap {
    version: u64,
    /// First keys, ascending; the first one is empty.
    starts: Vec<Bytes>,
    places: Vec<Place>,
    consumptions: Vec<Arc<Consumption>>,
}

impl RouteMap {
    /// A map of partitions given by their first keys, which may serve so much each.
    ///
    /// # Panics
    /// If the keys are not ascending from the empty key: the opener checked the whole key space.
    pub(crate) fn new(entries: Vec<(Bytes, Place)>, limits: Option<PartitionLimits>) -> Self {
        let (starts, places): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let consumption = |_: &Bytes| Arc::new(Consumption::new(limits));
        let consumptions = starts.iter().map(consumption).collect();
        assert!(starts.first().is_some_and(Bytes::is_empty), "no partition begins the key space");
        assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "partitions out of order");
        Self { version: 1, starts, places, consumptions }
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The partitions in key order: first key and place.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, Place)> {
        self.starts.iter().zip(self.places.iter().copied())
    }

    /// Where `key` is.
    pub fn of_key(&self, key: &[u8]) -> Place {
        self.places[self.slot(key)]
    }

    /// What the partition of `key` has served.
    pub fn consumption(&self, key: &[u8]) -> &Arc<Consumption> {
        &self.consumptions[self.slot(key)]
    }

    /// What a partition has served, by its name.
    pub(crate) fn consumption_of(&self, id: PartitionId) -> Option<&Arc<Consumption>> {
        Some(&self.consumptions[self.slot_of(id)?])
    }

    /// What all partitions have served, in key order.
    pub(crate) fn consumptions(&self) -> impl Iterator<Item = (&Bytes, Place, &Arc<Consumption>)> {
        let places = self.iter().zip(&self.consumptions);
        places.map(|((start, place), consumption)| (start, place, consumption))
    }

    /// Whether `keys` all lie in one partition.
    pub(crate) fn together<'a>(&self, mut keys: impl Iterator<Item = &'a Bytes>) -> bool {
        let Some(first) = keys.next() else { return true };
        let slot = self.slot(first);
        let (start, end) = (&self.starts[slot], self.starts.get(slot + 1));
        keys.all(|key| start <= key && end.is_none_or(|end| key < end))
    }

    /// Where a scan upwards from `start` begins.
    pub(crate) fn first_upwards(&self, start: &Bound<Bytes>) -> Place {
        match start {
            // The next key after an excluded one is never in a later partition's stead: a partition
            // that begins there also contains the keys right behind.
            Bound::Included(key) | Bound::Excluded(key) => self.of_key(key),
            Bound::Unbounded => self.places[0],
        }
    }

    /// Where a scan downwards from `end` begins.
    pub(crate) fn first_downwards(&self, end: &Bound<Bytes>) -> Place {
        match end {
            Bound::Included(key) => self.of_key(key),
            Bound::Excluded(key) => {
                let slot = self.starts.partition_point(|start| start < key);
                self.places[slot.saturating_sub(1)]
            }
            Bound::Unbounded => self.places[self.places.len() - 1],
        }
    }

    fn slot(&self, key: &[u8]) -> usize {
        self.starts.partition_point(|start| &**start <= key) - 1
    }

    fn slot_of(&self, id: PartitionId) -> Option<usize> {
        self.places.iter().position(|place| place.partition == id)
    }
}

/// The current map, shared by all threads.
#[derive(Debug)]
pub struct Routes {
    map: ArcSwap<RouteMap>,
}

impl Routes {
    pub(crate) fn new(map: RouteMap) -> Self {
        Self { map: ArcSwap::from_pointee(map) }
    }

    /// The map as it is now: cheap, to be held only for a moment.
    pub fn now(&self) -> Guard<Arc<RouteMap>> {
        self.map.load()
    }

    /// Records that `id` was cut at `at` and its upper part is `right`, on the same shard.
    pub(crate) fn split(&self, id: PartitionId, at: &Bytes, right: PartitionId) {
        // Once: the change may be tried again, and what is divided twice would be less.
        let divided = self.now().consumption_of(id).map(|whole| whole.divide());
        let Some((lower, upper)) = divided else { return };
        let (lower, upper) = (Arc::new(lower), Arc::new(upper));
        self.change(|map| {
            let Some(slot) = map.slot_of(id) else { return };
            let shard = map.places[slot].shard;
            map.starts.insert(slot + 1, at.clone());
            map.places.insert(slot + 1, Place { partition: right, shard });
            map.consumptions[slot] = Arc::clone(&lower);
            map.consumptions.insert(slot + 1, Arc::clone(&upper));
        });
    }

    /// Records that `id` is now on `shard`.
    pub(crate) fn moved(&self, id: PartitionId, shard: u16) {
        self.change(|map| {
            if let Some(slot) = map.slot_of(id) {
                map.places[slot].shard = shard;
            }
        });
    }

    fn change(&self, change: impl Fn(&mut RouteMap)) {
        self.map.rcu(|map| {
            let mut map = RouteMap::clone(map);
            map.version += 1;
            change(&mut map);
            map
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> RouteMap {
        let entry = |start: &'static str, id, shard| {
            (Bytes::from(start), Place { partition: PartitionId(id), shard })
        };
        let entries = vec![entry("", 1, 0), entry("h", 2, 0), entry("p", 3, 1)];
        RouteMap::new(entries, None)
    }

    fn key(text: &'static str) -> Bytes {
        Bytes::from(text)
    }

    #[test]
    fn keys_find_their_partition_at_and_around_its_ends() {
        let map = map();
        for (text, id) in [("", 1), ("a", 1), ("gzz", 1), ("h", 2), ("ozz", 2), ("p", 3), ("z", 3)]
        {
            assert_eq!(map.of_key(text.as_bytes()).partition.0, id, "{text}");
        }
    }

    #[test]
    fn scans_begin_in_the_partition_that_holds_their_first_key() {
        let map = map();
        assert_eq!(map.first_upwards(&Bound::Unbounded).partition.0, 1);
        assert_eq!(map.first_upwards(&Bound::Excluded(key("h"))).partition.0, 2);
        assert_eq!(map.first_downwards(&Bound::Unbounded).partition.0, 3);
        assert_eq!(map.first_downwards(&Bound::Included(key("p"))).partition.0, 3);
        assert_eq!(map.first_downwards(&Bound::Excluded(key("p"))).partition.0, 2);
        assert_eq!(map.first_downwards(&Bound::Excluded(key(""))).partition.0, 1);
    }

    #[test]
    fn keys_are_together_only_in_one_partition() {
        let map = map();
        assert!(map.together([key("h"), key("oz")].iter()));
        assert!(!map.together([key("h"), key("p")].iter()));
        assert!(!map.together([key("p"), key("h")].iter()));
        assert!(map.together([].iter()));
    }

    #[test]
    fn splits_and_moves_make_new_versions() {
        let routes = Routes::new(map());
        routes.split(PartitionId(2), &key("k"), PartitionId(9));
        routes.moved(PartitionId(9), 7);
        let now = routes.now();
        assert_eq!(now.version(), 3);
        assert_eq!(now.of_key(b"k"), Place { partition: PartitionId(9), shard: 7 });
        assert_eq!(now.of_key(b"jzz"), Place { partition: PartitionId(2), shard: 0 });
        assert_eq!(now.of_key(b"p"), Place { partition: PartitionId(3), shard: 1 });
    }
}
