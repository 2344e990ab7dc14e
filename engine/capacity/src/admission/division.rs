//! A table's capacity divided over its partitions: the two rules that came before admission as a whole. For
//! studies and plans that compare them. Not what the engine does unless it is told to.
//!
//! Source: ATC'22, sections 2 and 4. How strong the boost is was never published; here it is all that the table
//! has left, divided by who was refused how much, at each look.

use super::Rule;
use crate::limits::MAX_PARTITIONS;
use crate::tokens::Rate;

/// What one partition was asked for since the last look, in units a second of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// What it served.
    pub consumed: Rate,
    /// What it refused.
    pub throttled: Rate,
}

/// The share of each partition from this look to the next; `None` where nothing is divided. Never more than
/// `partition_ceiling` each; of more than [`MAX_PARTITIONS`] the rest get nothing.
///
/// Even shares add up to no more than the table's capacity. Boosted ones may exceed it until the next look, as a
/// partition that was quiet keeps its own: then there is nothing left, and all boosts end.
#[must_use]
pub fn shares(
    rule: Rule,
    table: Rate,
    partition_ceiling: Rate,
    demands: &[Demand],
) -> Option<Vec<Rate>> {
    let even = table.part(1, demands.len().min(MAX_PARTITIONS) as u64).min(partition_ceiling);
    let consumed = sum(demands, |demand| demand.consumed);
    let throttled = sum(demands, |demand| demand.throttled);
    let left = table.minus(consumed);
    let share = |demand: &Demand| {
        if left == Rate::ZERO {
            return even;
        }
        let boost = left.part(demand.throttled.as_milli(), throttled.as_milli());
        even.max(demand.consumed.plus(boost)).min(partition_ceiling)
    };
    let of_each = |share: &dyn Fn(&Demand) -> Rate| {
        let mut shares = vec![Rate::ZERO; demands.len()];
        for (place, demand) in demands.iter().take(MAX_PARTITIONS).enumerate() {
            shares[place] = share(demand);
        }
        shares
    };
    match rule {
        Rule::Static => Some(of_each(&|_| even)),
        Rule::Adaptive => Some(of_each(&share)),
        Rule::Global => None,
    }
}

fn sum(demands: &[Demand], of: impl Fn(&Demand) -> Rate) -> Rate {
    demands.iter().map(of).fold(Rate::ZERO, Rate::plus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(consumed: u64, throttled: u64) -> Demand {
        Demand { consumed: Rate::per_s(consumed), throttled: Rate::per_s(throttled) }
    }

    fn divided(rule: Rule, table: u64, demands: &[Demand]) -> Vec<f64> {
        let shares = shares(rule, Rate::per_s(table), Rate::per_s(1000), demands);
        shares.expect("divided").into_iter().map(Rate::as_f64).collect()
    }

    #[test]
    fn static_shares_are_even_whatever_is_asked() {
        let demands = [demand(90, 400), demand(0, 0), demand(10, 0)];
        assert_eq!(divided(Rule::Static, 300, &demands), [100.0; 3]);
        assert_eq!(divided(Rule::Static, 100, &demands), [33.333; 3]);
        assert_eq!(divided(Rule::Static, 9000, &demands), [1000.0; 3], "the partition's ceiling");
        assert_eq!(divided(Rule::Static, 300, &[]), [0.0; 0]);
        assert_eq!(shares(Rule::Global, Rate::per_s(1), Rate::per_s(1), &demands), None);
    }

    #[test]
    fn a_throttled_partition_is_boosted_by_what_the_table_has_left() {
        let hot = [demand(100, 400), demand(0, 0), demand(10, 0)];
        assert_eq!(divided(Rule::Adaptive, 300, &hot), [290.0, 100.0, 100.0]);
        let satisfied = [demand(250, 0), demand(0, 0), demand(10, 0)];
        assert_eq!(divided(Rule::Adaptive, 300, &satisfied), [250.0, 100.0, 100.0], "it stays so");
        let two = [demand(100, 300), demand(100, 100), demand(0, 0)];
        assert_eq!(divided(Rule::Adaptive, 300, &two), [175.0, 125.0, 100.0]);
        let capped = [demand(900, 5000), demand(0, 0)];
        assert_eq!(divided(Rule::Adaptive, 4000, &capped), [1000.0; 2]);
    }

    #[test]
    fn boosts_end_where_the_table_has_nothing_left() {
        let spent = [demand(290, 400), demand(10, 0), demand(10, 0)];
        assert_eq!(divided(Rule::Adaptive, 300, &spent), [100.0; 3]);
    }
}
