//! What a workload can be run against.
