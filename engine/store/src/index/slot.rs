//! Slot: one leaf of a chunk, in memory or *cold*: then only the place of its page is known, and what it
//! adds to the totals. Not the leaf's items: those are `leaf`'s.
//!
//! ```text
//! warm, dirty   leaf          edited since it was written, or never written
//! warm, clean   leaf + page   the page says the same: the leaf can go at any time
//! cold                 page
//! ```

use std::cell::Cell;
use std::rc::Rc;

use super::leaf::Leaf;
use super::page::Page;
use super::separator::Separator;

/// A leaf and the separator below it.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) low: Separator,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Warm {
        leaf: Leaf,
        /// Says the same as the leaf.
        page: Option<Page>,
        /// Asked for since the clock last came by.
        used: Cell<bool>,
    },
    Cold {
        page: Page,
        items: u16,
        record_bytes: u32,
    },
}

/// What a slot, a chunk or a tree adds up to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Totals {
    pub(super) items: u64,
    pub(super) record_bytes: u64,
    /// Heap of leaves and separators, allocator overhead included.
    pub(super) heap_bytes: u64,
    /// Leaves that are only on the disk.
    pub(super) cold_bytes: u64,
}

impl Totals {
    /// Takes `before` out and puts `after` in.
    pub(super) fn exchange(&mut self, before: Self, after: Self) {
        self.items = self.items - before.items + after.items;
        self.record_bytes = self.record_bytes - before.record_bytes + after.record_bytes;
        self.heap_bytes = self.heap_bytes - before.heap_bytes + after.heap_bytes;
        self.cold_bytes = self.cold_bytes - before.cold_bytes + after.cold_bytes;
    }

    /// The sum of all.
    pub(super) fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum.exchange(Self::default(), one);
            sum
        })
    }
}

/// What the clock finds in a slot that it comes by.
pub(super) enum Passed<'s> {
    /// Nothing to do: it is cold, or was used and is given another round.
    Kept,
    /// It may go cold at once.
    Clean,
    /// It may go cold once it is written.
    Dirty(&'s Leaf),
}

impl Slot {
    /// A new leaf.
    pub(super) fn new(low: Separator, leaf: Leaf) -> Self {
        Self { low, content: Content::warm(leaf, None) }
    }

    /// The leaf, or the page that holds it.
    pub(super) fn leaf(&self) -> Result<&Leaf, Page> {
        match &self.content {
            Content::Warm { leaf, .. } => Ok(leaf),
            Content::Cold { page, .. } => Err(*page),
        }
    }

    /// The leaf, which somebody asks for.
    pub(super) fn used_leaf(&self) -> Result<&Leaf, Page> {
        if let Content::Warm { used, .. } = &self.content
            && !used.get()
        {
            used.set(true);
        }
        self.leaf()
    }

    /// The leaf, which is warm.
    ///
    /// # Panics
    /// If it is cold: whoever changes a tree has brought what is to be changed.
    pub(super) fn warm_leaf(&self) -> &Leaf {
        self.leaf().expect("the leaf was brought before it is changed")
    }

    /// The leaf, to be edited: its page no longer says the same.
    ///
    /// # Panics
    /// If it is cold.
    pub(super) fn edit(&mut self) -> &mut Leaf {
        match &mut self.content {
            Content::Warm { leaf, page, used } => {
                *page = None;
                used.set(true);
                leaf
            }
            Content::Cold { page, .. } => panic!("{page:?} was not brought before it is changed"),
        }
    }

    pub(super) fn items(&self) -> usize {
        match &self.content {
            Content::Warm { leaf, .. } => leaf.len(),
            Content::Cold { items, .. } => usize::from(*items),
        }
    }

    pub(super) fn record_bytes(&self) -> u64 {
        match &self.content {
            Content::Warm { leaf, .. } => leaf.record_bytes(),
            Content::Cold { record_bytes, .. } => u64::from(*record_bytes),
        }
    }

    pub(super) fn totals(&self) -> Totals {
        let (leaf_heap_bytes, cold_bytes) = match &self.content {
            Content::Warm { leaf, .. } => (leaf.heap_bytes(), 0),
            Content::Cold { page, .. } => (0, page.leaf_bytes()),
        };
        Totals {
            items: self.items() as u64,
            record_bytes: self.record_bytes(),
            heap_bytes: (leaf_heap_bytes + self.low.heap_bytes()) as u64,
            cold_bytes,
        }
    }

    /// Lets the clock come by.
    pub(super) fn pass(&self) -> Passed<'_> {
        match &self.content {
            Content::Warm { used, .. } if used.replace(false) => Passed::Kept,
            Content::Warm { page: Some(_), .. } => Passed::Clean,
            Content::Warm { leaf, page: None, .. } => Passed::Dirty(leaf),
            Content::Cold { .. } => Passed::Kept,
        }
    }

    /// Gives up a clean leaf: its page stands for it from now on.
    pub(super) fn chill(&mut self) {
        if let Content::Warm { leaf, page: Some(page), .. } = &self.content {
            self.content = Content::Cold {
                page: *page,
                items: leaf.len() as u16,
                record_bytes: leaf.record_bytes() as u32,
            };
        }
    }

    /// Takes back what its page holds. Whether it still was cold and had this page.
    pub(super) fn install(&mut self, page: Page, leaf: &Leaf) -> bool {
        let wanted = self.leaf().err() == Some(page);
        if wanted {
            self.content = Content::warm(leaf.clone(), Some(page));
        }
        wanted
    }

    /// Whether `leaf`, of which `was` is the page if it has one, still is what the slot holds.
    pub(super) fn holds(&self, leaf: &Leaf, was: Option<Page>) -> bool {
        match (&self.content, was) {
            (Content::Warm { page, .. }, Some(was)) => *page == Some(was),
            (Content::Warm { leaf: own, .. }, None) => Rc::ptr_eq(&own.0, &leaf.0),
            (Content::Cold { page, .. }, was) => Some(*page) == was,
        }
    }

    /// A new page holds the leaf now. One that nobody used meanwhile goes cold.
    pub(super) fn settle(&mut self, new: Page) {
        match &mut self.content {
            Content::Warm { page, used, .. } => {
                *page = Some(new);
                if !used.get() {
                    self.chill();
                }
            }
            Content::Cold { page, .. } => *page = new,
        }
    }
}

impl Content {
    fn warm(leaf: Leaf, page: Option<Page>) -> Self {
        Self::Warm { leaf, page, used: Cell::new(true) }
    }
}

/// Without pages a slot took 40 bytes: room for one costs a quarter of a byte an item.
const _: () = assert!(size_of::<Slot>() == 56);
