//! Request units of one read or write by its size. Not which sizes an operation counts: that is the
//! operation's; not whether there are any left.
//!
//! Source: developer guide, "DynamoDB read and write operations".

/// Bytes of one read unit.
pub const READ_UNIT_BYTES: usize = 4 << 10;

/// Bytes of one write unit.
pub const WRITE_UNIT_BYTES: usize = 1 << 10;

/// Units of reading so many bytes at once: half as many if the read need not be consistent. What is not there
/// counts as something small.
#[must_use]
pub fn read_units(size_bytes: usize, is_consistent: bool) -> f64 {
    let units = size_bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if is_consistent { units } else { units / 2.0 }
}

/// Units of writing so many bytes at once.
#[must_use]
pub fn write_units(size_bytes: usize) -> f64 {
    size_bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_step_at_the_edges_of_sizes() {
        let writes = [(0, 1.0), (1, 1.0), (1024, 1.0), (1025, 2.0), (409_600, 400.0)];
        for (size_bytes, units) in writes {
            assert_eq!(write_units(size_bytes), units, "{size_bytes}");
        }
        let reads = [(0, 1.0), (4096, 1.0), (4097, 2.0), (409_600, 100.0)];
        for (size_bytes, units) in reads {
            assert_eq!(read_units(size_bytes, true), units, "{size_bytes}");
            assert_eq!(read_units(size_bytes, false), units / 2.0, "{size_bytes}");
        }
    }
}
