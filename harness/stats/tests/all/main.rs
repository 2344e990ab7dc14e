//! The statistics from outside, one part each. Every draw but proptest's is seeded, and nothing looks at a clock.
//!
//! | Part | Asks |
//! |---|---|
//! | intervals | do intervals hold the truth as often as they say, and what of degenerate samples? |
//! | pairs | which pairs earn which verdict, and how often does the gate err or miss? |
//! | runs | the same of two runs, whose seconds depend on each other; Welch's test against R |
//! | change | are the literature's change points found, and none in noise? |
//! | steady | which runs have come to rest? |
//! | knees | are the literature's and queueing theory's knees found? |
//! | fit | chi-square against known answers |
//! | mirrored | what must not depend on order, unit or sign |
//! | support | seeded normal draws |

mod change;
mod fit;
mod intervals;
mod knees;
mod mirrored;
mod pairs;
mod runs;
mod steady;
mod support;
