//! Records as DynamoDB's items, as YCSB's own DynamoDB binding maps them, so that results compare; and the operations
//! of a workload in those terms. How requests travel is not known here: that is whoever implements `Asks`.
//!
//! | Operation | Requests |
//! |---|---|
//! | READ | GetItem; `AttributesToGet` where fields are named, `ConsistentRead` by a property |
//! | UPDATE | UpdateItem with `AttributeUpdates`, `PUT` of each field |
//! | INSERT | PutItem |
//! | SCAN | GetItem of the start key, then Scan with `ExclusiveStartKey` and `Limit` |
//! | an addition | UpdateItem with an expression and a condition; YCSB has no such operation |
//!
//! A field is an attribute of type S; of type B if its bytes are no UTF-8, which YCSB's never are; of type N if it is
//! a number that is added to.

mod mapping;
mod records;
mod requests;
mod target;

pub use mapping::{ItemMapping, MappingError};
pub use records::{FieldValue, Gathered, Meant, key_text};
pub use requests::{ADD_CONDITION, ADD_UPDATE};
pub use target::{Asks, Failure, ItemTarget, Page};
