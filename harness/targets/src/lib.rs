//! What a workload can be run against: one adapter a file.
//! No adapter measures, and none knows another.

mod model;
mod null;

pub use model::{Model, ModelFactory};
pub use null::{Null, NullFactory};
