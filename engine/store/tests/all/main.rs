//! All tests of the store as a whole; tests of its rooms stand in the rooms. On the simulated machine
//! unless said otherwise, so that they repeat by seed.
//!
//! - `model`: one caller against a `BTreeMap`, with reopening and power loss in between.
//! - `concurrent`: many callers at once; nothing acknowledged is lost, nothing is seen out of order.
//! - `effects`: several effects of one read-modify-write: all or none, and what is appended seen in order.
//! - `at_once`: writes that are decided at once are told of once durable, given back, or dropped with the store.
//! - `history`: the book of answers that `concurrent` keeps, and the rules it must obey.
//! - `recovery`: lost superblocks, segments of an older image: a clean prefix or an error with its place.
//! - `refusals`: foreign, newer, missing and misplaced files: clear errors, nothing changed.
//! - `salvage`: what is said of a store that nobody has open is true.
//! - `scrub`: rot is found with its place, and nothing is said of a sound store.
//! - `order`: scans have what they look for put together.
//! - `cold`: an index larger than its memory answers as any other, at one read more.
//! - `space`: compaction gives space back, full disks refuse writes and recover, failures lose nothing.
//! - `real`: the same store on a real disk.
//! - `tearing`: a small image damaged at every byte, sector, block and file.
//! - `fixture`: what they share.

mod at_once;
mod cold;
mod concurrent;
mod effects;
mod fixture;
mod history;
mod model;
mod order;
mod real;
mod recovery;
mod refusals;
mod salvage;
mod scrub;
mod space;
mod tearing;
