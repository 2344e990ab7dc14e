//! DynamoDB's capacity: what a request takes in units, who is let in by a table's capacity and a partition's, when
//! partitions are cut, which keys are hot, what units cost, and how auto scaling provides them. Pure: no clock, no
//! threads, no tables; where time matters it is an argument, and the same calls give the same answers. So the planner
//! predicts throttling with the code that throttles.
//!
//! | Room | What it is |
//! |---|---|
//! | [`tokens`] | units and rates as exact integers |
//! | [`units`] | what each operation takes, by its sizes |
//! | [`operation`] | reads and writes, which are counted apart |
//! | [`bucket`] | a token bucket: reserve before the work, settle after it |
//! | [`burst`] | one with what was left unused over 300 s behind it |
//! | [`admission`] | a table's capacity: one bucket, a lease of it on each core; the older rules; the reasons of a refusal |
//! | [`partition`] | a partition's own ceiling, and its share where capacity is divided |
//! | [`on_demand`] | how a table on demand grows, and how often it may become one |
//! | [`account`] | an account's quotas |
//! | [`split`] | when a partition is cut, and where; and when never |
//! | [`balance`] | which partition moves off the busiest core |
//! | [`hot_keys`] | the hottest keys, in bounded memory |
//! | [`scaling`] | auto scaling: alarms, the bound on decreases, and what they come to minute by minute |
//! | [`prices`] | what units, gigabytes and reservations cost: a dated file, and what overrides it |
//! | [`cost`] | from units over a month to a bill |
//! | [`limits`] | every bound |
//!
//! A request on its way: its core's lease of the table ([`admission::Local`]), then its partition's buckets
//! ([`partition::Partition`]); what the second refuses is settled as nothing with the first. Then the work, and both
//! are settled with what it took. What is reserved should be what is surely needed, if that is little: a large amount
//! waits until it is there while small ones pass by, and what it takes beyond is owed by all.

pub mod account;
pub mod admission;
pub mod balance;
pub mod bucket;
pub mod burst;
pub mod cost;
pub mod hot_keys;
pub mod limits;
pub mod on_demand;
pub mod operation;
pub mod partition;
pub mod prices;
pub mod scaling;
pub mod split;
pub mod tokens;
pub mod units;
