//! How an item is stored: compact, read without a tree, skipped in one step. Not how it is sent.
//!
//! ```text
//!   item       := form (1 byte, 1) attributes
//!   attributes := count name value ...          names in the order of their bytes
//!   name       := length bytes                  UTF-8
//!   value      := tag (1 byte) contents
//!     0 NULL, 1 false, 2 true    nothing
//!     3 S, 4 B                   length bytes
//!     5 N                        as a number in a key
//!     6 M                        extent attributes
//!     7 L                        extent count value ...
//!     8 SS, 9 BS                 extent count length bytes ...
//!     10 NS                      extent count number ...
//!   count, length := LEB128, at most 32 bits
//!   extent        := bytes that follow, 4, little-endian
//! ```
//!
//! One item has one form: names and members are in order and no set is empty. The engine checks what it reads from
//! the medium, so what is wrong here is a fault of a program. It is an error all the same, never a panic. Items
//! are checked before they are stored (`check`).

mod decode;
mod encode;
mod size;

pub use decode::{AttributesRef, ListRef, MembersRef, ValueRef};
pub use encode::encode;
pub use size::size_bytes;

use crate::value::Item;

/// The one form there is so far.
const FORM: u8 = 1;

/// First byte of a value.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const S: u8 = 3;
    pub(super) const B: u8 = 4;
    pub(super) const N: u8 = 5;
    pub(super) const M: u8 = 6;
    pub(super) const L: u8 = 7;
    pub(super) const SS: u8 = 8;
    pub(super) const BS: u8 = 9;
    pub(super) const NS: u8 = 10;
}

/// Bytes that are no item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no item: {what}, {left_bytes} bytes before their end")]
pub struct Malformed {
    /// What is wrong.
    pub what: &'static str,
    /// How far from the end it was found.
    pub left_bytes: usize,
}

/// The attributes of a stored item, to be read one by one.
///
/// # Errors
/// If its form is unknown. What else may be wrong is found as it is read.
pub fn read(bytes: &[u8]) -> Result<AttributesRef<'_>, Malformed> {
    match bytes.split_first() {
        Some((&FORM, attributes)) => AttributesRef::new(attributes),
        Some(_) => Err(Malformed { what: "unknown form", left_bytes: bytes.len() }),
        None => Err(Malformed { what: "nothing there", left_bytes: 0 }),
    }
}

/// The whole item.
///
/// # Errors
/// If these are not bytes that [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<Item, Malformed> {
    read(bytes)?.to_item()
}
