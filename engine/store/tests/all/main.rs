//! All tests of the store as a whole; tests of its rooms stand in the rooms. On the simulated machine
//! unless said otherwise, so that they repeat by seed.
//!
//! - `model`: one caller against a `BTreeMap`, with reopening and power loss in between.
//! - `concurrent`: many callers at once; nothing acknowledged is lost, nothing is seen out of order.
//! - `recovery`: torn logs, damage, foreign files: a clean prefix or an error with its place.
//! - `space`: compaction gives space back, full disks refuse writes and recover.
//! - `fixture`: what they share.

mod concurrent;
mod fixture;
mod model;
mod recovery;
mod space;
