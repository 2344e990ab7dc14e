//! Tests of the crate, a room for each noun. What AWS answers is quoted where it is known.

mod checks;
mod codec;
mod conditions;
mod key_conditions;
mod keys;
mod legacy;
mod numbers;
mod projections;
mod support;
mod updates;
