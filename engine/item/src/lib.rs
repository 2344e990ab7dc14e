//! DynamoDB's items: attribute values, exact numbers, keys that sort, sizes to the byte, expressions.
//! Pure: no I/O, no clock, no tables, no JSON.
//!
//! An [`Item`] maps names to [`AttributeValue`]s. `number` is DynamoDB's decimal; `key` turns key
//! attributes into bytes whose order is DynamoDB's; `codec` is how an item is stored; `size` says what it
//! counts, `check` what must hold of it. `expression` reads, checks and runs the five expressions; `legacy` turns the parameters that
//! came before them into the same conditions and updates. What may be wrong with any of these is an
//! [`Invalid`], and its text, in DynamoDB's words, is in `wording` alone.

mod check;
pub mod codec;
pub mod expression;
mod hash_order;
mod invalid;
pub mod key;
pub mod legacy;
pub mod limits;
pub mod number;
pub mod path;
mod size;
mod value;
mod wording;

pub use check::{check_item, check_key_value, check_value};
pub use hash_order::{HashTable, in_hash_order};
pub use invalid::{ExpressionFault, ExpressionKind, Invalid};
pub use number::{Number, NumberError};
pub use path::{Path, PathElement};
pub use size::{item_size_bytes, value_size_bytes};
pub use value::{AttributeType, AttributeValue, Item};
pub use wording::Wording;
