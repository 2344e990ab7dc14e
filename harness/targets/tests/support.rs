//! Workload files, made small enough for tests.
//! No tests here.

use std::path::Path;

use flywheel_load::{Properties, Workload};

/// All whose records YCSB would have written, but for the largest.
pub const FILES: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "a-uniform",
    "c-uniform",
    "session-store",
    "time-series",
    "hot-partition",
    "shifting-hot-spot",
    "scan-heavy",
    "bursty",
    "day-sine",
];

/// The workload file `name` with 500 records and 2,000 operations of five clients.
pub fn workload(name: &str, more: &[(&str, &str)]) -> Workload {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads");
    let mut properties = Properties::new();
    properties.load_file(&folder.join(format!("{name}.properties"))).expect("the file is there");
    for (name, value) in [("recordcount", "500"), ("operationcount", "2000"), ("threadcount", "5")]
    {
        properties.set_override(name, value, "test");
    }
    for (name, value) in more {
        properties.set_override(name, value, "test");
    }
    Workload::resolve(&properties).expect("the file is valid").workload
}
