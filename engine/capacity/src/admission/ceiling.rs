//! How much a table or an index may take a second, of one kind, and which limit says so. Not how a table on demand
//! grows: see [`crate::on_demand`].

use std::time::Duration;

use super::Limit;
use crate::burst::{BURST, STEADY};
use crate::tokens::Rate;

/// The rate at which a bucket fills, and the limit that a refusal names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// Units a second.
    pub rate: Rate,
    /// How long what is unused is kept; a second's units are always.
    pub burst: Duration,
    /// What refuses beyond it.
    pub limit: Limit,
}

impl Ceiling {
    /// Of provisioned capacity, with 300 s of what was unused.
    #[must_use]
    pub fn provisioned(rate: Rate) -> Self {
        Self { rate, burst: BURST, limit: Limit::ProvisionedThroughput }
    }

    /// Of capacity on demand: the lowest of what the table has grown to, what its owner allows and the account's
    /// quota. Of equal ones the owner's is named before the account's, and that before growth, which ends by
    /// itself. Nothing is kept for bursts: a bound on cost is a bound.
    #[must_use]
    pub fn on_demand(grown_to: Rate, maximum: Option<Rate>, quota: Rate) -> Self {
        let limits = [
            (maximum.unwrap_or(Rate::HIGHEST), Limit::MaxOnDemandThroughput),
            (quota, Limit::AccountLimit),
            (grown_to, Limit::KeyRangeThroughput),
        ];
        let (rate, limit) =
            limits.into_iter().min_by_key(|(rate, _)| *rate).expect("there are three");
        Self { rate, burst: STEADY, limit }
    }

    /// Of one partition: a second's units and nothing of what was unused before.
    #[must_use]
    pub fn partition(rate: Rate) -> Self {
        Self { rate, burst: STEADY, limit: Limit::KeyRangeThroughput }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_is_the_one_that_is_named() {
        let of = |grown_to, maximum: Option<u64>, quota| {
            let maximum = maximum.map(Rate::per_s);
            let ceiling = Ceiling::on_demand(Rate::per_s(grown_to), maximum, Rate::per_s(quota));
            (ceiling.rate.as_f64() as u64, ceiling.limit)
        };
        assert_eq!(of(12_000, None, 40_000), (12_000, Limit::KeyRangeThroughput));
        assert_eq!(of(80_000, None, 40_000), (40_000, Limit::AccountLimit));
        assert_eq!(of(40_000, None, 40_000), (40_000, Limit::AccountLimit));
        assert_eq!(of(12_000, Some(100), 40_000), (100, Limit::MaxOnDemandThroughput));
        assert_eq!(of(12_000, Some(12_000), 12_000), (12_000, Limit::MaxOnDemandThroughput));
    }
}
