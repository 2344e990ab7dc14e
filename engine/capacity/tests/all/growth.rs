//! A table on demand, whatever is asked of it: what it serves never falls, and at most doubles in half an hour.

use flywheel_capacity::on_demand::Growth;
use flywheel_capacity::operation::Operation;
use flywheel_capacity::tokens::Rate;
use proptest::collection::vec;
use proptest::prelude::*;

const MINUTE_MS: u64 = 60_000;

proptest! {
    #[test]
    fn it_at_most_doubles_in_half_an_hour_and_never_falls(
        start_ms in 0..10 * MINUTE_MS,
        steps in vec((0..20 * MINUTE_MS, 0..=100u64), 1..60),
    ) {
        let mut now_ms = start_ms;
        let mut growth = Growth::new(Operation::Write);
        let mut seen: Vec<(u64, Rate)> = Vec::new();
        let mut noted_minute = None;
        for (step_ms, percent) in steps {
            now_ms += step_ms;
            let serves = growth.serves(now_ms);
            if let Some((_, before)) = seen.last() {
                prop_assert!(serves >= *before);
            }
            for (then_ms, before) in &seen {
                if now_ms - then_ms < 30 * MINUTE_MS {
                    prop_assert!(serves <= before.plus(*before), "{before:?} became {serves:?}");
                }
            }
            seen.push((now_ms, serves));
            // A minute's units at once, never more than it serves, and once a minute.
            if noted_minute.replace(now_ms / MINUTE_MS) != Some(now_ms / MINUTE_MS) {
                growth.note(now_ms, serves.part(percent, 100).within_us(60_000_000));
            }
        }
    }

    #[test]
    fn steady_growth_of_less_than_twice_in_half_an_hour_is_served(percent in 1..90u64) {
        let mut growth = Growth::new(Operation::Read);
        let mut demand = Rate::per_s(1000);
        for minute in 0..600 {
            let now_ms = minute * MINUTE_MS;
            prop_assert!(demand <= growth.serves(now_ms), "{demand:?} in minute {minute}");
            growth.note(now_ms, demand.within_us(60_000_000));
            if minute % 30 == 29 && demand < Rate::per_s(100_000_000) {
                demand = demand.plus(demand.part(percent, 100));
            }
        }
    }
}
