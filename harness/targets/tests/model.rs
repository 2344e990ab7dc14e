//! The model under verification, and its updates.
//! Other targets are compared with it elsewhere.

use flywheel_load::{Control, RunOptions, load, run};
use flywheel_targets::ModelFactory;

use crate::support::{FILES, workload};

#[test]
fn every_file_verifies() {
    for name in FILES {
        for whole in ["false", "true"] {
            let workload = workload(name, &[("dataintegrity", "true"), ("writeallfields", whole)]);
            let model = ModelFactory::new();
            let (options, control) = (RunOptions::default(), Control::new());
            load(&workload, &model, &options, &control).expect("the model connects");
            assert_eq!(model.snapshot().len(), 500, "{name}");
            let figures = run(&workload, &model, &options, &control).expect("the model connects");
            assert!(figures.is_clean() && !figures.partial, "{name}: {:?}", figures.verification);
        }
    }
}

#[test]
fn updates_leave_other_fields_as_they_are() {
    let workload = workload("a", &[("seed", "3")]);
    let model = ModelFactory::new();
    let (options, control) = (RunOptions::default(), Control::new());
    load(&workload, &model, &options, &control).expect("the model connects");
    let before = model.snapshot();
    run(&workload, &model, &options, &control).expect("the model connects");
    let after = model.snapshot();
    assert!(after.keys().eq(before.keys()), "no key comes or goes");
    let changed: usize = before
        .iter()
        .map(|(key, old)| {
            old.fields().filter(|(number, value)| after[key].get(*number) != Some(value)).count()
        })
        .sum();
    assert!((1..=1_100).contains(&changed), "about 1000 updates change one field each: {changed}");
    assert!(after.values().all(|record| record.fields().count() == 10));
}
