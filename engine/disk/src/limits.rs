//! Every bound of this crate, asserted against each other. Not settings: a bound here is a promise
//! to the layers above.

/// Direct writes are made in whole blocks of this many bytes, at multiples of it.
pub const BLOCK_BYTES: usize = 4096;

/// No single read or write sent to the kernel is larger than this, whatever the device would take.
/// Devices that take less are found out at start; see [`crate::real`].
pub const MAX_IO_BYTES: usize = 1 << 20;

/// A device is never asked for less than this in one request, even if its queue claims to want so.
pub const MIN_IO_BYTES: usize = 64 << 10;

/// io_uring needs this much lockable memory for its rings and our registered buffers.
pub const MIN_MEMLOCK_BYTES: u64 = 512 << 10;

/// Depth of each executor's ring; deeper than all that the shards keep in flight together.
pub const RING_DEPTH: usize = 256;

/// Memory registered with the ring for direct I/O, in bytes. Larger needs fall back to the heap.
pub const IO_MEMORY_BYTES: usize = 16 << 20;

const _: () = assert!(MAX_IO_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(MIN_IO_BYTES <= MAX_IO_BYTES && MIN_IO_BYTES.is_multiple_of(BLOCK_BYTES));
