//! The simulated disk: files in memory that outlive executors, crashes and worlds. Not timed: what a
//! request takes, and when it ends, is the world's to say.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use super::content::Content;
use super::rng::SimRng;
use crate::limits::BLOCK_BYTES;
use crate::world::UNFINISHED_SUFFIX;

/// A file's content, shared by its name and by those who have it open.
pub(super) type SharedContent = Rc<RefCell<Content>>;

/// A disk in memory. Clones are the same disk; see [`SimDisk::image`] for a copy.
///
/// The methods are a test's hands on the medium: they take no virtual time, and panic, naming the
/// path, where a file that they are told of does not exist.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Rc<State>,
}

/// What has been asked of the disk since it was made, whether it succeeded or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimCounters {
    /// Reads.
    pub reads: u64,
    /// Bytes that they asked for.
    pub read_bytes: u64,
    /// Writes, durable ones included.
    pub writes: u64,
    /// Bytes that they wrote.
    pub written_bytes: u64,
    /// Those of the writes that were durable writes.
    pub durable_writes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Bytes of unsynced writes that they covered.
    pub synced_bytes: u64,
    /// Files created.
    pub creates: u64,
    /// Files removed.
    pub removes: u64,
}

/// The requests that can be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IoKind {
    Read,
    Write,
    Sync,
}

/// A change of the directory tree that has not yet happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Create { path: PathBuf, size_bytes: u64 },
    Remove { path: PathBuf },
    CreateDirectory { path: PathBuf },
}

#[derive(Clone)]
struct Pending {
    id: u64,
    change: Change,
    owner: Weak<()>,
}

#[derive(Default)]
struct State {
    tree: RefCell<Tree>,
    counters: Cell<SimCounters>,
    /// Requests to fail once each: what kind, and what the path must contain.
    planned_faults: RefCell<Vec<(IoKind, String)>>,
    capacity_bytes: Cell<Option<u64>>,
    /// Counts power losses and restores: what was opened before one is of no use after it.
    epoch: Cell<u64>,
    last_id: Cell<u64>,
}

#[derive(Clone, Default)]
struct Tree {
    files: BTreeMap<PathBuf, SharedContent>,
    directories: BTreeSet<PathBuf>,
    pending: Vec<Pending>,
}

impl SimDisk {
    /// An empty disk without end, with a root directory only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: of every write that is not durable, synced or not, in flight or failed, the
    /// disk keeps all, nothing, or any of its sectors of 512 bytes, as `seed` says. A file being
    /// created is gone, or there with zeros, or left behind under its unfinished name; a removal in
    /// flight happened or did not.
    ///
    /// Worlds and files opened before fail from now on: drop the executor, make another.
    pub fn power_loss(&self, seed: u64) {
        let mut rng = SimRng::new(seed);
        let mut tree = self.state.tree.borrow_mut();
        for content in tree.files.values() {
            content.borrow_mut().power_loss(&mut rng);
        }
        for pending in std::mem::take(&mut tree.pending) {
            tree.interrupt(pending.change, &mut rng);
        }
        self.next_epoch();
    }

    /// A copy of the disk as it is now, with what is unsynced and in flight on it: cut its power to
    /// see what a crash at this moment would leave. Planned faults and counters are not copied.
    #[must_use]
    pub fn image(&self) -> SimDisk {
        let copy = SimDisk::new();
        *copy.state.tree.borrow_mut() = self.state.tree.borrow().deep_clone();
        copy.state.capacity_bytes.set(self.state.capacity_bytes.get());
        copy.state.last_id.set(self.state.last_id.get());
        copy
    }

    /// Makes this disk what the image is. Worlds and files opened before fail from now on.
    pub fn restore(&self, image: &SimDisk) {
        let tree = image.state.tree.borrow().deep_clone();
        *self.state.tree.borrow_mut() = tree;
        self.state.capacity_bytes.set(image.state.capacity_bytes.get());
        self.state.last_id.set(self.state.last_id.get().max(image.state.last_id.get()));
        self.next_epoch();
    }

    /// Fails the next read of a path that contains `pattern`; asked twice, the next two.
    pub fn fail_next_read(&self, pattern: &str) {
        self.plan_fault(IoKind::Read, pattern);
    }

    /// Fails the next write, durable or not, to a path that contains `pattern`; any of its sectors
    /// may have been written.
    pub fn fail_next_write(&self, pattern: &str) {
        self.plan_fault(IoKind::Write, pattern);
    }

    /// Fails the next sync of a path that contains `pattern`. What it covered stays readable, and
    /// no later sync makes it durable.
    pub fn fail_next_sync(&self, pattern: &str) {
        self.plan_fault(IoKind::Sync, pattern);
    }

    /// How many of the faults asked for have not happened yet.
    pub fn planned_faults(&self) -> usize {
        self.state.planned_faults.borrow().len()
    }

    /// Limits the bytes of all files together; creating a file beyond it fails for lack of space.
    /// Files that are there stay. `None` lifts the limit.
    pub fn set_capacity_bytes(&self, capacity_bytes: Option<u64>) {
        self.state.capacity_bytes.set(capacity_bytes);
    }

    /// The bytes of all files together, with those being created.
    pub fn used_bytes(&self) -> u64 {
        self.state.tree.borrow().used_bytes()
    }

    /// All files with their lengths in bytes, sorted by path.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let tree = self.state.tree.borrow();
        let sized = |(path, content): (&PathBuf, &SharedContent)| {
            (path.clone(), content.borrow().size_bytes())
        };
        tree.files.iter().map(sized).collect()
    }

    /// Flips bit `bit` (0 to 7) of the byte at the offset, at rest.
    pub fn corrupt(&self, path: &Path, offset_bytes: u64, bit: u32) {
        assert!(bit < 8, "a byte has no bit {bit}");
        let byte = self.read_bytes(path)[offset_bytes as usize];
        self.replace_bytes(path, offset_bytes, &[byte ^ (1 << bit)]);
    }

    /// Replaces bytes at rest, durably, within the file's length.
    pub fn replace_bytes(&self, path: &Path, offset_bytes: u64, bytes: &[u8]) {
        let content = self.content(path);
        let size_bytes = content.borrow().size_bytes();
        assert!(
            offset_bytes + bytes.len() as u64 <= size_bytes,
            "{} bytes at {offset_bytes} reach beyond {} of {size_bytes} bytes",
            bytes.len(),
            path.display()
        );
        content.borrow_mut().overwrite(offset_bytes, bytes);
    }

    /// All bytes of a file as a read would bring them, without what is still in flight.
    pub fn read_bytes(&self, path: &Path) -> Vec<u8> {
        self.content(path).borrow().current()
    }

    /// All bytes of a file that a power loss now could not take.
    pub fn durable_bytes(&self, path: &Path) -> Vec<u8> {
        self.content(path).borrow().surviving()
    }

    /// Makes or replaces a whole file, durably, and its directories. Those who have the old one open
    /// go on with the old one.
    pub fn write_bytes(&self, path: &Path, bytes: &[u8]) {
        let mut content = Content::zeroed(bytes.len() as u64);
        content.overwrite(0, bytes);
        let mut tree = self.state.tree.borrow_mut();
        tree.create_directories(path.parent().unwrap_or(Path::new("")));
        tree.files.insert(path.to_owned(), Rc::new(RefCell::new(content)));
    }

    /// Removes a file at once, as an operator's mistake would.
    pub fn delete(&self, path: &Path) {
        let removed = self.state.tree.borrow_mut().files.remove(path);
        assert!(removed.is_some(), "no file {} on the simulated disk", path.display());
    }

    /// What has been asked of the disk so far.
    pub fn counters(&self) -> SimCounters {
        self.state.counters.get()
    }

    fn content(&self, path: &Path) -> SharedContent {
        self.file(path)
            .unwrap_or_else(|| panic!("no file {} on the simulated disk", path.display()))
    }

    fn plan_fault(&self, kind: IoKind, pattern: &str) {
        self.state.planned_faults.borrow_mut().push((kind, pattern.to_owned()));
    }

    fn next_epoch(&self) {
        self.state.epoch.set(self.state.epoch.get() + 1);
    }
}

/// What worlds and files do with the disk.
impl SimDisk {
    pub(super) fn epoch(&self) -> u64 {
        self.state.epoch.get()
    }

    pub(super) fn new_id(&self) -> u64 {
        let id = self.state.last_id.get() + 1;
        self.state.last_id.set(id);
        id
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut SimCounters)) {
        let mut counters = self.state.counters.get();
        add(&mut counters);
        self.state.counters.set(counters);
    }

    /// Whether a planned fault hits this request; it is spent then.
    pub(super) fn takes_planned_fault(&self, kind: IoKind, path: &Path) -> bool {
        let path = path.to_string_lossy();
        let mut faults = self.state.planned_faults.borrow_mut();
        let hit = faults.iter().position(|(hit, pattern)| *hit == kind && path.contains(pattern));
        hit.map(|index| faults.remove(index)).is_some()
    }

    /// Ends what crashed processes left in flight, as a kernel does that outlives them.
    pub(super) fn settle_orphans(&self, rng: &mut SimRng) {
        let mut tree = self.state.tree.borrow_mut();
        for content in tree.files.values() {
            content.borrow_mut().settle_orphans();
        }
        let is_orphan = |pending: &mut Pending| pending.owner.strong_count() == 0;
        let orphans: Vec<_> = tree.pending.extract_if(.., is_orphan).collect();
        for orphan in orphans {
            tree.interrupt(orphan.change, rng);
        }
    }

    pub(super) fn file(&self, path: &Path) -> Option<SharedContent> {
        self.state.tree.borrow().files.get(path).cloned()
    }

    pub(super) fn has_directory(&self, path: &Path) -> bool {
        is_root(path) || self.state.tree.borrow().directories.contains(path)
    }

    pub(super) fn names_in(&self, directory: &Path) -> Vec<String> {
        let tree = self.state.tree.borrow();
        let inside = tree.files.keys().filter(|path| path.parent() == Some(directory));
        let mut names: Vec<String> =
            inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
        names.sort();
        names
    }

    pub(super) fn has_space_for(&self, size_bytes: u64) -> bool {
        let capacity_bytes = self.state.capacity_bytes.get().unwrap_or(u64::MAX);
        self.used_bytes().saturating_add(size_bytes) <= capacity_bytes
    }

    pub(super) fn is_creating(&self, path: &Path) -> bool {
        let tree = self.state.tree.borrow();
        tree.pending
            .iter()
            .any(|pending| matches!(&pending.change, Change::Create { path: other, .. } if other == path))
    }

    pub(super) fn begin_change(&self, change: Change, owner: Weak<()>) -> u64 {
        let id = self.new_id();
        self.state.tree.borrow_mut().pending.push(Pending { id, change, owner });
        id
    }

    /// Lets a change happen. False if there is nothing left to remove.
    pub(super) fn finish_change(&self, id: u64) -> bool {
        let mut tree = self.state.tree.borrow_mut();
        let Some(index) = tree.pending.iter().position(|pending| pending.id == id) else {
            return false;
        };
        let pending = tree.pending.remove(index);
        tree.apply(pending.change)
    }
}

impl Tree {
    fn deep_clone(&self) -> Tree {
        let mut copy = self.clone();
        for content in copy.files.values_mut() {
            let mut own = content.borrow().clone();
            own.disown();
            *content = Rc::new(RefCell::new(own));
        }
        for pending in &mut copy.pending {
            pending.owner = Weak::new();
        }
        copy
    }

    fn used_bytes(&self) -> u64 {
        let files: u64 = self.files.values().map(|content| content.borrow().size_bytes()).sum();
        let creating = self.pending.iter().map(|pending| match pending.change {
            Change::Create { size_bytes, .. } => size_bytes,
            Change::Remove { .. } | Change::CreateDirectory { .. } => 0,
        });
        files + creating.sum::<u64>()
    }

    fn create_directories(&mut self, path: &Path) {
        self.directories.extend(path.ancestors().map(Path::to_owned));
    }

    fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Create { path, size_bytes } => {
                // It took its own debris' place, if an earlier attempt had left any.
                self.files.remove(&unfinished_name(&path));
                self.insert_zeroed(path, size_bytes);
                true
            }
            Change::Remove { path } => self.files.remove(&path).is_some(),
            Change::CreateDirectory { path } => {
                self.create_directories(&path);
                true
            }
        }
    }

    /// Decides what a crash left of a change that had not yet happened.
    fn interrupt(&mut self, change: Change, rng: &mut SimRng) {
        let happened = rng.coin();
        let left_debris = rng.coin();
        match change {
            // The new name may have reached the disk just before its maker learnt of it.
            change if happened => {
                self.apply(change);
            }
            Change::Create { path, size_bytes } if left_debris => {
                let blocks = rng.below(size_bytes / BLOCK_BYTES as u64 + 1);
                self.insert_zeroed(unfinished_name(&path), blocks * BLOCK_BYTES as u64);
            }
            Change::Create { .. } | Change::Remove { .. } | Change::CreateDirectory { .. } => {}
        }
    }

    fn insert_zeroed(&mut self, path: PathBuf, size_bytes: u64) {
        let content = Content::zeroed(size_bytes);
        self.files.insert(path, Rc::new(RefCell::new(content)));
    }
}

fn is_root(path: &Path) -> bool {
    path.parent().is_none()
}

fn unfinished_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED_SUFFIX);
    PathBuf::from(name)
}
