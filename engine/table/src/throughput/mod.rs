//! Throughput of tables and global indexes as it is enforced: who is let in, and what is told of who is not. Not
//! what a request takes: see `capacity`; not buckets and leases: see `flywheel-capacity`.
//!
//! Before its work a request reserves the least that it can take, of its table or of the index that it reads, and of
//! each index that it may write. After it, it is settled with what it took. So a request may leave a debt, which the
//! next ones wait for; none is turned away after its work was done, and a large one waits no longer than a small one.
//!
//! | Room | What it is |
//! |---|---|
//! | `meters` | both kinds, by the record of a table or an index |
//! | `permit` | what a request has reserved |
//! | `consumed` | what was taken of all, for metrics |
//! | `growing` | how a table or an index on demand grows |
//! | `hot` | the hottest partitions and keys, for people |

pub(crate) mod consumed;
pub(crate) mod growing;
pub(crate) mod hot;
pub(crate) mod meters;
pub(crate) mod permit;

/// Whether requests are turned away for want of capacity. They are accounted either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Throttling {
    /// Never.
    #[default]
    Never,
    /// Beyond what the owner of a table has set: what is provisioned, with 300 s of what was left unused, and the
    /// most that capacity on demand may come to.
    AsSet,
    /// As by DynamoDB: also where one partition is asked for more than it may serve, and on demand for more than a table
    /// or an index has grown to, or an account's quota for one.
    Dynamodb,
}

impl Throttling {
    /// Whether partitions have limits of their own.
    #[must_use]
    pub fn has_partition_limits(self) -> bool {
        self == Self::Dynamodb
    }
}
