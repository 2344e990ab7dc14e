//! Plans: the summary character by character, the page as a browser takes it, and what the verdict says of loads that
//! call for another one.

use flywheel_capacity::prices::Prices;
use flywheel_report::{
    CloudWatchFormat, Numbers, Plan, PlanInput, PlanOptions, cloudwatch_input, plan, plan_report,
    plan_summary, results_input, yardstick,
};
use roxmltree::Node;

use crate::html::{text, with_tree};
use crate::tables::check;
use crate::{operation, sample};

fn numbers() -> Numbers {
    Numbers {
        storage_gb: 2048.0,
        item_bytes: 1024.0,
        reads_per_s: 80_000.0,
        writes_per_s: 20_000.0,
        peak_reads_per_s: Some(160_000.0),
        peak_writes_per_s: Some(40_000.0),
        peak_hours_per_day: Some(3.0),
        eventual_reads: false,
    }
}

fn planned(input: &PlanInput) -> Plan {
    let command = ["flywheel", "plan"].map(String::from);
    let options = PlanOptions::default();
    plan(input, &Prices::list(), &options, "2026-01-15T10:11:12Z", &command).expect("a plan")
}

/// Minutes of read units per second as exported metrics.
fn metered(units_per_s: impl Iterator<Item = f64>) -> PlanInput {
    let rows = units_per_s
        .enumerate()
        .map(|(minute, units)| format!("{},{}", 1_793_491_200 + minute * 60, units * 60.0));
    let header = "Timestamp,orders ConsumedReadCapacityUnits".to_owned();
    let csv: Vec<String> = std::iter::once(header).chain(rows).collect();
    cloudwatch_input(&csv.join("\n"), CloudWatchFormat::Csv, "orders.csv", 10.0, None)
        .expect("metrics")
}

#[test]
fn summary_of_a_plan() {
    let measured = yardstick(&sample().to_json()).expect("a result");
    let input = numbers().input().expect("sound").with_yardstick(measured);
    check("plan.txt", &plan_summary(&planned(&input)));
}

#[test]
fn the_page_tells_everything_in_one_file() {
    let inputs = [
        numbers().input().expect("sound"),
        metered((0..3000).map(|minute| 100.0 + f64::from(minute % 700))),
        results_input(&[sample()], Some(5.0), Some(1_000.0), true).expect("a run"),
    ];
    for input in inputs {
        let page = plan_report(&planned(&input));
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing is fetched");
        with_tree(&page, |tree| {
            let headings: Vec<String> =
                tree.descendants().filter(|node| node.has_tag_name("h2")).map(text).collect();
            for heading in [
                "What would flip it",
                "Ways to pay",
                "Cost against utilisation",
                "What is asked for",
                "Auto scaling",
                "Partitions and hot keys",
                "On machines of this engine",
                "As it grows",
                "If the inputs are not what was thought",
                "How sure this is",
                "Inputs, and where they are from",
                "Prices",
            ] {
                assert!(headings.iter().any(|found| found == heading), "{heading}: {headings:?}");
            }
            let is_plot = |node: &Node<'_, '_>| node.attribute("role") == Some("img");
            assert!(tree.descendants().filter(is_plot).count() >= 2, "cost against utilisation");
        });
        assert!(!page.contains("NaN") && !page.contains("inf "), "no figure is none");
    }
}

#[test]
fn what_is_recommended_follows_the_load() {
    // Steady: capacity. A few minutes a day: on demand.
    let steady = planned(&metered((0..1440).map(|_| 100.0)));
    assert_eq!(steady.verdict.option, "auto_scaled");
    let rare =
        planned(&metered((0..1440).map(|minute| if minute % 360 == 0 { 900.0 } else { 1.0 })));
    assert!(rare.verdict.option.starts_with("on_demand"), "{}", rare.verdict.option);
    assert!(rare.verdict.commitment.is_none(), "{:?}", rare.verdict.commitment);
    // Much storage, little traffic: the other class.
    let kept = Numbers { storage_gb: 1e6, ..numbers() };
    let kept = planned(&kept.input().expect("sound"));
    assert_eq!(kept.verdict.option, "auto_scaled_ia");
    assert!(
        kept.verdict.flips.iter().any(|flip| flip.contains("below")),
        "{:?}",
        kept.verdict.flips
    );
}

#[test]
fn parts_add_up_to_the_bill() {
    let plan = planned(&numbers().input().expect("sound"));
    for way in &plan.options {
        let parts = way.reads_usd + way.writes_usd + way.storage_usd;
        assert!((parts - way.monthly_usd).abs() < 0.03, "{way:?}");
        let spread = way.upfront_usd / f64::from(way.term_months.max(1));
        assert!((way.monthly_usd + spread - way.effective_monthly_usd).abs() < 0.03, "{way:?}");
    }
    let chosen = plan.option(&plan.verdict.option).expect("an option");
    let shares: f64 = plan.patterns.iter().map(|of| of.bill_share).sum();
    assert!((shares + chosen.storage_usd / chosen.monthly_usd - 1.0).abs() < 1e-3);
    assert_eq!(plan.growth[0].auto_scaled_usd, chosen.monthly_usd);
}

#[test]
fn a_replay_stands_in_the_summary_and_on_the_page() {
    use flywheel_report::{OperationKind, Provisioned, TraceReplay, TraceTally, TracedOperation};
    let provisioned = Provisioned { reads_per_s: 5.0, writes_per_s: 5.0, saved_s: 2.5 };
    let mut tally = TraceTally::new(100.0, false).expect("sound");
    let mut replay = TraceReplay::new(&provisioned, 100.0, false).expect("sound");
    for time_us in (0..4_000_000).step_by(10_000) {
        let (kind, item_bytes) = (OperationKind::Read, None);
        let read = TracedOperation { time_us, kind, key_hash: 1, item_bytes, count: 1 };
        tally.add(&read).expect("short enough");
        replay.add(&read).expect("short enough");
    }
    let input = tally.input("trace.csv", 1.0).expect("a trace");
    let without = planned(&input);
    let plan = planned(&input.with_replay(Some(replay.outcome())));
    // 5 units, 12.5 that were saved, and 19.95 until the last of 400.
    let reads = &plan.replay.as_ref().expect("a replay").reads;
    assert_eq!(reads.requests - reads.throttled_requests, 37);
    let summary = plan_summary(&plan);
    assert!(summary.contains("the trace, replayed") && summary.contains("363"), "{summary}");
    let heading = "The trace against what is provisioned";
    assert!(plan_report(&plan).contains(heading) && !plan_report(&without).contains(heading));
    with_tree(&plan_report(&plan), |tree| assert!(tree.root_element().has_children()));
    assert!(!plan_summary(&without).contains("replayed"));
}

#[test]
fn halves_of_a_read_modify_write_are_counted_once() {
    use flywheel_report::OperationKind::{Read, ReadModifyWrite, Update};
    let mut result = sample();
    // 50 reads, and 50 of both; each half is recorded as what it is, too.
    result.operations = [
        (Read, operation(100, 1.0)),
        (Update, operation(50, 1.0)),
        (ReadModifyWrite, operation(50, 1.0)),
    ]
    .into();
    result.throughput_ops_per_s = 1000.0;
    result.intervals.clear();
    let plan = planned(&results_input(&[result], Some(1.0), Some(1_000.0), false).expect("a run"));
    let rates: Vec<f64> = plan.patterns.iter().map(|of| of.average_per_s).collect();
    assert!((rates[0] - 1000.0).abs() < 1e-6 && (rates[1] - 500.0).abs() < 1e-6, "{rates:?}");
}

#[test]
fn several_runs_are_several_tables_of_one_bill() {
    let of = |runs: &[flywheel_report::RunResult]| {
        planned(&results_input(runs, Some(10.0), Some(1_000.0), false).expect("runs"))
    };
    let (one, two) = (of(&[sample()]), of(&[sample(), sample()]));
    let units = |plan: &Plan| plan.options[0].monthly_usd - plan.options[0].storage_usd;
    assert!((units(&two) - 2.0 * units(&one)).abs() < 0.03);
    let names: Vec<&str> = two.scaled.iter().map(|of| of.resource.as_str()).collect();
    assert_eq!(names, ["b", "b", "b 2", "b 2"]);
    assert_eq!(two.patterns.len(), 4);
}

#[test]
fn throttled_units_are_told_as_requests() {
    let rows = (0..600).map(|minute| {
        let units = if (300..305).contains(&minute) { 600_000 } else { 600 };
        format!("{},{units}", 1_793_491_200 + minute * 60)
    });
    let header = "Timestamp,ConsumedReadCapacityUnits".to_owned();
    let csv: Vec<String> = std::iter::once(header).chain(rows).collect();
    let csv = csv.join("\n");
    let input =
        |item| cloudwatch_input(&csv, CloudWatchFormat::Csv, "x", 1.0, item).expect("metrics");
    let of = |item| planned(&input(item)).scaled[0].clone();
    // 9,000 B take three units.
    let (units, requests) = (of(None), of(Some(9_000.0)));
    assert!(units.throttled_units > 0.0 && units.throttled_requests == units.throttled_units);
    assert!((requests.throttled_requests * 3.0 - units.throttled_units).abs() < 1e-6);
}
