//! One integration-test binary for the crate. Nothing here asserts on wall time.
//!
//! - `known_answers`: the generators against YCSB's own numbers, from `fixtures/ycsb.json`.
//! - `distributions`: what each generator and the key chooser promise about shape and range.
//! - `counters`: the acknowledged counter, alone and shared by threads.
//! - `properties`: files, arguments, defaults, and every kind of error message.
//! - `workload_files`: the files in `/workloads` against the table of YCSB's workloads.
//! - `keys`: key names and split points.
//! - `records`: encode, decode, merge, project, verify, by example and by property.
//! - `driver`: both phases against a map: counts, repeatability, pacing, stopping, warm-up.
//! - `open`: arrivals that wait for nobody: accounts, refusals, lateness, steps.
//! - `faults`: what the driver makes of a target that fails, corrupts, or never answers.
//! - `stall`: a target that freezes, and what response times must tell of it.
//! - `support`: the map target that the driver tests use, with its faults.

mod counters;
mod distributions;
mod driver;
mod faults;
mod keys;
mod known_answers;
mod open;
mod properties;
mod records;
mod stall;
mod support;
mod workload_files;
