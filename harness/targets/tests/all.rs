//! One integration-test binary for the crate. Nothing here asserts on wall time.
//!
//! - `null`: every workload file against the null target, with and without verification.
//! - `model`: the model under verification, and its updates.
//! - `conformance`: what any target must do, asked of the model and of every peer that was built.
//! - `peers`: names, settings, reopening, copies taken while open, space; needs a feature to do much.

mod conformance;
mod model;
mod null;
mod peers;
mod support;
