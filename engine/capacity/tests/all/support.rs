//! A clock that misbehaves, amounts that do, and the check of what was admitted in every window.

use flywheel_capacity::tokens::{Rate, Tokens};
use proptest::prelude::*;

pub const S: u64 = 1_000_000_000;

/// One step of a clock, in nanoseconds: mostly forward by little, sometimes by far, sometimes back.
pub fn step_ns() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..50_000_000i64,
        2 => 0..3 * S as i64,
        1 => Just(400 * S as i64),
        1 => -5 * S as i64..0,
    ]
}

/// Units, in billionths: whole ones, halves, and anything.
pub fn amount() -> impl Strategy<Value = Tokens> {
    prop_oneof![
        3 => (0..20u64).prop_map(Tokens::units),
        1 => Just(Tokens::nanos(500_000_000)),
        1 => (0..400u64).prop_map(Tokens::units),
        1 => (0..30_000_000_000i64).prop_map(Tokens::nanos),
    ]
}

pub fn moved(now_ns: u64, step_ns: i64) -> u64 {
    now_ns.saturating_add_signed(step_ns)
}

/// What was admitted when, by a clock that never goes back.
#[derive(Debug, Default)]
pub struct Admitted {
    events: Vec<(u64, Tokens)>,
    now_ns: u64,
}

impl Admitted {
    /// A request was answered; nothing is admitted of one that was refused, but the clock was seen.
    pub fn note(&mut self, now_ns: u64, amount: Tokens, is_admitted: bool) {
        self.now_ns = self.now_ns.max(now_ns);
        if is_admitted {
            self.events.push((self.now_ns, amount));
        }
    }

    pub fn all(&self) -> Tokens {
        self.events.iter().map(|(_, amount)| *amount).sum()
    }

    /// In no window was more admitted than `rate` brings in it, and `burst`.
    pub fn check_windows(&self, rate: Rate, burst: Tokens) {
        for (first, (start_ns, _)) in self.events.iter().enumerate() {
            let mut sum = Tokens::ZERO;
            for (end_ns, amount) in &self.events[first..] {
                sum += *amount;
                // The window's microseconds, both broken ones counted whole.
                let bound = rate.within_us((end_ns - start_ns).div_ceil(1000)) + burst;
                assert!(
                    sum <= bound,
                    "{sum:?} from {start_ns} to {end_ns}, where {bound:?} are the most"
                );
            }
        }
    }
}
