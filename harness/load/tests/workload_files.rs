//! The files in `/workloads` against the table of YCSB's workloads.
//! What a property means is tested in `properties`.

use std::path::Path;

use flywheel_load::workload::RequestDistribution;
use flywheel_load::{Operation, Properties, Workload};

/// File, shares of READ, UPDATE, INSERT, SCAN, READMODIFYWRITE, and the distribution.
const FILES: &[(&str, [f64; 5], RequestDistribution)] = &[
    ("a", [0.5, 0.5, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    ("b", [0.95, 0.05, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    ("c", [1.0, 0.0, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    ("d", [0.95, 0.0, 0.05, 0.0, 0.0], RequestDistribution::Latest),
    ("e", [0.0, 0.0, 0.05, 0.95, 0.0], RequestDistribution::Zipfian),
    ("f", [0.5, 0.0, 0.0, 0.0, 0.5], RequestDistribution::Zipfian),
    ("a-uniform", [0.5, 0.5, 0.0, 0.0, 0.0], RequestDistribution::Uniform),
    ("c-uniform", [1.0, 0.0, 0.0, 0.0, 0.0], RequestDistribution::Uniform),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads")
}

#[test]
fn each_file_is_the_workload_it_is_named_for() {
    for (name, shares, distribution) in FILES {
        let mut properties = Properties::new();
        let path = folder().join(format!("{name}.properties"));
        properties.load_file(&path).unwrap_or_else(|error| panic!("{error}"));
        let resolved = Workload::resolve(&properties).unwrap_or_else(|error| panic!("{error}"));
        assert!(resolved.warnings.is_empty(), "{name}: {:?}", resolved.warnings);
        let workload = resolved.workload;
        for (operation, share) in Operation::ALL.into_iter().zip(shares) {
            let found = workload.share(operation);
            assert!((found - share).abs() < 1e-12, "{name}: {operation} is {found}, not {share}");
        }
        assert_eq!(workload.request_distribution, *distribution, "{name}");
        assert_eq!(
            (workload.record_count, workload.operation_count),
            (1_000_000, Some(1_000_000)),
            "{name}"
        );
    }
}

#[test]
fn no_other_file_lies_there_untested() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder of workloads")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".properties").map(str::to_owned))
        .collect();
    let mut tested: Vec<String> = FILES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    found.sort();
    tested.sort();
    assert_eq!(found, tested);
}
