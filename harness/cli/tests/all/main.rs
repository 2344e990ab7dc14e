//! The binary as a user meets it: exit codes, messages, folders. Its figures are tested where they are
//! made.
//!
//! - `bad_input`: every wrong file, flag and directory ends in a clear message, exit 2, nothing changed.
//! - `check`: checking and repairing real directories.
//! - `runs`: runs and suites on a real directory, on a small scale.
//! - `judging`: compare, trend, search, load; what loops and rates leave in a result; completions, manual.
//! - `gate`: budgets, pairs, and what is wrong with the flags of either.
//! - `items`: tables as targets, in this process and behind `flywheel serve`.
//! - `traces`: replayed, loaded and recorded; what does not go together.
//! - `plan`: known bills, each way in, and what is wrong with inputs.
//! - `overload`: the overload command on a small scale.
//! - `common`: starting the binary.

mod bad_input;
mod check;
mod common;
mod gate;
mod items;
mod judging;
mod overload;
mod plan;
mod runs;
mod traces;
