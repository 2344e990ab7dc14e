//! The files in `/workloads` against the table of YCSB's workloads.
//! What a property means is tested in `properties`.

use std::path::Path;
use std::time::Duration;

use flywheel_load::workload::RequestDistribution;
use flywheel_load::{Arrivals, Operation, Properties, Workload, WorkloadClass};

/// What a file says, as the test sees it.
struct File {
    name: &'static str,
    /// Of READ, UPDATE, INSERT, SCAN, READMODIFYWRITE.
    shares: [f64; 5],
    distribution: RequestDistribution,
    record_count: u64,
    operation_count: Option<u64>,
}

const fn sized(
    name: &'static str,
    shares: [f64; 5],
    distribution: RequestDistribution,
    record_count: u64,
    operation_count: Option<u64>,
) -> File {
    File { name, shares, distribution, record_count, operation_count }
}

const fn million(name: &'static str, shares: [f64; 5], of: RequestDistribution) -> File {
    sized(name, shares, of, 1_000_000, Some(1_000_000))
}

const WINDOW: RequestDistribution =
    RequestDistribution::Exponential { percentile: 95.0, fraction: 0.1 };
const NEIGHBOURS: RequestDistribution =
    RequestDistribution::Hotspot { data_fraction: 0.01, operation_fraction: 0.9 };
const MOVING: RequestDistribution = RequestDistribution::Shifting {
    data_fraction: 0.01,
    operation_fraction: 0.9,
    shift: Duration::from_secs(10),
};

const FILES: &[File] = &[
    million("a", [0.5, 0.5, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    million("b", [0.95, 0.05, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    million("c", [1.0, 0.0, 0.0, 0.0, 0.0], RequestDistribution::Zipfian),
    million("d", [0.95, 0.0, 0.05, 0.0, 0.0], RequestDistribution::Latest),
    million("e", [0.0, 0.0, 0.05, 0.95, 0.0], RequestDistribution::Zipfian),
    million("f", [0.5, 0.0, 0.0, 0.0, 0.5], RequestDistribution::Zipfian),
    million("a-uniform", [0.5, 0.5, 0.0, 0.0, 0.0], RequestDistribution::Uniform),
    million("c-uniform", [1.0, 0.0, 0.0, 0.0, 0.0], RequestDistribution::Uniform),
    million("session-store", [0.6, 0.3, 0.1, 0.0, 0.0], WINDOW),
    million("time-series", [0.1, 0.0, 0.8, 0.1, 0.0], RequestDistribution::Latest),
    million("hot-partition", [0.5, 0.5, 0.0, 0.0, 0.0], NEIGHBOURS),
    million("shifting-hot-spot", [0.5, 0.5, 0.0, 0.0, 0.0], MOVING),
    sized(
        "large-items",
        [0.7, 0.3, 0.0, 0.0, 0.0],
        RequestDistribution::Zipfian,
        10_000,
        Some(100_000),
    ),
    sized(
        "scan-heavy",
        [0.0, 0.1, 0.0, 0.9, 0.0],
        RequestDistribution::Uniform,
        1_000_000,
        Some(20_000),
    ),
    sized(
        "conditional-counters",
        [0.1, 0.0, 0.0, 0.0, 0.9],
        RequestDistribution::Latest,
        1_000,
        Some(1_000_000),
    ),
    sized(
        "read-your-writes",
        [0.5, 0.5, 0.0, 0.0, 0.0],
        RequestDistribution::Zipfian,
        100_000,
        Some(1_000_000),
    ),
    sized(
        "transfer",
        [0.2, 0.0, 0.0, 0.0, 0.8],
        RequestDistribution::Zipfian,
        10_000,
        Some(1_000_000),
    ),
    sized("bursty", [0.5, 0.5, 0.0, 0.0, 0.0], RequestDistribution::Zipfian, 1_000_000, None),
    sized("day-sine", [0.95, 0.05, 0.0, 0.0, 0.0], RequestDistribution::Zipfian, 1_000_000, None),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads")
}

fn resolve(name: &str) -> Workload {
    let mut properties = Properties::new();
    let path = folder().join(format!("{name}.properties"));
    properties.load_file(&path).unwrap_or_else(|error| panic!("{error}"));
    let resolved = Workload::resolve(&properties).unwrap_or_else(|error| panic!("{error}"));
    assert!(resolved.warnings.is_empty(), "{name}: {:?}", resolved.warnings);
    resolved.workload
}

#[test]
fn each_file_is_the_workload_it_is_named_for() {
    for File { name, shares, distribution, record_count, operation_count } in FILES {
        let workload = resolve(name);
        for (operation, share) in Operation::ALL.into_iter().zip(shares) {
            let found = workload.share(operation);
            assert!((found - share).abs() < 1e-12, "{name}: {operation} is {found}, not {share}");
        }
        assert_eq!(workload.request_distribution, *distribution, "{name}");
        let counts = (workload.record_count, workload.operation_count);
        assert_eq!(counts, (*record_count, *operation_count), "{name}");
    }
}

#[test]
fn files_say_in_their_first_line_what_they_are_and_have_an_end() {
    for File { name, .. } in FILES {
        let path = folder().join(format!("{name}.properties"));
        let text = std::fs::read_to_string(path).expect("the file is there");
        assert!(text.starts_with("# ") && text.lines().nth(1).is_some_and(|l| l.starts_with('#')));
        let workload = resolve(name);
        assert!(
            workload.operation_count.is_some() || workload.max_execution_time.is_some(),
            "{name} runs for ever"
        );
    }
}

#[test]
fn files_that_check_themselves_are_of_their_class() {
    for File { name, .. } in FILES {
        let class = match *name {
            "conditional-counters" => WorkloadClass::Counters,
            "read-your-writes" => WorkloadClass::ReadYourWrites,
            "transfer" => WorkloadClass::ClosedEconomy,
            _ => WorkloadClass::Core,
        };
        assert_eq!(resolve(name).class, class, "{name}");
    }
}

#[test]
fn files_whose_arrivals_wait_for_nobody_have_their_rate_and_shape() {
    for (name, shape) in [("bursty", "burst"), ("day-sine", "sine")] {
        let workload = resolve(name);
        assert_eq!(workload.arrivals.spacing, Some(Arrivals::Poisson), "{name}");
        assert_eq!(workload.arrivals.shape.name(), shape);
        let rate = workload.target_ops_per_s.expect("a rate");
        let seconds = workload.max_execution_time.expect("a length").as_secs();
        let steps = workload.arrivals.shape.steps(rate, seconds);
        let mean: f64 = steps.iter().map(|step| step.rate_per_s * step.seconds as f64).sum();
        // Whole periods, so that the mean is what is offered.
        assert!((mean / seconds as f64 - rate).abs() < 1e-6 * rate, "{name}: {mean}");
    }
}

#[test]
fn no_other_file_lies_there_untested() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder of workloads")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".properties").map(str::to_owned))
        .collect();
    let mut tested: Vec<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
    found.sort();
    tested.sort();
    assert_eq!(found, tested);
}
