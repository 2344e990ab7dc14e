//! One integration-test binary for the crate. Nothing here asserts on wall time.
//!
//! - `null`: every workload file against the null target, with and without verification.
//! - `model`: the model under verification, and its updates.

mod model;
mod null;
mod support;
