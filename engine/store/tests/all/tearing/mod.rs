//! Exhaustive tearing: a small image of a whole store, damaged in every way at every place, opened and
//! read. Never wrong data, never a panic; what is allowed stands in `oracle`. Not crashes: those leave
//! only what a disk may leave, see `concurrent` and `model`.
//!
//! Most padding and most bits are left out, unless `FLYWHEEL_TEAR_ALL` is set: then every bit of every
//! byte is changed and every byte zeroed, in images of a crashed, a resting and a closed store, in some
//! twenty minutes: `FLYWHEEL_TEAR_ALL=1 cargo test -p flywheel-store --test all tearing::bytes`.
//!
//! - `image`: the store that is damaged, and what it acknowledged.
//! - `layout`: what stands where in it.
//! - `oracle`: which outcome is allowed.
//! - `bytes`: each byte changed, the log cut at each byte.
//! - `sectors`: each sector and each block, changed, exchanged or as it was before.
//! - `files`: whole files missing, exchanged, cut, from an older image or another shard.
//! - `lengths`: each field at its extremes under a checksum that is right.
//! - `misreads`: each read of recovery answered wrongly once.
//! - `confirmation`: what makes the last batches of a log at rest provable.

mod bytes;
mod confirmation;
mod files;
mod image;
mod layout;
mod lengths;
mod misreads;
mod oracle;
mod sectors;
