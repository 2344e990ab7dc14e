//! What GetItem, BatchGetItem, Query and Scan share: how a page of items is read.

pub(crate) mod bounds;
pub(crate) mod page;
pub(crate) mod selection;
mod skip;
pub(crate) mod start_key;
