//! `flywheel-count`, a binary of its own because it counts with an allocator of its own. What it does is `flywheel-count`'s, the
//! crate's.

fn main() -> std::process::ExitCode {
    flywheel_count::main()
}
