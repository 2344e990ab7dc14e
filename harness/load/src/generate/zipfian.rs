//! Zipf-distributed ranks, plain and scattered over a key range.
//! Neither knows which keys exist yet: redrawing is the key chooser's work.

use super::fnvhash64;
use crate::random::Random;

/// YCSB's `ZIPFIAN_CONSTANT`: the exponent of the power law.
pub const ZIPFIAN_THETA: f64 = 0.99;

/// `initial` + the terms `1 / i^theta` for `i` in `from+1..=to`, summed in that order.
///
/// Costs one `pow` a term: about 2 s for 10^8 terms.
pub fn zeta(from: u64, to: u64, theta: f64, initial: f64) -> f64 {
    (from..to).fold(initial, |sum, i| sum + 1.0 / ((i + 1) as f64).powf(theta))
}

/// Ranks `min..=max` where rank `min` is drawn most often, `min + 1` next, and so on.
///
/// Gray et al., "Quickly Generating Billion-Record Synthetic Databases", SIGMOD 1994, as in YCSB's
/// `ZipfianGenerator`. The approximation may return `max + 1` as the uniform draw nears 1.
#[derive(Debug, Clone)]
pub struct Zipfian {
    min: u64,
    items: u64,
    theta: f64,
    alpha: f64,
    zeta_2: f64,
    zeta_n: f64,
    eta: f64,
    second: f64,
    counted: u64,
}

impl Zipfian {
    /// Over `min..=max` with `ZIPFIAN_THETA`. Sums `max - min + 1` terms: see [`zeta`] for the cost.
    pub fn new(min: u64, max: u64) -> Self {
        let items = max.max(min) - min + 1;
        Self::with_zeta(min, items, ZIPFIAN_THETA, zeta(0, items, ZIPFIAN_THETA, 0.0))
    }

    /// Over `items` ranks from `min`, with `zeta_n` given: the sum over `items` terms.
    pub fn with_zeta(min: u64, items: u64, theta: f64, zeta_n: f64) -> Self {
        let mut zipfian = Self {
            min,
            items: items.max(1),
            theta,
            alpha: 1.0 / (1.0 - theta),
            zeta_2: zeta(0, 2, theta, 0.0),
            zeta_n,
            eta: 0.0,
            second: 1.0 + 0.5f64.powf(theta),
            counted: items.max(1),
        };
        zipfian.eta = zipfian.eta_of(zeta_n);
        zipfian
    }

    /// YCSB keeps the number of items it was made with here even after growing; so do we, to agree.
    fn eta_of(&self, zeta_n: f64) -> f64 {
        (1.0 - (2.0 / self.items as f64).powf(1.0 - self.theta)) / (1.0 - self.zeta_2 / zeta_n)
    }

    /// The rank that the uniform draw `u`, in `[0, 1)`, stands for.
    #[inline]
    pub fn rank(&self, u: f64) -> u64 {
        self.rank_among(u, self.items)
    }

    #[inline]
    fn rank_among(&self, u: f64, items: u64) -> u64 {
        let scaled = u * self.zeta_n;
        if scaled < 1.0 {
            return self.min;
        }
        if scaled < self.second {
            return self.min + 1;
        }
        let fraction = (self.eta * u - self.eta + 1.0).powf(self.alpha);
        self.min + (items as f64 * fraction) as u64
    }

    /// The next rank.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        self.rank(random.next_f64())
    }

    /// The next rank among `items` ranks, extending the sum when `items` has grown.
    ///
    /// A smaller number than before keeps the larger sum, as in YCSB (`allowitemcountdecrease=false`).
    #[inline]
    pub fn next_among(&mut self, items: u64, random: &mut Random) -> u64 {
        if items > self.counted {
            self.zeta_n = zeta(self.counted, items, self.theta, self.zeta_n);
            self.counted = items;
            self.eta = self.eta_of(self.zeta_n);
        }
        self.rank_among(random.next_f64(), items)
    }

    /// `(alpha, zeta_2, zeta_n, eta)`: the constants that known answers give bit for bit.
    pub fn constants(&self) -> (f64, f64, f64, f64) {
        (self.alpha, self.zeta_2, self.zeta_n, self.eta)
    }
}

/// Zipfian popularity scattered by hash over `min..=max`, so that hot keys are not neighbours.
///
/// The popularity is that of 10^10 + 1 items whatever the range is (YCSB's `ScrambledZipfianGenerator`,
/// with its hard-coded sum), so the hottest key takes 3.8 % of draws at any size.
#[derive(Debug, Clone)]
pub struct ScrambledZipfian {
    ranks: Zipfian,
    min: u64,
    count: u64,
}

impl ScrambledZipfian {
    /// Ranks that popularity is spread over: YCSB draws from 0 to 10^10 inclusive.
    pub const ITEMS: u64 = 10_000_000_001;

    /// YCSB's constant, which is *not* the sum over [`Self::ITEMS`] terms; never recompute it.
    pub const ZETA_N: f64 = 26.469_028_201_783_02;

    /// Scattered over `min..=max`. Costs nothing to make.
    pub fn new(min: u64, max: u64) -> Self {
        Self {
            ranks: Zipfian::with_zeta(0, Self::ITEMS, ZIPFIAN_THETA, Self::ZETA_N),
            min,
            count: max.max(min) - min + 1,
        }
    }

    /// The ranks before they are scattered.
    pub fn ranks(&self) -> &Zipfian {
        &self.ranks
    }

    /// Where `rank` lands in the range.
    #[inline]
    pub fn scatter(&self, rank: u64) -> u64 {
        // The one negative hash there is (i64::MIN) would leave the range; its remainder is made positive.
        self.min + (fnvhash64(rank as i64) % self.count as i64).unsigned_abs()
    }

    /// The next number.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        self.scatter(self.ranks.next(random))
    }
}
