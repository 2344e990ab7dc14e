//! Every bound of this crate, asserted against each other. Bounds of items and tables stand with those.
//!
//! *Quotas* is DynamoDB's developer guide, "Quotas and constraints"; *observed* is what the service does.

/// Bytes of a request's line and headers together. Observed: beyond it the service answers 400.
pub const MAX_HEAD_BYTES: usize = 16 << 10;

/// Headers of a request.
pub const MAX_HEADERS: usize = 64;

/// Bytes of a request's body, as sent and inflated. Quotas: 16 MB a batch, and what JSON adds to it is
/// counted by the service too (observed: 413 beyond it).
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// Bytes of bodies that a core's connections have received in part: all of them together, so that many
/// slow clients cannot take all memory.
pub const MAX_PARTIAL_BYTES: usize = 256 << 20;

/// Digits and extensions of the line before a chunk of a body.
pub const MAX_CHUNK_LINE_BYTES: usize = 256;

/// Bytes of the headers behind the last chunk of a body, all of which are skipped.
pub const MAX_TRAILER_BYTES: usize = 4 << 10;

/// Bytes of answers to requests sent at once that are put together before they are sent.
pub const MAX_BATCH_BYTES: usize = 64 << 10;

/// A body up to this size is copied behind its head; a larger one is sent from where it stands.
pub const MAX_COPIED_BODY_BYTES: usize = 16 << 10;

/// Buffers that a core keeps for answers to come, and the largest that it keeps.
pub const MAX_SPARE_BUFFERS: usize = 64;

/// See [`MAX_SPARE_BUFFERS`].
pub const MAX_SPARE_BUFFER_BYTES: usize = 2 * MAX_BATCH_BYTES;

/// Connections to which a core is saying at one time that it has too many; the others are just closed.
pub const MAX_REFUSING: usize = 64;

/// Bytes that are read and thrown away after a request was refused before its end, so that the client
/// gets to read why.
pub const MAX_LINGER_BYTES: usize = 4 << 20;

/// Bytes of an operation's name; the longest that DynamoDB has takes 37.
pub const MAX_OPERATION_BYTES: usize = 47;

/// Bytes of an access key's name. AWS's have 20.
pub const MAX_ACCESS_KEY_BYTES: usize = 128;

/// Access keys that a server knows.
pub const MAX_ACCESS_KEYS: usize = 10_000;

/// Days and regions for which a core keeps an access key's derived signing keys.
pub const MAX_SIGNING_KEYS: usize = 8;

/// Headers that a signature names.
pub const MAX_SIGNED_HEADERS: usize = MAX_HEADERS;

/// Parameters of a request's query. A presigned request has 6 to 8.
pub const MAX_QUERY_PARAMETERS: usize = 64;

/// How far a signature's date may be from ours, in seconds. Observed.
pub const MAX_CLOCK_SKEW_S: u64 = 5 * 60;

/// The longest that a presigned request may be valid, in seconds: a week. Source: Signature Version 4.
pub const MAX_PRESIGNED_S: u64 = 7 * 24 * 3600;

/// A response from this size on is compressed, if the client takes that. Observed.
pub const COMPRESSED_FROM_BYTES: usize = 4 << 10;

const _: () = assert!(MAX_COPIED_BODY_BYTES <= MAX_BATCH_BYTES);
const _: () = assert!(MAX_BODY_BYTES < MAX_PARTIAL_BYTES);
const _: () = assert!(MAX_OPERATION_BYTES <= u8::MAX as usize);
const _: () = assert!(MAX_CHUNK_LINE_BYTES < MAX_HEAD_BYTES && MAX_TRAILER_BYTES < MAX_HEAD_BYTES);
