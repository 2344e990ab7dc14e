//! The whole engine in one thread by seed: shards, mailboxes, splits, moves, compaction, checkpoints and
//! recovery on the simulated machine, with clients, faults and crashes, and a judge. Not the engine's
//! tests: those show that parts do what they should; this shows that nothing acknowledged is lost.
//!
//! Two kinds are simulated ([`workload::Workload`]): the shards themselves ([`shards`]), and tables with
//! their transactions on them ([`tables`]).
//!
//! - A [`plan::Plan`] is all that a seed does, written down first: lives of the engine, each with its
//!   clients' operations, the weather of its disk, and its end (closed, killed, power lost).
//! - [`run::run`] runs it: after each start everything is read and held against the history ([`linear`]:
//!   was there an order of the calls that gives all answers and this end?); between any two steps the
//!   engine's tables are audited; errors must be fair in that weather ([`weather`]).
//! - [`shrink::shrink`] leaves out of a failing plan what it does not need.
//!
//! Everything follows from the seed: two runs of one plan have the same trace.

pub mod client;
pub mod disturbance;
pub mod feed;
pub mod history;
pub mod journal;
pub mod keys;
pub mod life;
pub mod limits;
pub mod linear;
pub mod model;
pub mod operation;
pub mod plan;
pub mod run;
pub mod shape;
pub mod shards;
pub mod shrink;
pub mod state;
pub mod tables;
pub mod versions;
pub mod weather;
pub mod workload;
