//! Page: where the copy of a leaf stands on the disk, and what a walk does that comes upon one which is not
//! in memory. Not the files that pages stand in: the index names places, others read and write them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Bound;

use super::leaf::Leaf;
use super::location::Location;

/// A leaf's copy on the disk: its place, and how often that had been begun anew when it was written. No two
/// are ever the same: a page is never changed, and a leaf that was gets another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Page {
    generation: NonZeroU32,
    at: [u8; Location::ENCODED_LEN],
}

impl Page {
    /// The page that stands at `at`.
    #[must_use]
    pub fn new(at: Location, generation: NonZeroU32) -> Self {
        Self { generation, at: at.to_bytes() }
    }

    /// How often its place had been begun anew.
    #[must_use]
    pub fn generation(self) -> NonZeroU32 {
        self.generation
    }

    /// Where it stands.
    #[must_use]
    pub fn location(self) -> Location {
        Location::from_bytes(self.at)
    }

    /// About how long the leaf is.
    pub(super) fn leaf_bytes(self) -> u64 {
        u64::from(self.location().len_bytes())
    }
}

/// A walk came upon leaves that are not in memory.
#[derive(Debug)]
pub struct Gap {
    /// The page where the walk broke off, then those that it would need next.
    pub pages: Vec<Page>,
    /// Where the walk goes on, unless that is where it began: behind all that it has passed.
    pub resume: Option<Bound<Vec<u8>>>,
}

impl Gap {
    /// Where a walk that began at `near` goes on.
    #[must_use]
    pub fn resume(self, near: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
        self.resume.unwrap_or(near)
    }
}

/// Leaves that were read for a walk, which the tree itself does not take in.
#[derive(Default)]
pub struct Fetched {
    leaves: HashMap<Page, Leaf>,
    ahead: usize,
}

impl Fetched {
    /// None yet; a gap names up to `ahead` pages at a time, and one at least.
    #[must_use]
    pub fn ahead(ahead: usize) -> Self {
        Self { leaves: HashMap::new(), ahead }
    }

    /// Adds what a page holds.
    pub fn add(&mut self, page: Page, leaf: Leaf) {
        self.leaves.insert(page, leaf);
    }

    /// Forgets what it holds: a walk forward that goes on where the gap says needs none of it.
    pub fn clear(&mut self) {
        self.leaves.clear();
    }

    /// How many pages a gap may name.
    pub(super) fn most_pages(&self) -> usize {
        self.ahead.max(1)
    }

    /// What the page holds, if it was read.
    #[must_use]
    pub fn leaf(&self, page: Page) -> Option<&Leaf> {
        self.leaves.get(&page)
    }
}
