//! Keys of items as bytes that sort as DynamoDB sorts them, and ranges of such bytes. Not tables, not
//! prefixes: what stands before these bytes is the caller's.
//!
//! ```text
//!   +-------------------+------------------+-------------------+-----------+
//!   | hash of partition | partition length | partition         | sort      |
//!   | 8, big-endian     | 2, big-endian    | its attributes    | 0 or more |
//!   +-------------------+------------------+-------------------+-----------+
//! ```
//!
//! The hash (xxh3) spreads partition keys over the key space. Items of one partition key stand together,
//! in the order of their sort keys; partition keys among themselves are in no order that means anything,
//! so their bytes need not sort.
//!
//! Where much follows, a long partition may stand as its SHA-256, with the highest bit of the length set: it is
//! only ever compared for equality.
//!
//! Text and bytes stand as they are where nothing follows them, and escaped and ended (`00` as `00 ff`,
//! end `00 00`) where something does; numbers have bytes of their own (`number`) that end themselves.

mod encode;
mod range;

pub use encode::{KeyEncoder, partition_hash, partition_len_bytes};
pub use range::{KeyRange, SortCondition, prefix_successor};

use crate::value::AttributeType;

/// An attribute of a key and its type: text, number or binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type; one that is ordered.
    pub kind: AttributeType,
}

/// The attributes that make a key: a table has one that partitions and at most one that sorts, a global
/// secondary index up to four of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchema {
    /// Whose hash says where an item stands; at least one.
    pub partition: Vec<KeyAttribute>,
    /// That order the items of one partition key.
    pub sort: Vec<KeyAttribute>,
}

impl KeySchema {
    /// Its attributes, those that partition first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
    }

    /// Whether an attribute of that name belongs to the key.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }
}
