//! One integration-test binary for the crate. Nothing here asserts on wall time.
//!
//! - `null`: every workload file against the null target, with and without verification.
//! - `model`: the model under verification, and its updates.
//! - `conformance`: what any target must do, asked of the model, the engine and every peer that was built.
//! - `engine`: this project's engine conforms.
//! - `dynamodb`: so does an endpoint, plain and through TLS, also with few connections; what it refuses, says and closes.
//! - `table`: tables in this process conform, with either kind of key; reopening; bad properties.
//! - `peers`: names, settings, reopening, copies taken while open, space; needs a feature to do much.

mod conformance;
mod dynamodb;
mod engine;
mod model;
mod null;
mod peers;
mod support;
mod table;
