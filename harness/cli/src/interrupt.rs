//! Ctrl-C: the first asks for a clean end, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What a shell expects of a program that a Ctrl-C killed.
pub const EXIT_INTERRUPTED: i32 = 130;

/// A flag that the first Ctrl-C (or SIGTERM) sets.
pub fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag that the first one set.
        let registered =
            flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED, stop.clone())
                .and_then(|_| flag::register(signal, stop.clone()));
        if let Err(error) = registered {
            eprintln!("flywheel: signals cannot be caught, Ctrl-C will lose figures: {error}");
        }
    }
    stop
}

/// Whether a clean end was asked for.
pub fn is_set(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}
