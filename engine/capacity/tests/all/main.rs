//! What holds of the crate whatever is done with it: properties, and rules at their edges that need several rooms.
//!
//! | Room | Asks |
//! |---|---|
//! | `support` | nothing: steps of a clock, and the check of every window, that the others share |
//! | `buckets` | does a bucket, with a burst or without, or a partition, ever mint units |
//! | `admission` | do cores that share a table's capacity ever take more than there is, or leave any lying about |
//! | `rules` | what the older rules do to a hot partition, and the present one does not |
//! | `splits` | does cutting a partition keep units and items, and end |
//! | `growth` | does what a table on demand serves at most double in half an hour, and never fall |
//! | `scaling` | do days of auto scaling come out as worked by hand |
//! | `hot_keys` | the three promises of space-saving, of one summary and of merged ones |

mod admission;
mod buckets;
mod growth;
mod hot_keys;
mod rules;
mod scaling;
mod splits;
mod support;
