//! Memory: what the allocator does with what was freed. Not the buffers of I/O: see `buffer`.
#![allow(unsafe_code, reason = "the allocator's settings are set through its C interface")]

use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// Milliseconds after which freed memory goes back to the system: mimalloc's `mi_option_purge_delay`, to
/// which the crate gives no name.
const PURGE_DELAY: mi_option_t = 15;

/// It never does.
const NEVER: std::ffi::c_long = -1;

/// Has mimalloc keep what is freed for the next allocation, instead of handing it back to the system.
///
/// A page that comes back from the system costs a fault and is cleared, in the middle of somebody's
/// request: docs/benchmarks.md says what that cost. The process stays as large as it once was, which the
/// store's own bounds limit.
///
/// Does nothing in a process whose allocator is another one, nor to a `MIMALLOC_PURGE_DELAY` that its
/// user has set.
pub fn keep_freed_memory() {
    // SAFETY: sets one number in the allocator's table; it may be called at any time.
    unsafe { mi_option_set_default(PURGE_DELAY, NEVER) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use libmimalloc_sys::mi_option_get;

    #[test]
    fn the_setting_is_the_one_that_is_meant_and_takes_hold() {
        // SAFETY: reads one number of the allocator's table.
        let delay_ms = || unsafe { mi_option_get(PURGE_DELAY) };
        assert_eq!(delay_ms(), 1000, "not the documented default: options were renumbered?");
        keep_freed_memory();
        assert_eq!(delay_ms(), NEVER);
    }
}
