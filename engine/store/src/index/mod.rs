//! Index: one partition's keys in order, each with the place of its newest record; in memory.
//! Not durable, not shared between threads, and it never looks at the records themselves.
//!
//! ```text
//! Tree    Vec of (low key, Rc<Chunk>)          a snapshot clones this
//! Chunk   up to 256 of (low key, Leaf)         a write behind a snapshot copies one of these
//! Leaf    up to 64 items packed in one block   ... and one of these
//! ```
//!
//! Everything is found by binary search and edited in place; what grows too large is cut in two,
//! so no operation ever touches more than one leaf, one chunk and the root.

mod block;
mod builder;
mod chunk;
mod clock;
mod digits;
mod heads;
mod heap;
mod leaf;
mod location;
mod page;
mod run;
mod separator;
mod slot;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use builder::TreeBuilder;
pub use clock::{LeafPosition, Sweep};
pub use leaf::Leaf;
pub use location::Location;
pub use page::{Fetched, Gap, Page};
pub use tree::Tree;

/// The longest key that the index takes, in bytes.
pub const KEY_LEN_MAX: usize = block::KEY_MAX;

/// Which way to walk the keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From low keys to high ones.
    Forward,
    /// From high keys to low ones.
    Backward,
}
