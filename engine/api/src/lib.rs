//! The messages of DynamoDB's API: what requests and responses hold, and errors. Pure: no I/O, no
//! tables, nothing of what operations do.

pub mod error;

pub use error::{ApiError, CancellationReason, ErrorCode};
