//! What all parts of one store share: its tables, its queues' ends, its health. Not behaviour: each
//! kind of request and each background task has a room of its own.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flywheel_disk::{DiskError, World};

use crate::cache::RecordCache;
use crate::cold::{IndexMemory, PageFiles};
use crate::error::StoreError;
use crate::format::place::Place;
use crate::index::{Location, Page, Tree};
use crate::log::{Log, Pending};
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
use crate::pins::{Pin, Pins};
use crate::recovery::Recovered;
use crate::scrub::ScrubState;
use crate::segments::Segments;
use crate::space::Need;
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
    /// One change of partitions at a time: each is checked against a table that knows the last.
    pub(crate) partition_changes: Gate,
    pub(crate) counters: Counters,
    pub(crate) health: RefCell<Health>,
    /// It is being closed: no more writes. Apart from `health`, which may still get worse.
    pub(crate) closing: Cell<bool>,
    /// The log as far as the index knows it.
    pub(crate) settled: Cell<Settled>,
    /// Indexes of dropped partitions whose records still count as live, and what keeps them readable.
    pub(crate) dropped: RefCell<Vec<(Tree, Pin)>>,
    /// Whether one of them is being forgotten.
    pub(crate) is_forgetting: Cell<bool>,
    /// What the index takes of memory, and whether it may.
    pub(crate) index: IndexMemory,
    /// Where the rest of the index stands.
    pub(crate) pages: PageFiles<W>,
    /// Generation and checkpoint of the newest superblock.
    pub(crate) superblock: RefCell<crate::checkpoint::Newest<W>>,
    /// Bytes that scans have paid for to be put in order.
    pub(crate) order_credit_bytes: Cell<u64>,
    /// How far the scrub is, and what it found.
    pub(crate) scrub: RefCell<ScrubState>,
    /// The commit loop has something to do.
    pub(crate) commit_wanted: Signal,
    /// Writers that wait for room may look again.
    pub(crate) room_changed: Signal,
    /// How many there are: nobody is let in past them.
    pub(crate) waiting_for_room: Cell<usize>,
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
}

/// The newest version of a key, durable or not.
pub(crate) enum Newest {
    /// Written, not yet durable.
    Unsettled { value: Option<Versioned>, done: Rc<Done> },
    /// Durable, and at hand.
    Cached(Versioned),
    /// Durable, to be read.
    OnDisk(Location),
    /// To be told from a page of the index.
    Cold(Page),
    /// There is none.
    Absent,
}

impl<W: World> Core<W> {
    /// What recovery found, at rest: no task runs on it yet.
    pub(crate) fn of_recovered(
        world: W,
        directory: &Path,
        options: StoreOptions,
        recovered: Recovered<W>,
    ) -> Rc<Self> {
        let unbounded = || PageFiles::new(world.clone(), directory, options.segment_bytes);
        let pages = recovered.pages.unwrap_or_else(unbounded);
        let counters = Counters::default();
        counters.replayed_bytes.add(recovered.replayed_bytes);
        Rc::new(Self {
            directory: directory.to_owned(),
            table: RefCell::new(recovered.table),
            cache: RefCell::new(RecordCache::new(options.cache_bytes)),
            log: RefCell::new(Log { next_version: recovered.next_version, ..Log::default() }),
            segments: RefCell::new(recovered.segments),
            pins: Pins::default(),
            reads: Gate::new(options.reads_in_flight),
            partition_changes: Gate::new(1),
            counters,
            health: RefCell::new(Health::Running),
            closing: Cell::new(false),
            settled: Cell::new(recovered.settled),
            dropped: RefCell::default(),
            is_forgetting: Cell::new(false),
            index: IndexMemory::new(options.index_bytes),
            pages,
            order_credit_bytes: Cell::new(0),
            superblock: RefCell::new(crate::checkpoint::Newest {
                file: Rc::new(recovered.superblock.file),
                generation: recovered.superblock.newest.generation,
                slots: recovered.superblock.slots,
                checkpoint: recovered.superblock.newest.checkpoint,
                logged_bytes: 0,
                busy: false,
            }),
            scrub: RefCell::default(),
            commit_wanted: Signal::default(),
            room_changed: Signal::default(),
            waiting_for_room: Cell::new(0),
            maintenance_wanted: Signal::default(),
            segments_changed: Signal::default(),
            upkeep_wanted: Signal::default(),
            finished: Cell::new(false),
            task_ended: Signal::default(),
            tasks: Cell::new(0),
            world,
            options,
        })
    }

    /// Fails unless writes are taken; what can only make space is taken on a full disk too.
    pub(crate) fn check_writable(&self, need: Need) -> Result<(), StoreError> {
        match &*self.health.borrow() {
            Health::Stopped(error) => Err(StoreError::Stopped(error.clone())),
            _ if self.closing.get() => Err(StoreError::Closed),
            Health::Full(error) if need == Need::Items => Err(StoreError::Full(error.clone())),
            Health::Running | Health::Full(_) => Ok(()),
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
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
        Ok(match partition.index.get(key) {
            Ok(location) => location.map_or(Newest::Absent, Newest::OnDisk),
            Err(page) => Newest::Cold(page),
        })
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
            log.note_unsettled(&change, &done);
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

    /// Whether `bytes` more may be pending right now, and nobody waits for that.
    pub(crate) fn has_room(&self, bytes: usize, need: Need) -> bool {
        self.waiting_for_room.get() == 0
            && self.check_writable(need).is_ok()
            && self.fits(bytes)
            && !self.must_wait_for_space()
    }

    fn fits(&self, bytes: usize) -> bool {
        let pending_bytes = self.log.borrow().pending_bytes;
        pending_bytes == 0 || pending_bytes + bytes <= crate::limits::MAX_PENDING_WRITE_BYTES
    }

    /// Waits until `bytes` more may be pending.
    pub(crate) async fn room(&self, bytes: usize, need: Need) -> Result<(), StoreError> {
        loop {
            self.check_writable(need)?;
            let must_wait_for_space = self.must_wait_for_space();
            if self.fits(bytes) && !must_wait_for_space {
                return Ok(());
            }
            let changed = self.room_changed.wait();
            if must_wait_for_space {
                // Nothing is logged while writers wait, so nothing else would call for upkeep.
                self.upkeep_wanted.notify();
            }
            let _waiting = Waiting::of(&self.waiting_for_room);
            changed.await;
        }
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

/// One more that waits, for as long as it lives.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn of(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
