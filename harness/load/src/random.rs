//! The seeded random source (SplitMix64) and the streams drawn from it.
//! Not cryptographic, and no distribution lives here: those are in `generate`.

/// The odd constant that SplitMix64 steps by: 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finaliser (Stafford's variant 13), as in Java's `SplittableRandom`.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A SplitMix64 generator: 8 bytes of state, period 2^64.
///
/// `Random::new(42)` yields the same numbers as Java's `new SplittableRandom(42)`.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A double in `[0, 1)`: the upper 53 bits times 2^-53.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0.
    ///
    /// Lemire's multiplication without the rejection step: the bias is below `bound / 2^64`.
    #[inline]
    pub fn next_below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// One stream of a seed: what a client draws at a cycle depends on `(seed, stream, cycle)` alone, never
/// on what other clients did or on how often a key was redrawn before.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    base: u64,
}

impl Stream {
    /// The stream that the load phase draws its records from, by key number.
    pub const LOAD: u64 = u64::MAX;

    /// The stream that an open loop draws its arrivals from, by worker.
    pub const ARRIVALS: u64 = u64::MAX - 1;

    /// Stream number `stream` of `seed`.
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self { base: mix(mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA)) }
    }

    /// The generator for one cycle of this stream.
    #[inline]
    pub fn at(self, cycle: u64) -> Random {
        Random::new(mix(self.base.wrapping_add(mix(cycle.wrapping_add(GAMMA)))))
    }
}
