//! Gates: what passes, what does not, what cannot be said; and how each of them is shown.

use std::collections::BTreeMap;

use flywheel_report::gate::{
    Budgets, Counter, CounterCheck, CounterVerdict, Counts, GateFigure, GateResult, GateVerdict,
    PairFigures, PairedCheck, SelfTest, SelfTestLevel, SideFigures, Thresholds, gate_summary,
    self_test_summary, write_gate_folder, write_self_test_folder,
};
use flywheel_report::{GATE_SCHEMA_VERSION, PairVerdict};

const JUDGED: [GateFigure; 2] = [GateFigure::Throughput, GateFigure::P50];

fn side(throughput_ops_per_s: f64, p50_us: f64) -> SideFigures {
    SideFigures {
        throughput_ops_per_s,
        sustained: true,
        p50_us: Some(p50_us),
        p99_us: Some(p50_us * 5.0),
        cpu_us_per_op: Some(1e6 / throughput_ops_per_s),
        written_bytes_per_op: None,
    }
}

/// Pairs that differ by `change` and by some noise, the same each time.
fn pairs(count: usize, change: f64, noise: f64) -> Vec<PairFigures> {
    let wobble = |index: usize| (index as f64 * 2.399).sin() * noise;
    let pair = |index| PairFigures {
        candidate_first: index % 2 == 0,
        baseline: side(100_000.0, 200.0),
        candidate: side(
            100_000.0 * (1.0 + wobble(index)) / change,
            200.0 * (1.0 + wobble(index + 7)) * change,
        ),
        device_drift: Some(0.02),
        void: None,
    };
    (0..count).map(pair).collect()
}

fn check(pairs: Vec<PairFigures>) -> PairedCheck {
    let mut check = PairedCheck { judged: JUDGED.to_vec(), ..PairedCheck::default() };
    check.thresholds.latency_threshold = 0.05;
    for pair in pairs {
        check.add(pair).expect("figures are sound");
    }
    check
}

/// Measures as a gate would, from an endless supply.
fn gated(change: f64, noise: f64) -> PairedCheck {
    let supply = pairs(100, change, noise);
    let mut gate = check(Vec::new());
    let mut next = 0;
    while let missing @ 1.. = gate.missing_pairs() {
        for pair in &supply[next..next + missing] {
            gate.add(pair.clone()).expect("figures are sound");
        }
        next += missing;
    }
    gate
}

fn counters() -> CounterCheck {
    let budgets =
        Budgets::parse("[put]\nwrites = 1\ninstructions = 1000\nsyncs = 2\n").expect("budgets");
    let counts = Counts::from([(
        "put".to_owned(),
        BTreeMap::from([
            (Counter::Writes, 1.0),
            (Counter::Instructions, 1031.0),
            (Counter::Syncs, 1.0),
            (Counter::Reads, 3.0),
        ]),
    )]);
    let mut check = CounterCheck::new("budgets.toml", &budgets, &counts);
    check.not_counted.push("system calls, because strace cannot be run: <none> & none".into());
    check
}

#[test]
fn counts_over_their_budget_fail_the_gate_and_nothing_else_does() {
    let check = counters();
    let of = |counter| check.rows.iter().find(|row| row.counter == counter).expect("a row");
    assert_eq!(of(Counter::Writes).verdict, CounterVerdict::Within);
    assert_eq!(of(Counter::Instructions).verdict, CounterVerdict::Over);
    assert_eq!(of(Counter::Syncs).verdict, CounterVerdict::Under);
    assert_eq!(of(Counter::Reads).verdict, CounterVerdict::NoBudget);
    let mut result = GateResult { counters: Some(check), ..GateResult::default() };
    assert_eq!(result.verdict(), GateVerdict::Regressed);
    let mut without = |counter| {
        result.counters.as_mut().expect("counters").rows.retain(|row| row.counter != counter);
        result.verdict()
    };
    assert_eq!(without(Counter::Instructions), GateVerdict::Inconclusive, "reads have no budget");
    assert_eq!(without(Counter::Reads), GateVerdict::Passed, "strace is not asked for");
    result.counters.as_mut().expect("counters").is_strict = true;
    assert_eq!(result.verdict(), GateVerdict::Inconclusive);
}

#[test]
fn pairs_are_added_while_they_say_nothing_and_no_longer() {
    let same = gated(1.0, 0.01);
    assert_eq!((same.verdict(), same.pairs.len()), (PairVerdict::Equivalent, 8));
    let slower = gated(1.2, 0.01);
    assert_eq!((slower.verdict(), slower.pairs.len()), (PairVerdict::Regressed, 8));
    let faster = gated(0.8, 0.01);
    assert_eq!((faster.verdict(), faster.pairs.len()), (PairVerdict::Improved, 8));
    let noisy = gated(1.0, 0.5);
    assert_eq!((noisy.verdict(), noisy.pairs.len()), (PairVerdict::Inconclusive, 20));
}

#[test]
fn a_pair_is_void_when_the_disk_changed() {
    let mut all = pairs(8, 1.0, 0.01);
    all[2].device_drift = Some(0.51);
    all[5].device_drift = Some(0.7);
    let gate = check(all);
    let reasons: Vec<_> = gate.pairs.iter().filter_map(|pair| pair.void.clone()).collect();
    assert!(reasons[0].contains("changed by 51 %"), "{reasons:?}");
    assert!(reasons[1].contains("changed by 70 %"), "{reasons:?}");
    assert_eq!(
        (gate.valid().count(), gate.missing_pairs()),
        (6, 2),
        "no look before the planned one"
    );
    let mut hopeless = pairs(21, 1.0, 0.01);
    hopeless.iter_mut().for_each(|pair| pair.device_drift = Some(2.0));
    let gate = check(hopeless);
    assert_eq!((gate.missing_pairs(), gate.verdict()), (0, PairVerdict::Inconclusive));
}

#[test]
fn a_candidate_that_cannot_keep_the_rate_is_slower_whatever_is_left_of_its_figures() {
    let unsustained = |count| {
        let mut all = pairs(8, 1.0, 0.01);
        for pair in &mut all[..count] {
            pair.candidate.sustained = false;
            (pair.candidate.p50_us, pair.candidate.p99_us) = (None, None);
        }
        check(all)
    };
    assert_eq!(unsustained(2).verdict(), PairVerdict::Equivalent, "that may be the disk's doing");
    let gate = unsustained(4);
    assert_eq!((gate.verdict(), gate.missing_pairs()), (PairVerdict::Inconclusive, 4));
    let gate = unsustained(7);
    assert_eq!((gate.verdict(), gate.missing_pairs()), (PairVerdict::Regressed, 0));
    assert_eq!(unsustained(8).verdict(), PairVerdict::Regressed, "there is no p50 at all");
    let result = GateResult { paired: Some(gate), ..GateResult::default() };
    assert!(
        gate_summary(&result)
            .contains("of 8 pairs only the candidate failed to keep that rate in 7")
    );
}

#[test]
fn pairs_are_judged_at_the_planned_looks_alone() {
    // Nine pairs of which one is void are as many as planned; with none void, the next look is at twelve.
    for (voided, missing) in [(0, 3), (1, 0), (2, 1)] {
        let mut all = pairs(9, 1.0, 0.01);
        all[..voided].iter_mut().for_each(|pair| pair.device_drift = Some(2.0));
        assert_eq!(check(all).missing_pairs(), missing, "{voided} void");
    }
}

#[test]
fn figures_that_are_not_judged_are_shown_and_decide_nothing() {
    let mut all = pairs(8, 1.0, 0.01);
    all.iter_mut().for_each(|pair| pair.candidate.cpu_us_per_op = Some(1000.0));
    let gate = check(all);
    let cpu = gate.figures.iter().find(|of| of.figure == GateFigure::Cpu).expect("shown");
    assert_eq!(cpu.comparison.verdict, PairVerdict::Regressed);
    assert_eq!(gate.verdict(), PairVerdict::Equivalent);
    let result = GateResult { paired: Some(gate), ..GateResult::default() };
    assert!(gate_summary(&result).contains("regressed (not judged)"));
}

#[test]
fn verdicts_have_their_exit_codes_and_a_regression_outweighs_doubt() {
    let result = |counters, paired| GateResult { counters, paired, ..GateResult::default() };
    let code = |result: GateResult| result.verdict().exit_code();
    assert_eq!(code(result(None, Some(gated(1.0, 0.01)))), 0);
    assert_eq!(code(result(None, Some(gated(1.2, 0.01)))), 1);
    assert_eq!(code(result(None, Some(gated(1.0, 0.5)))), 3);
    assert_eq!(code(result(Some(counters()), Some(gated(1.0, 0.5)))), 1);
    assert_eq!(code(result(None, Some(PairedCheck::default()))), 3, "nothing was measured");
}

#[test]
fn folders_hold_json_that_is_read_again_a_table_markdown_and_junit() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut result = GateResult {
        schema_version: GATE_SCHEMA_VERSION,
        started_utc: "2026-01-15T10:11:12Z".into(),
        counters: Some(counters()),
        paired: Some(gated(1.2, 0.01)),
        ..GateResult::default()
    };
    result.paired.as_mut().expect("pairs").workload = "a<b>|c".into();
    let folder = write_gate_folder(scratch.path(), &result).expect("writes");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
    assert_eq!(GateResult::from_json(&read("gate.json")).expect("its own"), result);
    let summary = read("summary.txt");
    assert!(summary.ends_with("gate: regressed\n"), "{summary}");
    assert!(summary.contains("OVER") && summary.contains("not counted: system calls"), "{summary}");
    let markdown = read("summary.md");
    assert!(markdown.starts_with("## Performance gate: regressed\n"), "{markdown}");
    assert!(markdown.contains(r"workload a\<b\>\|c"), "{markdown}");
    assert!(markdown.contains("1 of 4 counts are over budget"), "{markdown}");

    let xml = read("junit.xml");
    let xml = roxmltree::Document::parse(&xml).expect("XML");
    let root = xml.root_element();
    assert_eq!(
        root.attribute("tests"),
        Some("8"),
        "five counts, two judged figures, and all of it"
    );
    assert_eq!(root.attribute("failures"), Some("4"), "instructions, throughput, p50, all");
    let named = |tag: &str| xml.descendants().filter(|node| node.has_tag_name(tag)).count();
    // What leaves the gate inconclusive is no success, and no test that may be skipped.
    assert_eq!((named("failure"), named("error"), named("skipped")), (4, 1, 1));
}

#[test]
fn the_self_test_tells_false_alarms_from_power() {
    let thresholds = Thresholds { latency_threshold: 0.05, ..Thresholds::default() };
    let level = |percent: f64| {
        let pairs = pairs(16, 1.0 + percent / 100.0, 0.03);
        SelfTestLevel::new(percent, pairs, &JUDGED, &thresholds, 1).expect("figures are sound")
    };
    let levels: Vec<SelfTestLevel> = [0.0, 2.0, 10.0].map(level).into();
    let shares = |of: &SelfTestLevel| {
        let rates = of.gate.expect("enough pairs");
        rates.regressed + rates.improved + rates.equivalent + rates.inconclusive
    };
    for level in &levels {
        assert!((shares(level) - 1.0).abs() < 1e-9);
        assert!((8.0..=20.0).contains(&level.gate.expect("rates").pairs));
        let noise = level.figures[0].noise;
        assert!((0.015..0.03).contains(&noise), "a sine of 3 % has a deviation of 2.1 %: {noise}");
    }
    let regressed = |level: usize| levels[level].gate.expect("rates").regressed;
    assert!(regressed(0) < 0.02, "{}", regressed(0));
    assert!(regressed(1) < 0.05, "{}", regressed(1));
    assert!(regressed(2) > 0.95, "{}", regressed(2));
    let test = SelfTest { levels, judged: JUDGED.to_vec(), ..SelfTest::default() };
    let scratch = tempfile::tempdir().expect("a directory");
    let folder = write_self_test_folder(scratch.path(), &test).expect("writes");
    let json = std::fs::read_to_string(folder.join("self-test.json")).expect("json");
    assert_eq!(serde_json::from_str::<SelfTest>(&json).expect("its own"), test);
    assert!(self_test_summary(&test).contains("10 %"));
}

#[test]
fn few_pairs_make_no_rates_and_no_panic() {
    let level = SelfTestLevel::new(2.0, pairs(7, 1.0, 0.01), &JUDGED, &Thresholds::default(), 1);
    assert_eq!(level.expect("nothing is wrong").gate, None);
    let level = SelfTestLevel::new(2.0, Vec::new(), &JUDGED, &Thresholds::default(), 1);
    assert!(level.expect("nothing is wrong").figures.is_empty());
}
