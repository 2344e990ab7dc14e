//! The raw device probe: what the disk itself can do.
