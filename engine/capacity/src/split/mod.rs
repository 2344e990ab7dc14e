//! Whether a partition should be cut, and where. Not the cutting: whoever has the partition does that.
//!
//! | Room | What it is |
//! |---|---|
//! | `heat` | whether it has been asked too much for long enough |
//! | `sample` | keys of its recent requests, what they weighed, and where their median is |
//! | `decide` | the verdict, with its vetoes |
//!
//! A partition is cut at its middle once it is too large, and at the median of its traffic once it is too hot; but
//! never for a single hot key, which no cut divides, nor for a front that moves through the keys, which would soon
//! be on one side again. Where one item collection carries most of the traffic, its neighbours are cut off.
//!
//! Source: ATC'22, section 4.3, "Splitting for consumption"; developer guide, "DynamoDB burst and adaptive
//! capacity", "Isolate frequently accessed items". The exact thresholds are ours.

mod decide;
mod heat;
mod sample;

pub use decide::{Decision, Veto, decide};
pub use heat::{Heat, Load, Rates};
pub use sample::{Cut, Median, Sample};

/// When a partition is cut. DynamoDB's thresholds by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitRules {
    /// Cut at the middle key once it takes so many bytes.
    pub size_bytes: u64,
    /// Too hot above so many requests a second, or shares of reads and writes that add up to more than one...
    pub requests: Rates,
    /// ...or above so many units, likewise...
    pub units: Rates,
    /// ...in each of so many looks in a row.
    pub hot_looks: u32,
    /// No cut at the median that leaves more than this share of the traffic to one side. 0.5 to 1.
    pub most_lopsided: f64,
    /// An item collection that carries more than this share of the traffic is one that should stand alone, if the
    /// median divides nothing. 0 to 1.
    pub isolated_share: f64,
}

impl Default for SplitRules {
    fn default() -> Self {
        let partition = Rates { reads_per_s: 3000.0, writes_per_s: 1000.0 };
        Self {
            size_bytes: 10 << 30,
            requests: partition,
            units: partition,
            hot_looks: 30,
            most_lopsided: 0.8,
            isolated_share: 0.5,
        }
    }
}

impl SplitRules {
    /// Whether a partition of so many bytes is to be cut whatever its traffic.
    #[must_use]
    pub fn is_too_large(&self, size_bytes: u64) -> bool {
        size_bytes >= self.size_bytes
    }
}
