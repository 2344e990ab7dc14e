//! Tests of the crate, a room for each noun. What AWS answers is quoted where it is known.

mod constraints;
mod errors;
mod hostile;
mod items_out;
mod legacy;
mod refusals;
mod requests;
mod round_trips;
mod support;
mod values;
