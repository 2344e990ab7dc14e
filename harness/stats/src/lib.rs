//! The statistics that the benchmark harness decides with: is B slower than A, is a run steady, when did
//! a series change, where is the knee, does a generator draw what it promises. Pure: no I/O, no clock, no
//! randomness but from the caller's seed, and no knowledge of what was measured.
//!
//! | Room | Question |
//! |---|---|
//! | `bootstrap` | within which bounds does a mean, or any statistic, of few samples lie? |
//! | `pairs` | what changed between two builds that were measured in pairs, and are more pairs needed? |
//! | `unpaired` | what changed between two runs that were measured second by second? |
//! | `change` | when did a series of results change? |
//! | `steady` | does a run still drift? |
//! | `knee` | up to which rate does latency stay sensible? |
//! | `chi_square` | do counts fit probabilities? |
//!
//! ```
//! use flywheel_stats::{Bootstrap, Direction, PairVerdict, compare_pairs};
//!
//! let ops_per_s = [(100.0, 90.1), (101.0, 91.0), (99.5, 89.2), (100.7, 90.0), (98.9, 89.5), (100.2, 90.6)];
//! let found = compare_pairs(&ops_per_s, Direction::HigherIsBetter, 0.03, &Bootstrap::new(1))?;
//! assert_eq!(found.verdict, PairVerdict::Regressed);
//! # Ok::<(), flywheel_stats::StatsError>(())
//! ```

mod bootstrap;
mod change;
mod chi_square;
mod error;
mod knee;
mod moments;
mod pairs;
mod random;
mod steady;
mod unpaired;
mod verdict;

pub use bootstrap::{Bootstrap, DEFAULT_LEVEL, DEFAULT_RESAMPLES, GATE_LEVEL, Interval};
pub use change::{ChangeOptions, ChangePoint, change_points};
pub use chi_square::{Fit, LEAST_EXPECTED, goodness_of_fit};
pub use error::StatsError;
pub use knee::{DEFAULT_SENSITIVITY, Knee, LEAST_POINTS, Point, knee};
pub use pairs::{
    Comparison, FIRST_PAIRS, MIN_PAIRS, MORE_PAIRS, MOST_PAIRS, compare_pairs, missing_pairs,
};
pub use random::SplitMix64;
pub use steady::{Drift, DriftBounds, Second, Steadiness, SteadyOptions, steadiness};
pub use unpaired::{Centre, MIN_BLOCKS, RunComparison, WelchTest, compare_runs, welch};
pub use verdict::{Direction, PairVerdict};
