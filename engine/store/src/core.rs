//! What all parts of one store share: its tables, its queues' ends, its health. Not behaviour: each
//! kind of request and each background task has a room of its own.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use flywheel_disk::{DiskError, World};

use crate::cache::RecordCache;
use crate::error::StoreError;
use crate::format::place::Place;
use crate::index::{Location, Tree};
use crate::log::{Log, Pending};
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
use crate::pins::Pins;
use crate::segments::Segments;
use crate::stats::Counters;
use crate::sync::{Done, Gate, Signal};
use crate::types::{Version, Versioned};

/// One store, shared by its requests and its background tasks, all on one core.
pub(crate) struct Core<W: World> {
    pub(crate) world: W,
    pub(crate) directory: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) table: RefCell<PartitionTable>,
    pub(crate) cache: RefCell<RecordCache>,
    pub(crate) log: RefCell<Log>,
    pub(crate) segments: RefCell<Segments<W>>,
    pub(crate) pins: Pins,
    pub(crate) reads: Gate,
    pub(crate) counters: Counters,
    pub(crate) health: RefCell<Health>,
    /// The log as far as the index knows it.
    pub(crate) settled: Cell<Settled>,
    /// Indexes of dropped partitions whose records still count as live.
    pub(crate) dropped: RefCell<Vec<Tree>>,
    /// Generation and checkpoint of the newest superblock.
    pub(crate) superblock: RefCell<crate::checkpoint::Newest<W>>,
    /// The commit loop has something to do.
    pub(crate) commit_wanted: Signal,
    /// Writers that wait for room may look again.
    pub(crate) room_changed: Signal,
    /// The maintenance loop has something to do.
    pub(crate) maintenance_wanted: Signal,
    /// Segments became ready, or cannot be had.
    pub(crate) segments_changed: Signal,
    /// Compaction and checkpoints may have something to do.
    pub(crate) upkeep_wanted: Signal,
    /// Nothing more is to be done: the last loops end.
    pub(crate) finished: Cell<bool>,
    /// A background task ended.
    pub(crate) task_ended: Signal,
    pub(crate) tasks: Cell<usize>,
}

/// How far the index knows the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    /// The last batch it knows.
    pub(crate) number: u64,
    /// Where the next batch stands or would stand.
    pub(crate) next: Place,
}

/// Whether the store takes writes.
#[derive(Debug, Clone)]
pub(crate) enum Health {
    /// It does.
    Running,
    /// No segment can be had: writes are refused until one can.
    Full(DiskError),
    /// A write failed; what the medium holds is unknown.
    Stopped(DiskError),
    /// It is being closed.
    Closing,
}

/// The newest version of a key, durable or not.
pub(crate) enum Newest {
    /// Written, not yet durable.
    Unsettled { value: Option<Versioned>, done: Rc<Done> },
    /// Durable, and at hand.
    Cached(Versioned),
    /// Durable, to be read.
    OnDisk(Location),
    /// There is none.
    Absent,
}

impl<W: World> Core<W> {
    /// Fails unless writes are taken.
    pub(crate) fn check_writable(&self) -> Result<(), StoreError> {
        match &*self.health.borrow() {
            Health::Running => Ok(()),
            Health::Full(error) => Err(StoreError::Full(error.clone())),
            Health::Stopped(error) => Err(StoreError::Stopped(error.clone())),
            Health::Closing => Err(StoreError::Closed),
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(*self.health.borrow(), Health::Closing)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(*self.health.borrow(), Health::Stopped(_))
    }

    /// The newest version of a key, as conditions must see it.
    pub(crate) fn newest(&self, key: &[u8]) -> Result<Newest, StoreError> {
        if let Some(unsettled) = self.log.borrow().unsettled.get(key) {
            let version = unsettled.version;
            let value = unsettled.value.clone().map(|value| Versioned { version, value });
            return Ok(Newest::Unsettled { value, done: unsettled.done.clone() });
        }
        let table = self.table.borrow();
        let partition = table.find(key).ok_or(StoreError::NotOwned)?;
        if let Some(cached) = self.cache.borrow().get(partition.cache_tag, key) {
            return Ok(Newest::Cached(cached.clone()));
        }
        Ok(partition.index.get(key).map_or(Newest::Absent, Newest::OnDisk))
    }

    /// Adds changes to the log as one atomic whole. They are decided from now on, and durable once
    /// the returned mark is done.
    pub(crate) fn append(&self, pending: Vec<Pending>) -> Rc<Done> {
        let bytes = pending.iter().map(Pending::encoded_bytes).sum();
        let max_group_bytes = crate::limits::MAX_GROUP_BYTES.min(self.options.max_batch_bytes());
        let log = &mut *self.log.borrow_mut();
        log.pending_bytes += bytes;
        let group = log.group_for(bytes, max_group_bytes);
        let done = group.done.clone();
        for change in pending {
            if let Pending::Item { key, value, version } = &change {
                let unsettled = crate::log::Unsettled {
                    version: *version,
                    value: value.clone(),
                    done: done.clone(),
                };
                log.unsettled.insert(key.clone(), unsettled);
            }
            log.forming.back_mut().expect("the group joined above").push(change);
        }
        self.commit_wanted.notify();
        done
    }

    /// Numbers for `count` writes in a row.
    pub(crate) fn take_versions(&self, count: usize) -> Version {
        let mut log = self.log.borrow_mut();
        let first = log.next_version;
        log.next_version += count as u64;
        first
    }

    /// Waits until `bytes` more may be pending.
    pub(crate) async fn room(&self, bytes: usize) -> Result<(), StoreError> {
        loop {
            self.check_writable()?;
            let pending_bytes = self.log.borrow().pending_bytes;
            let fits = pending_bytes + bytes <= crate::limits::MAX_PENDING_WRITE_BYTES;
            if (fits || pending_bytes == 0) && !self.must_wait_for_space() {
                return Ok(());
            }
            self.room_changed.wait().await;
        }
    }

    /// Files may hold at most twice the live data, and some room to work in.
    pub(crate) fn must_wait_for_space(&self) -> bool {
        let segments = self.segments.borrow();
        let slack_bytes = self.working_segments() as u64 * u64::from(segments.segment_bytes);
        segments.occupied_bytes() > 2 * segments.live_bytes() + 2 * slack_bytes
    }

    /// Segments that hold no live data at times though all is well: open ones, a checkpoint and its
    /// successor, what compaction has emptied and the next checkpoint will free.
    pub(crate) fn working_segments(&self) -> usize {
        let log_bytes = self.options.checkpoint_min_log_bytes;
        let between_checkpoints = log_bytes / u64::from(self.options.segment_bytes);
        8 + self.options.ready_segments + between_checkpoints as usize + 2 * self.reserve()
    }

    /// Segments that the log leaves to compaction and checkpoints: without them nothing could ever
    /// be freed on a full disk.
    pub(crate) fn reserve(&self) -> usize {
        const BYTES_PER_ENTRY: u64 = 40;
        let items: u64 = self.table.borrow().iter().map(|partition| partition.index.len()).sum();
        2 + (items * BYTES_PER_ENTRY / u64::from(self.options.segment_bytes)) as usize
    }

    /// Runs a background task, and knows when it ended.
    pub(crate) fn spawn(
        self: &Rc<Self>,
        class: flywheel_disk::TaskClass,
        task: impl Future<Output = ()> + 'static,
    ) {
        self.tasks.set(self.tasks.get() + 1);
        let core = self.clone();
        self.world.spawn(class, async move {
            task.await;
            core.tasks.set(core.tasks.get() - 1);
            core.task_ended.notify();
        });
    }
}
