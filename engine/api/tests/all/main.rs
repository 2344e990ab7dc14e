//! Tests of the crate, a room for each noun. What AWS answers is quoted where it is known.

mod smoke;
