//! One integration-test binary for the crate. Nothing here asserts on wall time.
//!
//! - `known_answers`: the generators against YCSB's own numbers, from `fixtures/ycsb.json`.
//! - `distributions`: what each generator and the key chooser promise about shape and range.
//! - `goodness`: each generator's draws against the exact probability of every value.
//! - `counters`: the acknowledged counter, alone and shared by threads.
//! - `properties`: files, arguments, defaults, and every kind of error message.
//! - `workload_files`: the files in `/workloads` against the table of YCSB's workloads.
//! - `keys`: key names and split points.
//! - `records`: encode, decode, merge, project, verify, by example and by property.
//! - `driver`: both phases against a map: counts, repeatability, pacing, stopping, warm-up.
//! - `open`: arrivals that wait for nobody: accounts, refusals, lateness, steps.
//! - `checked`: the classes that check themselves, and the faults that each must find.
//! - `faults`: what the driver makes of a target that fails, corrupts, or never answers.
//! - `stall`: a target that freezes, and what response times must tell of it.
//! - `recorded`: runs of both loops as traces, and what their replay sends.
//! - `replay`: traces as arrivals: order, speed, warm-up, ends, accounts, broken ones; loading and reading back.
//! - `traces`: both formats there and back, every bad line with its error, memory, surveys and load plans.
//! - `support`: the map target that the driver tests use, with its faults.

mod checked;
mod counters;
mod distributions;
mod driver;
mod faults;
mod goodness;
mod keys;
mod known_answers;
mod open;
mod properties;
mod recorded;
mod records;
mod replay;
mod stall;
mod support;
mod traces;
mod workload_files;
