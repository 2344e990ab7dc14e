//! Every workload file against the null target, with and without verification.
//! The floor it measures is printed by `examples/null_floor.rs`.

use flywheel_load::{Control, RunOptions, load, run};
use flywheel_targets::NullFactory;

use crate::support::{FILES, workload};

#[test]
fn every_file_runs_clean() {
    for name in FILES {
        for integrity in ["false", "true"] {
            let workload = workload(name, &[("dataintegrity", integrity)]);
            let null = NullFactory::new(&workload);
            let (options, control) = (RunOptions::default(), Control::new());
            let loaded = load(&workload, &null, &options, &control).expect("null connects");
            assert_eq!(loaded.operations_total, 500, "{name}");
            let figures = run(&workload, &null, &options, &control).expect("null connects");
            assert_eq!(figures.operations_total, 2_000, "{name}");
            assert!(figures.is_clean() && !figures.partial, "{name}: {:?}", figures.verification);
            assert_eq!(figures.target, "null");
        }
    }
}

#[test]
fn nothing_is_checked_where_nothing_is_kept() {
    for name in ["conditional-counters", "read-your-writes", "transfer"] {
        let workload = workload(name, &[]);
        let null = NullFactory::new(&workload);
        let (options, control) = (RunOptions::default(), Control::new());
        let figures = run(&workload, &null, &options, &control).expect("null connects");
        assert_eq!(figures.operations_total, 2_000, "{name}");
        assert!(figures.is_clean() && figures.validation.is_none(), "{name}");
    }
}
