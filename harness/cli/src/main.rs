//! The one binary, `flywheel`.
fn main() {}
