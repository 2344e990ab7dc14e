//! The statistics from outside, one part each. Every draw is seeded; nothing here looks at a clock.

