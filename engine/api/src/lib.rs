//! The messages of DynamoDB's API: what requests and responses hold, their JSON, and errors. Pure: no I/O,
//! no tables, nothing of what operations do.
//!
//! A member of a message has the name and the meaning that Amazon's API reference gives it, in Rust's case
//! of letters. All are optional here, for requests hold whatever was sent: [`Checked::check`] tells what the
//! service's model asks of a request. What depends on tables is not known here at all.
//!
//! [`read`] makes a message of JSON, [`write()`] JSON of a message. Attribute values that are sound JSON and
//! no sound values are kept for later ([`Sent`]), because DynamoDB tells of them after other faults.

mod constraints;
pub mod error;
mod error_json;
pub mod legacy;
pub mod limits;
mod messages;
mod operation;
mod value;
mod wire;

pub use constraints::{Checked, table_of_arn};
pub use error::{ApiError, CancellationReason, ErrorCode, ThrottlingReason};
pub use messages::*;
pub use operation::Operation;
pub use value::{ItemOut, Sent};
pub use wire::{Narrowed, read, write, write_into};
