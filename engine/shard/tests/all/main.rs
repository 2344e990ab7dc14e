//! The tests of the shard crate that need more than one of its rooms, in one binary.
//!
//! | Room | Asks |
//! |---|---|
//! | `common` | nothing: options, simulated engines and directories that the others share |
//! | `plumbing` | do mailboxes and replies hold up between threads |
//! | `model` | does an engine answer as a `BTreeMap` would, with splits, moves and reopens between |
//! | `ledger`, `stock` | nothing: what was written, and so what must be found |
//! | `other`, `small_fs` | nothing: processes and file systems of a test's own |
//! | `crash` | power lost at any step of a move: is every key owned once, nothing acknowledged lost |
//! | `kill` | is everything acknowledged there after SIGKILL, under load and in the middle of recovery, on a real disk |
//! | `full_disk` | does a disk filled to its last block refuse writes only, and come back |
//! | `read_only` | are directories that may not be written refused, and read on if they were open |
//! | `limits` | what happens if files, locked memory or memory run out |
//! | `openers` | has a directory one opener at a time, also when several race |
//! | `clock` | does a clock that steps back by hours do harm |
//! | `moving` | do clients see nothing of splits and moves while they use the partitions |
//! | `several` | several effects of one read-modify-write: all or none, also while partitions move |
//! | `overload` | three times what it can do, in virtual time: bounded queues, clear refusals, recovery |
//! | `own` | own ranges: where appends go, what stays in place, readers that wait and miss nothing |
//! | `refusal` | do bounds refuse, do bad directories and batches get clear errors |
//! | `threads` | the same on real cores and a real disk, where the host allows it |

#![allow(clippy::disallowed_methods, reason = "these tests are threads, and clients of the engine")]
#![allow(
    clippy::disallowed_types,
    reason = "they use the disk and the clock as others on the host do"
)]

mod clock;
mod common;
mod crash;
mod full_disk;
mod kill;
mod ledger;
mod limits;
mod model;
mod moving;
mod openers;
mod other;
mod overload;
mod own;
mod plumbing;
mod read_only;
mod refusal;
mod several;
mod small_fs;
mod stock;
mod threads;
