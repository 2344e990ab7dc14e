//! Every bound of this crate, asserted against each other. Not settings: a bound here is a promise
//! to the layers above.

/// Direct writes are made in whole blocks of this many bytes, at multiples of it.
pub const BLOCK_BYTES: usize = 4096;

/// No single read or write sent to the kernel is larger than this, whatever the device would take.
/// Devices that take less are found out at start; see [`crate::real`].
pub const MAX_IO_BYTES: usize = 1 << 20;

/// A device is never asked for less than this in one request, even if its queue claims to want so.
pub const MIN_IO_BYTES: usize = 64 << 10;

/// How often in a row an interrupted read or write is sent again before that is an error.
pub const MAX_RETRIES: u32 = 1_000;

/// How long is waited before an interrupted read or write is sent again.
pub const RETRY_PAUSE_US: u64 = 1_000;

/// io_uring needs this much lockable memory for its rings and our registered buffers.
pub const MIN_MEMLOCK_BYTES: u64 = 512 << 10;

/// Entries of each core's ring; more requests than that simply enter the kernel sooner.
pub const RING_DEPTH: u32 = 256;

/// Answers that a core's ring holds until they are taken: as many sockets may have something at once
/// before the kernel has to keep their answers elsewhere.
pub const MAX_UNREAPED: u32 = 16 * RING_DEPTH;

/// Buffers of a core's ring for what its sockets receive: as many may be filled and not yet looked at.
/// A socket that finds none left waits and takes memory of its own.
pub const RECEIVE_BUFFERS: u16 = 256;

/// Bytes of such a buffer: the most that one read of a socket brings.
pub const RECEIVE_BYTES: usize = 8 << 10;

/// Connections that the kernel holds for a listening socket until they are accepted.
pub const MAX_BACKLOG: i32 = 4096;

/// The largest file of settings, keys or certificates, in bytes.
pub const MAX_SMALL_FILE_BYTES: u64 = 1 << 20;

/// Memory that a core keeps for buffers to come, in bytes.
pub const MAX_SPARE_BYTES: usize = 32 << 20;

/// Tasks of one class that a core runs before it turns the ring again.
pub const MAX_TASKS_PER_ROUND: usize = 128;

/// How long tasks of one class run at most before that, but for the last of them, in microseconds.
pub const MAX_ROUND_US: u64 = 1000;

/// Background tasks get one part in so many of a busy core's time.
pub const BACKGROUND_SHARE: u64 = 8;

/// How long a task may run before it should let others: what `yield_if_needed` goes by.
pub const SLICE_US: u64 = 250;

const _: () = assert!(MAX_IO_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(MIN_IO_BYTES <= MAX_IO_BYTES && MIN_IO_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(MAX_UNREAPED >= 2 * RING_DEPTH && MAX_UNREAPED.is_power_of_two());
const _: () = assert!(RECEIVE_BUFFERS.is_power_of_two());
const _: () = assert!(RECEIVE_BYTES.is_multiple_of(BLOCK_BYTES) && RECEIVE_BYTES <= MAX_IO_BYTES);
