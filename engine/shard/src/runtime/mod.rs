//! The engine on real cores: one pinned thread a shard. The only room of the crate where threads
//! appear; not what they do, which is the same on any world.

mod bootstrap;
mod core;
mod engine;
mod offline;

pub use core::OpenProgress;
pub use engine::Engine;
pub use offline::{Offline, OfflineCallback};
