//! Tests of the tables, as clients see them: JSON in and JSON out, on simulated shards. Map:
//! - `items`: the operations on single items; `conditions`: what they may hang on;
//! - `reads`: queries and scans; `sparse`: scans of what stands far apart; `batches`;
//! - `definitions`: tables that are made, changed and taken away; `indexes`; `ending`: items that end;
//!   `extents`: how much is said to be there;
//! - `transactions`: all or nothing, over crashes;
//! - `throughput`: who is let in by a table's capacity, and what is told of who is not;
//! - `adaptation`: what a partition serves, and what becomes of one that is asked for more;
//! - `storage`: what is asked of the shards;
//! - `durability`: what is there after the power went.

mod adaptation;
mod batches;
mod conditions;
mod definitions;
mod durability;
mod ending;
mod extents;
mod indexes;
mod items;
mod reads;
mod sparse;
mod storage;
mod support;
mod throughput;
mod transactions;
