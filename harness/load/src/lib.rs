//! YCSB's generators, workloads, traces, and the closed- and open-loop drivers, with what a run measures.
//! Knows no engine: whatever implements [`Target`] can be driven. Prints nothing, writes no files.
//!
//! ```text
//! Properties --resolve--> Workload --+--> driver::load / run / run_open --> RunFigures
//!  (-P, -p)               (checked)  |         ^
//!                                    |         | one Target per worker
//!                              split_keys   TargetFactory
//! ```

pub mod driver;
pub mod figures;
pub mod generate;
pub mod limits;
pub mod properties;
pub mod random;
pub mod record;
pub mod target;
pub mod trace;
pub mod workload;

pub use driver::{
    Control, Entries, OpenOptions, Progress, RecordTo, Replay, RunError, RunOptions, Sum, load,
    load_entries, run, run_entries, run_open, sum, validate, validated,
};
pub use figures::{Phase, RunFigures};
pub use properties::{Properties, PropertyError};
pub use record::{Added, Addition, FieldSet, Record, RecordError};
pub use target::{Reactor, Row, Target, TargetError, TargetErrorKind, TargetFactory, Updated};
pub use workload::{
    Arrivals, Operation, RateShape, Resolved, Step, Trace, Workload, WorkloadClass, WorkloadError,
};
