//! Traces: what was asked of a store, one operation a line. Reading, writing, and what is to be known of one before
//! it is replayed.
//! Knows no clock, no threads and no target: the replay is `driver`'s. `docs/traces.md` tells the format to people.
//!
//! ```text
//!  trace.csv, .jsonl, each also .gz
//!     |
//!  TraceReader --> TraceEntry, one after the other --+--> Survey: how much, how long, which keys
//!                                                    +--> LoadPlan: what must be there before it
//!                                                    +--> a replay, a plan, whatever takes an iterator
//!  TraceWriter <-- TraceEntry
//! ```

mod csv;
mod entry;
mod error;
mod file;
mod format;
mod json;
mod load_plan;
mod reader;
mod survey;
mod writer;

pub use entry::TraceEntry;
pub use error::TraceError;
pub use file::TraceFile;
pub use format::TraceFormat;
pub use load_plan::LoadPlan;
pub use reader::TraceReader;
pub use survey::{SampledKey, Survey};
pub use writer::TraceWriter;

use xxhash_rust::xxh3::xxh3_64;

/// The hash that a key is dealt to a worker by and known again by.
pub(crate) fn key_hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}
