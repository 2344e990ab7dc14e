//! Every workload file against the null target, with and without verification.
//! The floor it measures is printed by `examples/null_floor.rs`.

use flywheel_load::{Control, FieldSet, RunOptions, Target, TargetFactory, load, run, sum};
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
        assert!(
            figures.is_clean() && figures.verification.is_none_or(|of| of.checked == 0),
            "{name}"
        );
        assert!(
            sum(&workload, &null, &options, &control).expect("null connects").is_none(),
            "{name}"
        );
    }
}

#[test]
fn a_scan_of_everything_fits_into_memory() {
    let workload = workload("e", &[]);
    let null = NullFactory::new(&workload);
    let rows = futures_executor::block_on(async {
        let target = null.connect(0).await.expect("null connects");
        target.scan(b"a", 10_000_000, FieldSet::All).await.expect("null answers")
    });
    assert_eq!(rows.len(), flywheel_targets::limits::NULL_ROWS_MAX);
}
