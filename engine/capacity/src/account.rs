//! Quotas of an account: what one table may have or take, whatever it asks for. Not a table's own limits.
//!
//! Source: developer guide, "Service, account, and table quotas in Amazon DynamoDB", throughput default quotas.

use crate::tokens::Rate;

/// Most that one table and its global indexes may be provisioned with, and that each of them serves on demand, in
/// units a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableQuota {
    /// Read units a second.
    pub read: Rate,
    /// Write units a second.
    pub write: Rate,
}

impl Default for TableQuota {
    /// 40,000 of both, as long as no more was asked for.
    fn default() -> Self {
        Self { read: Rate::per_s(40_000), write: Rate::per_s(40_000) }
    }
}

impl TableQuota {
    /// Whether a table and its global indexes may be provisioned with these, read and write units a second each:
    /// together they count.
    #[must_use]
    pub fn allows(&self, provisioned: impl IntoIterator<Item = (Rate, Rate)>) -> bool {
        let none = (Rate::ZERO, Rate::ZERO);
        let (read, write) = provisioned
            .into_iter()
            .fold(none, |sum, (read, write)| (sum.0.plus(read), sum.1.plus(write)));
        read <= self.read && write <= self.write
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_with_its_indexes() {
        let quota = TableQuota::default();
        let of = |reads: u64, writes: u64| (Rate::per_s(reads), Rate::per_s(writes));
        assert!(quota.allows([of(40_000, 40_000)]));
        assert!(!quota.allows([of(40_001, 1)]));
        assert!(quota.allows([of(30_000, 1), of(10_000, 39_999)]));
        assert!(!quota.allows([of(30_000, 1), of(10_000, 40_000)]));
        assert!(quota.allows([]));
    }
}
