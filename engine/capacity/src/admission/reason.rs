//! The sixteen reasons for which DynamoDB throttles, by name, and the exceptions that carry them. Not their
//! messages, nor the names of resources.
//!
//! An exception has a list `ThrottlingReasons` of objects `{"reason": ..., "resource": ARN}`; a reason's name is
//! those of its three parts in a row. Source: API reference, `ThrottlingReason`; developer guide, "Diagnosing
//! throttling", whose examples also say which exception carries which.

use crate::operation::Operation;

/// What is throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A table, or a local index, which shares its capacity.
    Table,
    /// A global index.
    Index,
}

/// Which limit was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// The units a second that were provisioned.
    ProvisionedThroughput,
    /// What a partition may serve; and, on demand, what a table has grown to.
    KeyRangeThroughput,
    /// The account's quota for a table.
    AccountLimit,
    /// The most that its owner lets it take on demand.
    MaxOnDemandThroughput,
}

/// The exception that a refusal is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exception {
    /// `ProvisionedThroughputExceededException`.
    ProvisionedThroughputExceeded,
    /// `ThrottlingException`.
    Throttling,
    /// `RequestLimitExceeded`, of which the API reference says that it is for the account's quota.
    RequestLimitExceeded,
}

/// Why a request was throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// What is throttled.
    pub resource: Resource,
    /// Which of its capacities.
    pub operation: Operation,
    /// By which limit.
    pub limit: Limit,
}

const NAMES: [(Resource, Operation, Limit, &str); 16] = {
    use Limit::{AccountLimit, KeyRangeThroughput, MaxOnDemandThroughput, ProvisionedThroughput};
    use Operation::{Read, Write};
    use Resource::{Index, Table};
    [
        (Table, Read, ProvisionedThroughput, "TableReadProvisionedThroughputExceeded"),
        (Table, Read, KeyRangeThroughput, "TableReadKeyRangeThroughputExceeded"),
        (Table, Read, AccountLimit, "TableReadAccountLimitExceeded"),
        (Table, Read, MaxOnDemandThroughput, "TableReadMaxOnDemandThroughputExceeded"),
        (Table, Write, ProvisionedThroughput, "TableWriteProvisionedThroughputExceeded"),
        (Table, Write, KeyRangeThroughput, "TableWriteKeyRangeThroughputExceeded"),
        (Table, Write, AccountLimit, "TableWriteAccountLimitExceeded"),
        (Table, Write, MaxOnDemandThroughput, "TableWriteMaxOnDemandThroughputExceeded"),
        (Index, Read, ProvisionedThroughput, "IndexReadProvisionedThroughputExceeded"),
        (Index, Read, KeyRangeThroughput, "IndexReadKeyRangeThroughputExceeded"),
        (Index, Read, AccountLimit, "IndexReadAccountLimitExceeded"),
        (Index, Read, MaxOnDemandThroughput, "IndexReadMaxOnDemandThroughputExceeded"),
        (Index, Write, ProvisionedThroughput, "IndexWriteProvisionedThroughputExceeded"),
        (Index, Write, KeyRangeThroughput, "IndexWriteKeyRangeThroughputExceeded"),
        (Index, Write, AccountLimit, "IndexWriteAccountLimitExceeded"),
        (Index, Write, MaxOnDemandThroughput, "IndexWriteMaxOnDemandThroughputExceeded"),
    ]
};

impl Reason {
    /// All sixteen, each once.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|&(resource, operation, limit, _)| Self { resource, operation, limit })
    }

    /// As DynamoDB writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self.place()].3
    }

    /// Where it stands among all, for counters: 0 to 15.
    #[must_use]
    pub const fn place(self) -> usize {
        self.resource as usize * 8 + self.operation as usize * 4 + self.limit as usize
    }

    /// The exception that carries it, of a table in one mode or the other. Only a partition's limit is met in
    /// both.
    #[must_use]
    pub const fn exception(self, is_on_demand: bool) -> Exception {
        match self.limit {
            Limit::ProvisionedThroughput => Exception::ProvisionedThroughputExceeded,
            Limit::KeyRangeThroughput if is_on_demand => Exception::Throttling,
            Limit::KeyRangeThroughput => Exception::ProvisionedThroughputExceeded,
            Limit::AccountLimit => Exception::RequestLimitExceeded,
            Limit::MaxOnDemandThroughput => Exception::Throttling,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_names_are_their_parts_in_a_row() {
        for (place, reason) in Reason::all().enumerate() {
            assert_eq!(reason.place(), place);
            let limit = match reason.limit {
                Limit::AccountLimit => "AccountLimit".to_owned(),
                other => format!("{other:?}"),
            };
            let parts = format!("{:?}{:?}{limit}Exceeded", reason.resource, reason.operation);
            assert_eq!(reason.name(), parts);
        }
        assert_eq!(Reason::all().count(), 16);
    }

    #[test]
    fn each_limit_has_its_exception() {
        let of = |limit, is_on_demand| {
            Reason { resource: Resource::Index, operation: Operation::Write, limit }
                .exception(is_on_demand)
        };
        let provisioned = Exception::ProvisionedThroughputExceeded;
        assert_eq!(of(Limit::ProvisionedThroughput, false), provisioned);
        assert_eq!(of(Limit::KeyRangeThroughput, false), provisioned);
        assert_eq!(of(Limit::KeyRangeThroughput, true), Exception::Throttling);
        assert_eq!(of(Limit::MaxOnDemandThroughput, true), Exception::Throttling);
        assert_eq!(of(Limit::AccountLimit, true), Exception::RequestLimitExceeded);
    }
}
