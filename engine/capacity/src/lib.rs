//! DynamoDB's capacity: what a request takes in units, and the two sizes that units are counted in. Pure: no
//! clock, no threads, no tables; where time matters it is an argument.

pub mod units;
