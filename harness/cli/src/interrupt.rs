//! Ctrl-C: the first asks for a clean end, the second ends at once. And the end of whoever started this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, set_parent_process_death_signal};
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

/// Set for a process that is not to outlive the one that started it: what that one froze, nobody would wake.
pub const ENDS_WITH_PARENT: &str = "FLYWHEEL_ENDS_WITH_PARENT";

/// Does what [`ENDS_WITH_PARENT`] says, if it is set.
pub fn end_with_parent() {
    if std::env::var_os(ENDS_WITH_PARENT).is_some() {
        // Where the kernel refuses, everything else goes on as it should.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

/// Whether a clean end was asked for.
pub fn is_set(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}
