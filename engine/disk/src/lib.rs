//! Files, the kernel and the clock behind one seam: [`World`]. Not a cache, not a format: bytes in,
//! bytes out, and a promise about when they are durable.
//!
//! The engine above is written once against [`World`] and [`File`]. [`real`] stands on io_uring with
//! direct I/O, one executor a core; [`sim`] is its deterministic twin in memory, driven by a seed.

pub mod canary;
pub mod durability;
pub mod error;
pub mod host;
pub mod limits;
pub mod lock;
pub mod real;
pub mod sim;
mod small_file;
mod timeout;
pub mod world;

pub use durability::Durability;
pub use error::{DiskError, DiskFault};
pub use lock::DirectoryLock;
pub use small_file::read_small_file;
pub use timeout::timeout;
pub use world::{Buffer, File, TaskClass, UNFINISHED_SUFFIX, World};
