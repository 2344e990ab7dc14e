//! A bound on the memory that one input may take. libFuzzer's own needs a sanitizer, and that a
//! nightly toolchain.

use std::alloc::System;
use std::panic;
use std::sync::Once;

use cap::Cap;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs `work`, in which at most `most_bytes` more than now may be allocated at once.
///
/// One byte more aborts the process, which libFuzzer reports as a crash of this input.
pub fn bounded<T>(most_bytes: usize, work: impl FnOnce() -> T) -> T {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(lift_in_panics);
    HEAP.set_limit(HEAP.allocated() + most_bytes).expect("more than is allocated now");
    let result = work();
    lift();
    result
}

/// For a decoder: a fixed part, and so many times its input.
pub fn bounded_decoder<T>(input: &[u8], work: impl FnOnce() -> T) -> T {
    bounded((64 << 10) + 16 * input.len(), work)
}

/// A panic ends the process, and may take for its message and backtrace what it needs.
fn lift_in_panics() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        lift();
        previous(info);
    }));
}

fn lift() {
    HEAP.set_limit(usize::MAX).expect("no limit");
}
