//! Which existing key the next operation goes to.
//! Knows key numbers only; names are in `keys`.

use std::sync::Arc;

use super::{RequestDistribution, Workload};
use crate::generate::{
    Exponential, Hotspot, ScrambledZipfian, Sequential, Shifting, SkewedLatest, Uniform,
};
use crate::limits::REDRAWS_MAX;
use crate::random::Random;

#[derive(Debug, Clone)]
enum Draw {
    Uniform(Uniform),
    Zipfian(ScrambledZipfian),
    Latest(SkewedLatest),
    Hotspot(Hotspot),
    Shifting(Shifting),
    Sequential(Arc<Sequential>),
    Exponential(Exponential),
}

/// Draws keys that exist. Make one per run and clone it per worker: clones share one sequential walk.
#[derive(Debug, Clone)]
pub struct KeyChooser {
    draw: Draw,
    min: u64,
}

impl KeyChooser {
    /// For `workload`. Slow for `latest` over many records: one `pow` a record.
    pub fn new(workload: &Workload) -> Self {
        let min = workload.insert_start;
        let end = min + workload.insert_count;
        let draw = match workload.request_distribution {
            RequestDistribution::Uniform => Draw::Uniform(Uniform::new(min, end - 1)),
            // YCSB's range is inclusive: 1,001 values for 1,000 records; the extra one is redrawn.
            RequestDistribution::Zipfian => {
                Draw::Zipfian(ScrambledZipfian::new(min, end + workload.expected_inserts()))
            }
            RequestDistribution::Latest => {
                Draw::Latest(SkewedLatest::new(workload.record_count - 1))
            }
            RequestDistribution::Hotspot { data_fraction, operation_fraction } => {
                Draw::Hotspot(Hotspot::new(min, end - 1, data_fraction, operation_fraction))
            }
            RequestDistribution::Shifting { data_fraction, operation_fraction, shift } => {
                let shift_ns = shift.as_nanos() as u64;
                let (last, data, operations) = (end - 1, data_fraction, operation_fraction);
                Draw::Shifting(Shifting::new(min, last, data, operations, shift_ns))
            }
            RequestDistribution::Sequential => {
                Draw::Sequential(Arc::new(Sequential::new(min, end - 1)))
            }
            RequestDistribution::Exponential { percentile, fraction } => {
                let range = workload.record_count as f64 * fraction;
                Draw::Exponential(Exponential::new(percentile, range))
            }
        };
        Self { draw, min }
    }

    /// The next key number, at most `last`: the last one acknowledged. `at_ns` is the operation's time from the
    /// common start, which only a hot set that moves asks for.
    ///
    /// A number past `last` is drawn again, as in YCSB. After 4,096 draws in vain (a key space made for
    /// vastly more inserts than have happened) it is folded into the keys that exist.
    #[inline]
    pub fn next(&mut self, last: u64, at_ns: u64, random: &mut Random) -> u64 {
        let mut number = 0;
        for _ in 0..REDRAWS_MAX {
            number = match &mut self.draw {
                Draw::Uniform(uniform) => uniform.next(random),
                Draw::Zipfian(zipfian) => zipfian.next(random),
                Draw::Latest(latest) => latest.next(last, random),
                Draw::Hotspot(hotspot) => hotspot.next(random),
                Draw::Shifting(shifting) => shifting.next(at_ns, random),
                Draw::Sequential(sequential) => sequential.next(),
                // A distance past the first key wraps below zero, and so past `last`: it is redrawn.
                Draw::Exponential(ages) => last.checked_sub(ages.next(random)).unwrap_or(u64::MAX),
            };
            if number <= last {
                return number;
            }
        }
        let min = self.min.min(last);
        min + number % (last - min + 1)
    }
}
