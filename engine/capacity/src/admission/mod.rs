//! Who is let in by a table's or an index's capacity. Not by a partition's: see [`crate::partition`]; a request
//! needs both.
//!
//! | Room | What it is |
//! |---|---|
//! | `ceiling` | how much a table or an index may take now, and which limit says so |
//! | `global` | the one bucket that the whole table has, and what of it is out on lease |
//! | `local` | one core's lease of it, the only thing that a request touches on most days |
//! | `division` | the two older rules, which divide the capacity over partitions, for comparison |
//! | `reason` | the names under which a refusal is told |
//!
//! ```text
//!     core 0        core 1        core 2        a request takes of its core's lease
//!    [Local]       [Local]       [Local]
//!        \            |            /            a lease every 10 ms or so, under a lock
//!         `-------[Global]--------'
//!                     ^
//!                    rate                       and what was unused for up to 300 s
//! ```
//!
//! Source: Elhemali et al., "Amazon DynamoDB: A Scalable, Predictably Performant, and Fully Managed NoSQL Database
//! Service", ATC'22, section 4.

mod ceiling;
mod division;
mod global;
mod local;
mod reason;

pub use ceiling::Ceiling;
pub use division::{Demand, shares};
pub use global::{Answer, Ask, Global};
pub use local::Local;
pub use reason::{Exception, Limit, Reason, Resource};

/// How a table's capacity gets to its partitions. DynamoDB has had all three, one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Divided evenly over the partitions, for good. A hot partition is throttled while others idle, and each
    /// cut leaves less to both sides.
    Static,
    /// Divided evenly, and a throttled partition is boosted while the table has capacity left.
    Adaptive,
    /// Not divided: the table has one bucket, each core takes leases of it, and partitions have but their
    /// ceilings.
    #[default]
    Global,
}
