//! Builder: makes a tree of full leaves from items in order, as a checkpoint gives them back.
//! Not for items out of order: those are `Tree::insert`'s.

use std::mem;

use super::block::{ITEMS_MAX, KEY_MAX};
use super::location::Location;
use super::run::{Cut, Run};
use super::separator::Separator;
use super::tree::Tree;

/// Builds a [`Tree`] from strictly ascending keys, a leaf at a time.
pub struct TreeBuilder {
    tree: Tree,
    /// The items of the leaf to come.
    run: Run,
    /// The separator below it.
    low: Separator,
    /// The highest key so far.
    last_key: Vec<u8>,
}

impl TreeBuilder {
    /// A builder of an empty tree.
    #[must_use]
    pub fn new() -> Self {
        let (tree, run, last_key) = (Tree::new(), Run::default(), Vec::new());
        Self { tree, run, low: Separator::LOWEST, last_key }
    }

    /// Whether `key` may be pushed next.
    #[must_use]
    pub fn accepts(&self, key: &[u8]) -> bool {
        let is_first = self.run.len() == 0 && self.tree.is_empty();
        (is_first || self.last_key.as_slice() < key) && key.len() <= KEY_MAX
    }

    /// Adds an item.
    ///
    /// # Panics
    /// If `key` is not above the key pushed before it, or longer than 4096 bytes.
    pub fn push(&mut self, key: &[u8], at: Location) {
        let is_first = self.run.len() == 0 && self.tree.is_empty();
        assert!(
            is_first || self.last_key.as_slice() < key,
            "pushed {key:?} after {:?}",
            self.last_key
        );
        assert!(key.len() <= KEY_MAX, "key of {} B is longer than {KEY_MAX} B", key.len());
        if self.run.len() == ITEMS_MAX {
            self.flush();
            self.low = Separator::between(&self.last_key, key);
        }
        self.run.push(key, at);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
    }

    /// The leaves that are full, for the clock to come by.
    pub fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// The tree of all items pushed.
    #[must_use]
    pub fn finish(mut self) -> Tree {
        if self.run.len() > 0 {
            self.flush();
        }
        self.tree
    }

    fn flush(&mut self) {
        let run = mem::take(&mut self.run);
        for slot in run.pack(self.low.clone(), Cut::Middle) {
            self.tree.push_leaf(slot);
        }
    }
}

impl Default for TreeBuilder {
    fn default() -> Self {
        Self::new()
    }
}
