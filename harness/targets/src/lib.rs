//! What a workload can be run against: one adapter a file.
//! No adapter measures, and none knows another.

mod engine;
mod model;
mod null;

pub use engine::{EngineFactory, EngineTarget};
pub use model::{Model, ModelFactory};
pub use null::{Null, NullFactory};
