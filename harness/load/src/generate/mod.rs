//! YCSB's number generators, bit for bit where known answers exist.
//! They know neither workloads nor records: numbers in, numbers out.

mod counter;
mod discrete;
mod exponential;
mod hash;
mod histogram;
mod hotspot;
mod latest;
mod length;
mod shifting;
mod uniform;
mod zipfian;

pub use counter::{AcknowledgedCounter, Counter, Sequential, WindowFull};
pub use discrete::Discrete;
pub use exponential::Exponential;
pub use hash::fnvhash64;
pub use histogram::{HistogramLengths, HistogramParseError};
pub use hotspot::Hotspot;
pub use latest::SkewedLatest;
pub use length::Lengths;
pub use shifting::Shifting;
pub use uniform::Uniform;
pub use zipfian::{ScrambledZipfian, ZIPFIAN_THETA, Zipfian, zeta};
