//! DynamoDB's capacity: what a request takes in units, and the two sizes that units are counted in; what units cost,
//! and how auto scaling provides them. Pure: no clock, no threads, no tables; where time matters it is an argument.

pub mod units;

pub mod cost;
pub mod prices;
pub mod scaling;
