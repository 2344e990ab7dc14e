//! The tests of the shard crate that need more than one of its rooms, in one binary.
//!
//! | Room | Asks |
//! |---|---|
//! | `common` | nothing: options, simulated engines and directories that the others share |
//! | `plumbing` | do mailboxes and replies hold up between threads |
//! | `model` | does an engine answer as a `BTreeMap` would, with splits, moves and reopens between |
//! | `crash` | power lost at any step of a move: is every key owned once, nothing acknowledged lost |
//! | `kill` | is everything acknowledged there after SIGKILL under load, on a real disk |
//! | `moving` | do clients see nothing of splits and moves while they use the partitions |
//! | `overload` | three times what it can do, in virtual time: bounded queues, clear refusals, recovery |
//! | `refusal` | do bounds refuse, do bad directories and batches get clear errors |
//! | `threads` | the same on real cores and a real disk, where the host allows it |

#![allow(clippy::disallowed_methods, reason = "these tests are threads, and clients of the engine")]

mod common;
mod crash;
mod kill;
mod model;
mod moving;
mod overload;
mod plumbing;
mod refusal;
mod threads;
