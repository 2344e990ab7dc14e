//! A partition while it is served: what is under way in it, what is asked of it, and whether it is
//! being moved. Not its data: that is the store's.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_store::{PartitionSpec, Version};

use super::gauge::Gauge;
use super::traffic::Traffic;
use crate::limits::MAX_DIRTY_KEY_BYTES;
use crate::request::Request;

/// A partition that this shard owns.
pub(crate) struct Partition {
    pub spec: PartitionSpec,
    pub traffic: Traffic,
    /// Requests under way.
    under_way: RefCell<Rc<Gauge>>,
    /// Requests under way since before the last split, or before a move began to take notes.
    earlier: RefCell<Vec<Rc<Gauge>>>,
    /// Whether a split or a move is under way: one at a time.
    changing: Cell<bool>,
    gate: RefCell<Gate>,
    dirty: RefCell<Option<Dirty>>,
}

enum Gate {
    Open,
    /// Requests wait for the last round of a move. Their number is bounded with all that the shard
    /// has taken and not answered.
    Fenced(Vec<Request>),
    /// A move broke off where nobody knows who owns the partition.
    Stranded,
}

/// What to do with a request.
pub(crate) enum Admission {
    Serve(Request),
    Held,
    Stranded(Request),
}

/// Keys written since a move last sent them, each with the version of its last write.
#[derive(Default)]
pub(crate) struct Dirty {
    pub versions: BTreeMap<Bytes, Version>,
    key_bytes: usize,
    pub overflowed: bool,
}

impl Partition {
    pub fn new(spec: PartitionSpec) -> Self {
        Self {
            spec,
            traffic: Traffic::default(),
            under_way: RefCell::default(),
            earlier: RefCell::default(),
            changing: Cell::new(false),
            gate: RefCell::new(Gate::Open),
            dirty: RefCell::default(),
        }
    }

    /// The two parts of this partition, cut at `at`.
    pub fn cut(&self, lower: PartitionSpec, upper: PartitionSpec) -> [Self; 2] {
        self.begin_anew();
        [lower, upper].map(|spec| {
            let part = Self::new(spec);
            part.earlier.replace(self.earlier.borrow().clone());
            part
        })
    }

    /// Where a request that begins now is counted.
    pub fn count_in(&self) -> Rc<Gauge> {
        let gauge = Rc::clone(&self.under_way.borrow());
        gauge.enter();
        gauge
    }

    /// Counts requests that begin from now on apart from those under way.
    pub fn begin_anew(&self) {
        let mut earlier = self.earlier.borrow_mut();
        earlier.retain(|gauge| gauge.count() > 0);
        earlier.push(self.under_way.take());
    }

    /// Waits for the requests that were under way when [`Self::begin_anew`] was last called.
    pub async fn earlier_done(&self) {
        let earlier = self.earlier.borrow().clone();
        for gauge in earlier {
            gauge.idle().await;
        }
    }

    /// Claims the partition for a split or a move; `None` if one is under way.
    pub fn begin_change(self: &Rc<Self>) -> Option<Changing> {
        (!self.changing.replace(true)).then(|| Changing(Rc::clone(self)))
    }

    /// Serves the request, or keeps it until the fence falls.
    pub fn admit(&self, request: Request) -> Admission {
        match &mut *self.gate.borrow_mut() {
            Gate::Open => Admission::Serve(request),
            Gate::Fenced(waiting) => {
                waiting.push(request);
                Admission::Held
            }
            Gate::Stranded => Admission::Stranded(request),
        }
    }

    /// Whether requests are answered.
    pub fn is_open(&self) -> bool {
        matches!(&*self.gate.borrow(), Gate::Open)
    }

    /// Lets requests wait from now on.
    pub fn fence(&self) {
        self.gate.replace(Gate::Fenced(Vec::new()));
    }

    /// Lets requests through again; those that waited are the caller's.
    pub fn unfence(&self) -> Vec<Request> {
        self.leave_fence(Gate::Open)
    }

    /// Refuses requests from now on; those that waited are the caller's.
    pub fn strand(&self) -> Vec<Request> {
        self.leave_fence(Gate::Stranded)
    }

    fn leave_fence(&self, gate: Gate) -> Vec<Request> {
        match self.gate.replace(gate) {
            Gate::Fenced(waiting) => waiting,
            Gate::Open | Gate::Stranded => Vec::new(),
        }
    }

    /// Whether writes must be noted.
    pub fn is_noting(&self) -> bool {
        self.dirty.borrow().is_some()
    }

    /// Notes that a write of `key` has ended. `version` is `None` if it failed: the key may hold
    /// either value, and is sent again for safety.
    pub fn note(&self, key: Bytes, version: Option<Version>) {
        if let Some(dirty) = &mut *self.dirty.borrow_mut() {
            dirty.add(key, version.unwrap_or(0));
        }
    }

    /// Begins to note written keys; returns those noted since the last call, if there was one.
    pub fn take_notes(&self) -> Dirty {
        self.dirty.borrow_mut().replace(Dirty::default()).unwrap_or_default()
    }

    /// Notes nothing any more.
    pub fn stop_noting(&self) {
        self.dirty.take();
    }

    /// How many noted keys wait to be sent.
    pub fn noted(&self) -> usize {
        self.dirty.borrow().as_ref().map_or(0, |dirty| dirty.versions.len())
    }
}

impl Dirty {
    fn add(&mut self, key: Bytes, version: Version) {
        if self.key_bytes + key.len() > MAX_DIRTY_KEY_BYTES {
            self.overflowed = true;
            return;
        }
        let key_bytes = key.len();
        // Writes of one key may end in another order than they were decided in.
        match self.versions.get_mut(&key) {
            Some(noted) => *noted = (*noted).max(version),
            None => {
                self.key_bytes += key_bytes;
                self.versions.insert(key, version);
            }
        }
    }
}

/// The right to split or move a partition.
pub(crate) struct Changing(Rc<Partition>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.changing.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_store::{PartitionId, PartitionState};
    use futures_util::FutureExt;

    fn partition() -> Rc<Partition> {
        Rc::new(Partition::new(PartitionSpec {
            id: PartitionId(1),
            ownership_epoch: 1,
            start: Bytes::new(),
            end: None,
            state: PartitionState::Serving,
        }))
    }

    #[test]
    fn both_parts_of_a_cut_wait_for_what_was_under_way() {
        let whole = partition();
        let request = whole.count_in();
        let [lower, upper] = whole.cut(whole.spec.clone(), whole.spec.clone());
        assert!(lower.earlier_done().now_or_never().is_none());
        assert!(upper.earlier_done().now_or_never().is_none());
        let later = lower.count_in();
        request.leave();
        assert!(lower.earlier_done().now_or_never().is_some(), "later requests do not count");
        assert!(upper.earlier_done().now_or_never().is_some());
        later.leave();
    }

    #[test]
    fn only_one_change_at_a_time() {
        let whole = partition();
        let first = whole.begin_change();
        assert!(first.is_some() && whole.begin_change().is_none());
        drop(first);
        assert!(whole.begin_change().is_some());
    }

    #[test]
    fn notes_keep_the_highest_version_and_only_while_asked_to() {
        let whole = partition();
        whole.note(Bytes::from("early"), Some(1));
        assert!(!whole.is_noting() && whole.take_notes().versions.is_empty());
        whole.note(Bytes::from("k"), Some(7));
        whole.note(Bytes::from("k"), Some(5));
        whole.note(Bytes::from("failed"), None);
        assert_eq!(whole.noted(), 2);
        let notes = whole.take_notes();
        assert_eq!(notes.versions.into_values().collect::<Vec<_>>(), [0, 7]);
        assert!(whole.noted() == 0 && whole.is_noting());
    }
}
