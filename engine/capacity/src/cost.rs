//! From units over a month to a bill: on demand, provisioned, reserved. Knows prices and hours; knows neither tables
//! nor how the hours came about.
//!
//! Formulas, with `u` units per second for `h` hours of a month of 730:
//!
//! | Way to pay | Monthly |
//! |---|---|
//! | on demand | sum of u x h x 3600 / 1,000,000 x price of a million |
//! | provisioned | sum of u x h x price of an hour |
//! | reserved, R units | R / 100 x price of a lot's hour x 730 + sum of max(u - R, 0) x h x price of an hour; and R / 100 x upfront, once |
//!
//! Source: the public price pages' own worked examples; a month is 730 hours there, too.

use crate::prices::{LotPrices, UnitPrices};

/// Hours of a month, as price calculators count them: 365 x 24 / 12.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// Units of one lot of a reservation.
pub const LOT_UNITS: f64 = 100.0;

/// So many units per second, for so many hours of a month. Of one kind of unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Hours of a month.
    pub hours: f64,
    /// Units per second, used or provisioned.
    pub units_per_s: f64,
}

/// Hours of a month of something that lasts `hours_per_day`, to the tenth of an hour, as calculators have it: 3 hours
/// a day are 91.3 a month.
#[must_use]
pub fn peak_hours_per_month(hours_per_day: f64) -> f64 {
    (hours_per_day * HOURS_PER_MONTH / 24.0 * 10.0).round() / 10.0
}

/// A month at `base` with a peak for `hours_per_day` of each day.
#[must_use]
pub fn base_and_peak(base_per_s: f64, peak_per_s: f64, hours_per_day: f64) -> Vec<Level> {
    let peak_hours = peak_hours_per_month(hours_per_day);
    let mut levels = vec![Level { hours: HOURS_PER_MONTH - peak_hours, units_per_s: base_per_s }];
    if peak_hours > 0.0 {
        levels.push(Level { hours: peak_hours, units_per_s: peak_per_s });
    }
    levels
}

/// A month of which each of `units_per_s` is an equal part.
#[must_use]
pub fn equal_parts(units_per_s: &[f64]) -> Vec<Level> {
    let hours = HOURS_PER_MONTH / units_per_s.len().max(1) as f64;
    units_per_s.iter().map(|&units_per_s| Level { hours, units_per_s }).collect()
}

/// Mean units per second over the hours given.
#[must_use]
pub fn mean_units_per_s(levels: &[Level]) -> f64 {
    let hours: f64 = levels.iter().map(|level| level.hours).sum();
    if hours > 0.0 { unit_hours(levels) / hours } else { 0.0 }
}

/// The highest level; 0 of none.
#[must_use]
pub fn peak_units_per_s(levels: &[Level]) -> f64 {
    levels.iter().map(|level| level.units_per_s).fold(0.0, f64::max)
}

/// Unit hours of a month.
#[must_use]
pub fn unit_hours(levels: &[Level]) -> f64 {
    levels.iter().map(|level| level.hours * level.units_per_s).sum()
}

/// Monthly USD of these units on demand.
#[must_use]
pub fn on_demand_usd(levels: &[Level], prices: UnitPrices) -> f64 {
    unit_hours(levels) * 3600.0 / 1e6 * prices.request_million
}

/// Monthly USD of these units, provisioned.
#[must_use]
pub fn provisioned_usd(levels: &[Level], prices: UnitPrices) -> f64 {
    unit_hours(levels) * prices.hour
}

/// What a reservation and the units above it cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReservedCost {
    /// Units per second that are reserved: whole lots.
    pub reserved_units: f64,
    /// USD of each month.
    pub monthly_usd: f64,
    /// USD at the beginning of the term.
    pub upfront_usd: f64,
}

impl ReservedCost {
    /// USD of a month with the upfront part spread over the term.
    #[must_use]
    pub fn effective_monthly_usd(&self, term_months: f64) -> f64 {
        self.monthly_usd + self.upfront_usd / term_months
    }
}

/// The cost of provisioning `levels` with so many units reserved, rounded up to whole lots.
#[must_use]
pub fn reserved(
    levels: &[Level],
    reserved_units: f64,
    prices: UnitPrices,
    lot: LotPrices,
) -> ReservedCost {
    let lots = (reserved_units / LOT_UNITS).ceil().max(0.0);
    let reserved_units = lots * LOT_UNITS;
    let above: f64 = levels
        .iter()
        .map(|level| (level.units_per_s - reserved_units).max(0.0) * level.hours)
        .sum();
    ReservedCost {
        reserved_units,
        monthly_usd: lots * lot.hour * HOURS_PER_MONTH + above * prices.hour,
        upfront_usd: lots * lot.upfront,
    }
}

/// The reservation that makes the term cheapest; it may be none.
///
/// One more lot saves `price x hours` for the hours in which it is used, so the cost is convex in the number of lots
/// and falls as long as a lot is used long enough.
#[must_use]
pub fn best_reserved(
    levels: &[Level],
    prices: UnitPrices,
    lot: LotPrices,
    term_months: f64,
) -> ReservedCost {
    let cost = |lots: f64| reserved(levels, lots * LOT_UNITS, prices, lot);
    let effective = |lots: f64| cost(lots).effective_monthly_usd(term_months);
    let (mut low, mut high) = (0.0, (peak_units_per_s(levels) / LOT_UNITS).ceil());
    // The first number of lots after which another one does not pay.
    while low < high {
        let middle = f64::floor((low + high) / 2.0);
        if effective(middle + 1.0) < effective(middle) { low = middle + 1.0 } else { high = middle }
    }
    cost(low)
}

/// How much dearer a unit is on demand than provisioned and used in full.
#[must_use]
pub fn on_demand_over_provisioned(prices: UnitPrices) -> f64 {
    prices.request_million * 3600.0 / 1e6 / prices.hour
}

/// Mean over provisioned units, 0 to 1, at which on demand and provisioned cost the same. Above it provisioned is
/// cheaper.
#[must_use]
pub fn break_even_utilisation(prices: UnitPrices) -> f64 {
    1.0 / on_demand_over_provisioned(prices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::{Prices, Unit};

    /// 2048 GB, items of 1 KB, consistent reads: (unit, base, peak).
    const LOAD: [(Unit, f64, f64); 2] =
        [(Unit::Read, 80_000.0, 160_000.0), (Unit::Write, 20_000.0, 40_000.0)];

    fn total(cost: impl Fn(Unit, f64, f64) -> f64) -> f64 {
        LOAD.iter().map(|(kind, base, peak)| cost(*kind, *base, *peak)).sum()
    }

    #[test]
    fn known_bills_to_the_dollar() {
        let prices = Prices::list();
        let of = |kind| prices.standard.unit(kind);
        let storage = 2048.0 * prices.standard.storage_gb_month;
        let flat = |base| base_and_peak(base, base, 0.0);
        let on_demand = storage + total(|kind, base, _| on_demand_usd(&flat(base), of(kind)));
        assert_eq!(on_demand.round(), 59_642.0);
        let peaks = |base, peak| base_and_peak(base, peak, 3.0);
        let provisioned =
            storage + total(|kind, base, peak| provisioned_usd(&peaks(base, peak), of(kind)));
        assert_eq!(provisioned.round(), 19_730.0);
        let whole = |kind, base, peak| {
            let lot = prices.reserved_1y_per_100.lot(kind);
            reserved(&peaks(base, peak), base, of(kind), lot)
        };
        let monthly = storage + total(|kind, base, peak| whole(kind, base, peak).monthly_usd);
        assert_eq!(monthly.round(), 5_977.0);
        assert_eq!(total(|kind, base, peak| whole(kind, base, peak).upfront_usd), 54_000.0);
    }

    #[test]
    fn known_ratios() {
        for kind in [Unit::Read, Unit::Write] {
            let prices = Prices::list().standard.unit(kind);
            assert_eq!((on_demand_over_provisioned(prices) * 100.0).round(), 346.0);
            assert_eq!((break_even_utilisation(prices) * 1000.0).round(), 289.0);
        }
    }

    #[test]
    fn hours_of_a_peak_are_rounded_to_a_tenth() {
        for (per_day, per_month) in [(0.0, 0.0), (1.0, 30.4), (3.0, 91.3), (24.0, 730.0)] {
            assert_eq!(peak_hours_per_month(per_day), per_month);
        }
    }

    #[test]
    fn the_best_reservation_is_the_best_of_all() {
        let prices = Prices::list();
        let lot = prices.reserved_1y_per_100.lot(Unit::Write);
        let of = prices.standard.unit(Unit::Write);
        let days: Vec<f64> = (0..48).map(|n| 900.0 + 37.0 * f64::from((n * 7) % 48)).collect();
        for units in [vec![0.0], vec![99.0], vec![5_000.0, 0.0, 0.0, 0.0], days] {
            let levels = equal_parts(&units);
            let best = best_reserved(&levels, of, lot, 12.0);
            let least = (0..60)
                .map(|lots| reserved(&levels, f64::from(lots) * 100.0, of, lot))
                .map(|cost| cost.effective_monthly_usd(12.0))
                .fold(f64::INFINITY, f64::min);
            assert!((best.effective_monthly_usd(12.0) - least).abs() < 1e-9, "{best:?} {least}");
        }
    }

    #[test]
    fn a_reservation_is_of_whole_lots() {
        let prices = Prices::list();
        let lot = prices.reserved_1y_per_100.lot(Unit::Read);
        let cost = |units| {
            let levels = base_and_peak(units, units, 0.0);
            reserved(&levels, units, prices.standard.unit(Unit::Read), lot)
        };
        assert_eq!([cost(100.0), cost(101.0)].map(|of| of.reserved_units), [100.0, 200.0]);
        assert_eq!(cost(101.0).upfront_usd, 60.0);
    }
}
