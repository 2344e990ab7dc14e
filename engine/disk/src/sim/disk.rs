//! The simulated disk: files in memory that outlive executors, crashes and worlds. Not timed: what a
//! request takes, and when it ends, is the world's to say.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use super::content::Content;
use super::counters::{SimCounters, SimFaults};
use super::plan::{Fault, Plans};
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
    counters: RefCell<SimCounters>,
    plans: Plans,
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
        self.count_fault(|faults| faults.power_losses += 1);
        for content in tree.files.values() {
            let (lost, torn) = content.borrow_mut().power_loss(&mut rng);
            self.count_fault(|faults| {
                faults.lost_at_power_loss += lost;
                faults.torn_at_power_loss += torn;
            });
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

    /// Lets `fault` happen to the next request that it can happen to and whose path contains
    /// `pattern`; asked twice, to the next two.
    pub fn plan(&self, fault: Fault, pattern: &str) {
        self.state.plans.add(fault, pattern);
    }

    /// How many of the planned faults have not happened yet.
    pub fn planned_faults(&self) -> usize {
        self.state.plans.count()
    }

    /// Forgets the planned faults that have not happened yet.
    pub fn forget_planned_faults(&self) {
        self.state.plans.clear();
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
        self.check_range(path, offset_bytes, 1);
        let byte = self.content(path).borrow().current_part(offset_bytes, 1)[0];
        self.replace_bytes(path, offset_bytes, &[byte ^ (1 << bit)]);
    }

    /// Flips one bit at rest, drawn from `seed`, of a file whose path contains `pattern`. Returns
    /// which, as [`Self::corrupt`] takes them; `None` if there is no such file, or no byte in any.
    pub fn rot(&self, pattern: &str, seed: u64) -> Option<(PathBuf, u64, u32)> {
        let mut files = self.files();
        files.retain(|(path, size)| *size > 0 && path.to_string_lossy().contains(pattern));
        let all_bytes = files.iter().map(|(_, size)| size).sum::<u64>();
        if all_bytes == 0 {
            return None;
        }
        let mut rng = SimRng::new(seed);
        let (mut offset_bytes, bit) = (rng.below(all_bytes), rng.below(8) as u32);
        let (path, _) = files.into_iter().find(|(_, size)| {
            let is_here = offset_bytes < *size;
            offset_bytes -= if is_here { 0 } else { *size };
            is_here
        })?;
        self.corrupt(&path, offset_bytes, bit);
        Some((path, offset_bytes, bit))
    }

    /// Replaces bytes at rest, durably, within the file's length.
    pub fn replace_bytes(&self, path: &Path, offset_bytes: u64, bytes: &[u8]) {
        self.check_range(path, offset_bytes, bytes.len());
        self.content(path).borrow_mut().overwrite(offset_bytes, bytes);
        self.count_fault(|faults| faults.changes_at_rest += 1);
    }

    fn check_range(&self, path: &Path, offset_bytes: u64, length_bytes: usize) {
        let size_bytes = self.content(path).borrow().size_bytes();
        assert!(
            offset_bytes + length_bytes as u64 <= size_bytes,
            "{length_bytes} bytes at {offset_bytes} reach beyond {} of {size_bytes} bytes",
            path.display()
        );
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
        *self.state.counters.borrow()
    }

    fn content(&self, path: &Path) -> SharedContent {
        self.file(path)
            .unwrap_or_else(|| panic!("no file {} on the simulated disk", path.display()))
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
        add(&mut self.state.counters.borrow_mut());
    }

    pub(super) fn count_fault(&self, add: impl FnOnce(&mut SimFaults)) {
        add(&mut self.state.counters.borrow_mut().faults);
    }

    pub(super) fn plans(&self) -> &Plans {
        &self.state.plans
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
        let change = tree.take_pending(id);
        change.is_some_and(|change| tree.apply(change))
    }

    /// Lets a change fail: as after a crash, it happened, did not, or left something behind.
    pub(super) fn fail_change(&self, id: u64, rng: &mut SimRng) {
        let mut tree = self.state.tree.borrow_mut();
        if let Some(change) = tree.take_pending(id) {
            tree.interrupt(change, rng);
        }
    }

    /// The files beside `path`, in the same directory, without itself.
    pub(super) fn files_beside(&self, path: &Path) -> Vec<SharedContent> {
        let tree = self.state.tree.borrow();
        let beside = |(other, _): &(&PathBuf, _)| *other != path && other.parent() == path.parent();
        tree.files.iter().filter(beside).map(|(_, content)| content.clone()).collect()
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

    fn take_pending(&mut self, id: u64) -> Option<Change> {
        let index = self.pending.iter().position(|pending| pending.id == id)?;
        Some(self.pending.remove(index).change)
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
