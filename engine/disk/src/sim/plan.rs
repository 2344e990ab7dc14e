//! The faults that a test plans, one by one. Not rates: those are a world's, see [`super::SimOptions`].

use std::cell::RefCell;
use std::path::Path;

/// What the disk can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Reading a file.
    Read,
    /// Writing to a file, durably or not.
    Write,
    /// Syncing a file.
    Sync,
    /// Creating a file.
    Create,
    /// Removing a file.
    Remove,
    /// Creating a directory.
    CreateDirectory,
    /// Opening a file.
    Open,
    /// Listing a directory.
    List,
}

/// What can happen to a request, see [`super::SimDisk::plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with EIO. Of a write, any sectors are left, and none of them ever becomes durable by
    /// a sync. What a failed sync covered stays readable, and no later sync makes it durable. A
    /// failed change of the directory tree has happened, or not, or left an unfinished file.
    Error(Op),
    /// It does not end before [`super::SimWorld::release_held`]. Not for `Open` and `List`, which end
    /// at once.
    Held(Op),
    /// A read brings, of some of its blocks, what stood there before the newest write. Waits for a
    /// read that has something older to bring.
    StaleRead,
    /// A read brings other bytes: those of a place some blocks away, or in another file of the same
    /// directory. Waits for a read for which there is such a place.
    MisdirectedRead,
    /// A write is answered as done, and durable once synced, but never reaches the medium.
    LostWrite,
    /// A write is answered as done, but lands some blocks away in the same file. Waits for a write for
    /// which there is such a place.
    MisdirectedWrite,
    /// A file is not created for lack of space.
    NoSpace,
}

/// The planned faults that have not happened yet.
#[derive(Default)]
pub(super) struct Plans(RefCell<Vec<(Fault, String)>>);

impl Plans {
    pub(super) fn add(&self, fault: Fault, pattern: &str) {
        let never_waits = matches!(fault, Fault::Held(Op::Open | Op::List));
        assert!(!never_waits, "{fault:?}: these end at once and cannot be held");
        self.0.borrow_mut().push((fault, pattern.to_owned()));
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Whether such a fault is planned for this path.
    pub(super) fn has(&self, fault: Fault, path: &Path) -> bool {
        self.find(fault, path).is_some()
    }

    /// Whether such a fault is planned for this path; it is spent then.
    pub(super) fn take(&self, fault: Fault, path: &Path) -> bool {
        let found = self.find(fault, path);
        found.map(|index| self.0.borrow_mut().remove(index)).is_some()
    }

    fn find(&self, fault: Fault, path: &Path) -> Option<usize> {
        let plans = self.0.borrow();
        if plans.is_empty() {
            return None;
        }
        let path = path.to_string_lossy();
        plans.iter().position(|(planned, pattern)| *planned == fault && path.contains(pattern))
    }
}
