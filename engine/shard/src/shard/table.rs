//! The partitions that a shard serves, in key order: the truth that the route map follows. Not those
//! on their way here.

use std::ops::Bound;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_store::{Direction, PartitionId, ScanRequest};

use super::partition::Partition;
use crate::request::Request;

/// Partitions by their first keys.
#[derive(Default)]
pub(crate) struct Table {
    partitions: Vec<Rc<Partition>>,
}

impl Table {
    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rc<Partition>> {
        self.partitions.iter()
    }

    pub fn insert(&mut self, partition: Rc<Partition>) {
        let at = self.slots_from(&partition.spec.start);
        self.partitions.insert(at, partition);
    }

    pub fn remove(&mut self, id: PartitionId) {
        self.partitions.retain(|partition| partition.spec.id != id);
    }

    pub fn by_id(&self, id: PartitionId) -> Option<&Rc<Partition>> {
        self.iter().find(|partition| partition.spec.id == id)
    }

    /// The partition that a request is for: a scan's is the one that it begins in, a batch's the one
    /// of its first key.
    pub fn owner(&self, request: &Request) -> Option<&Rc<Partition>> {
        match request {
            Request::Get(call) => self.of_key(&call.question.0),
            Request::Modify(call) => self.of_key(&call.question.key),
            Request::Write(call) => match call.question.writes.first() {
                Some(write) => self.of_key(&write.key),
                None => self.partitions.first(),
            },
            Request::Scan(call) => self.of_scan(&call.question.0),
        }
    }

    fn of_key(&self, key: &[u8]) -> Option<&Rc<Partition>> {
        let slot = self.partitions.partition_point(|partition| *partition.spec.start <= *key);
        let partition = &self.partitions[slot.checked_sub(1)?];
        partition.spec.contains(key).then_some(partition)
    }

    fn of_scan(&self, request: &ScanRequest) -> Option<&Rc<Partition>> {
        match request.direction {
            Direction::Forward => match &request.start {
                Bound::Included(key) | Bound::Excluded(key) => self.of_key(key),
                Bound::Unbounded => self.of_key(b""),
            },
            Direction::Backward => match &request.end {
                Bound::Included(key) => self.of_key(key),
                Bound::Excluded(key) => self.below(key),
                Bound::Unbounded => {
                    self.partitions.last().filter(|partition| partition.spec.end.is_none())
                }
            },
        }
    }

    /// The partition of the keys right below `key`.
    fn below(&self, key: &Bytes) -> Option<&Rc<Partition>> {
        let slot = self.slots_from(key);
        let partition = &self.partitions[slot.checked_sub(1)?];
        partition.spec.end.as_ref().is_none_or(|end| key <= end).then_some(partition)
    }

    /// How many partitions begin below `key`.
    fn slots_from(&self, key: &Bytes) -> usize {
        self.partitions.partition_point(|partition| partition.spec.start < *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_store::{PartitionSpec, PartitionState};

    /// Serves [b, f) and [f, m), and not what is around them.
    fn table() -> Table {
        let mut table = Table::default();
        for (id, start, end) in [(2, "f", "m"), (1, "b", "f")] {
            table.insert(Rc::new(Partition::new(PartitionSpec {
                id: PartitionId(id),
                ownership_epoch: 1,
                start: start.into(),
                end: Some(end.into()),
                state: PartitionState::Serving,
            })));
        }
        table
    }

    fn scan(direction: Direction, bound: Bound<&'static str>) -> Option<u64> {
        let bound = bound.map(Bytes::from);
        let (start, end) = match direction {
            Direction::Forward => (bound, Bound::Unbounded),
            Direction::Backward => (Bound::Unbounded, bound),
        };
        let request = ScanRequest { start, end, direction, max_items: 1, max_bytes: 1 };
        table().of_scan(&request).map(|partition| partition.spec.id.0)
    }

    #[test]
    fn keys_outside_are_not_owned() {
        let table = table();
        let owner = |key: &str| table.of_key(key.as_bytes()).map(|found| found.spec.id.0);
        let owners = ["a", "b", "ez", "f", "lz", "m"].map(owner);
        assert_eq!(owners, [None, Some(1), Some(1), Some(2), Some(2), None]);
    }

    #[test]
    fn scans_begin_where_their_first_key_would_be() {
        use Direction::{Backward, Forward};
        assert_eq!(scan(Forward, Bound::Unbounded), None);
        assert_eq!(scan(Forward, Bound::Excluded("f")), Some(2));
        assert_eq!(scan(Forward, Bound::Included("m")), None);
        assert_eq!(scan(Backward, Bound::Unbounded), None);
        assert_eq!(scan(Backward, Bound::Excluded("m")), Some(2));
        assert_eq!(scan(Backward, Bound::Included("m")), None);
        assert_eq!(scan(Backward, Bound::Excluded("f")), Some(1));
        assert_eq!(scan(Backward, Bound::Excluded("b")), None);
    }
}
