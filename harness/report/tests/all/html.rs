//! The page of a run and pages put together, as a reader's browser takes them: well-formed, complete, of one file, and
//! with every text of a result as text. What plots draw is the room next door's.

use std::collections::BTreeSet;

use flywheel_report::{
    BestRate, Event, EventKind, Floor, Generator, HeatMap, Interval, LatencyUs, PeersResult,
    Preparation, RateRun, RatioRow, RatioTable, ReadBack, Report, RunResult, Runs, Schedule,
    SpectrumPoint, SystemRuns, Tone, compare, compare_report, peers_report, run_report,
    search_report,
};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

use crate::{operation, sample};

/// The page as a tree: fails unless it is well-formed, void elements of HTML apart.
pub(crate) fn with_tree<T>(page: &str, look: impl FnOnce(&Document<'_>) -> T) -> T {
    let mut closed = String::new();
    for (index, part) in page.split("<meta").enumerate() {
        closed.push_str(if index > 0 { "<meta" } else { "" });
        closed.push_str(&if index > 0 { part.replacen('>', "/>", 1) } else { part.to_owned() });
    }
    let (before, link) = closed.split_once("<link").expect("an icon");
    let closed = format!("{before}<link{}", link.replacen('>', "/>", 1));
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(&closed, options);
    look(&tree.unwrap_or_else(|e| panic!("{e}")))
}

/// All text below a node.
pub(crate) fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text())?).collect()
}

/// A result with everything that a result can hold.
pub(crate) fn full() -> RunResult {
    let mut result = sample();
    let points = |us: f64| -> Vec<SpectrumPoint> {
        let nines = (0..=32).map(|k| f64::from(k) / 8.0);
        let at = |nines: f64| SpectrumPoint {
            quantile: 1.0 - 10f64.powf(-nines),
            us: us * (1.0 + nines),
        };
        nines.map(at).chain([SpectrumPoint { quantile: 1.0, us: us * 9.0 }]).collect()
    };
    for figures in result.operations.values_mut() {
        figures.service_us = Some(LatencyUs { p99: 900.0, ..figures.response_us });
        figures.wait_us = Some(LatencyUs { p99: 100.0, ..figures.response_us });
        figures.response_spectrum = points(200.0);
        figures.service_spectrum = points(150.0);
    }
    for interval in &mut result.intervals {
        interval.p50_us = Some(300.0);
        interval.compaction_bytes = Some(30_000_000);
    }
    result.events = [EventKind::Compaction, EventKind::Throttle]
        .map(|kind| Event { at_s: 1.5, kind, count: 7 })
        .into();
    result.heat_map = HeatMap {
        column_s: 1.0,
        bounds_us: vec![10.0, 100.0, 1_000.0, 10_000.0],
        columns: vec![vec![0, 5, 900, 2], vec![1, 4, 1_000]],
    };
    result.schedule = Some(Schedule {
        arrivals: "poisson".into(),
        shape: "flat".into(),
        rate_per_s: 120_500.0,
        peak_ops_per_s: Some(241_000.0),
        offered: 7_230_000,
        refused: [("the handle".to_owned(), 12)].into(),
        in_flight_most: Some(64),
        sustained: true,
        ..Schedule::default()
    });
    let floor = Floor { throughput_ops_per_s: 2e6, p50_us: 1.0, p99_us: 8.0, ..Floor::default() };
    result.generator =
        Generator { clients: 64, workers: 2, pinned_cores: vec![2, 3], floor: Some(floor) };
    result.preparation = Preparation {
        precondition_ops: 2_000_000,
        warm_up_s: 9.0,
        steady: Some(true),
        ..Preparation::default()
    };
    result.read_back = Some(ReadBack { checked: 10_000, wrong: 0, expected: 1_000_000 });
    result.settings = [("durability".to_owned(), "each write".to_owned())].into();
    result.process.cpu_us_per_op = Some(9.5);
    result.environment.flywheel_version = "0.1.0".into();
    result.environment.kernel = Some("6.12".into());
    result.environment.disk.device = Some("nvme0n1".into());
    result.seal();
    result
}

fn sections(page: &str) -> Vec<String> {
    with_tree(page, |tree| {
        let sections = tree.descendants().filter(|node| node.has_tag_name("section"));
        sections.filter_map(|node| node.attribute("aria-labelledby").map(String::from)).collect()
    })
}

#[test]
fn a_page_is_well_formed_and_has_its_parts_in_order() {
    let page = run_report(&full());
    let expected = [
        "key-figures",
        "operations-heading",
        "spectrum-heading",
        "timeline-heading",
        "heat-map-heading",
        "device-heading",
        "engine-heading",
        "generator-heading",
        "preparation-heading",
        "checks-heading",
        "environment-heading",
        "settings-heading",
        "properties-heading",
        "command-heading",
        "files-heading",
    ];
    assert_eq!(sections(&page), expected);
    with_tree(&page, |tree| {
        assert_eq!(tree.root_element().attribute("lang"), Some("en"));
        let ids: Vec<&str> = tree.descendants().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{ids:?}");
        for node in tree.descendants() {
            let labelled_by = node.attribute("aria-labelledby");
            assert!(labelled_by.is_none_or(|id| ids.contains(&id)), "{labelled_by:?}");
        }
        let levels = tree.descendants().filter_map(|node| match node.tag_name().name() {
            "h1" => Some(1),
            "h2" => Some(2),
            "h3" => Some(3),
            _ => None,
        });
        let levels: Vec<i32> = levels.collect();
        assert!(levels[0] == 1 && levels[1..].iter().all(|level| *level > 1), "{levels:?}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
        let body = text(tree.root_element());
        for words in [
            "target met",
            "p99 2.13 ms < 10.0 ms (UPDATE)",
            "pinned to cores 2, 3",
            "'/mnt/fast disk'",
        ] {
            assert!(body.contains(words), "{words}");
        }
    });
}

#[test]
fn a_page_refers_to_nothing_but_its_neighbours() {
    for page in [run_report(&full()), Report::new("title").to_html()] {
        for forbidden in ["http:", "https:", "<script", "@import", "url(", "src=", "<iframe"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        with_tree(&page, |tree| {
            for target in tree.descendants().filter_map(|node| node.attribute("href")) {
                let plain = target.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
                assert!(plain || target == "data:,", "{target}");
            }
        });
    }
}

const EVIL: &str = "<script>alert(\"1\")</script>&amp;'\"<b>";

/// Every text in place of which any text may stand.
fn poison(value: &mut Value) {
    match value {
        Value::String(text) => *text = EVIL.into(),
        Value::Array(values) => values.iter_mut().for_each(poison),
        Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(name, _)| *name != "kind")
                .for_each(|(_, value)| poison(value));
        }
        _ => {}
    }
}

#[test]
fn every_text_of_a_result_is_text_on_the_page() {
    let mut value = serde_json::to_value(full()).unwrap();
    poison(&mut value);
    // The kind of a file system is text too, unlike that of an event.
    value["environment"]["file_system"]["kind"] = EVIL.into();
    for named in ["properties", "settings"] {
        value[named][EVIL] = EVIL.into();
    }
    value["schedule"]["refused"][EVIL] = 3.into();
    let run: RunResult = serde_json::from_value(value).unwrap();
    let row =
        RatioRow { label: EVIL.into(), note: EVIL.into(), low: 0.9, estimate: 1.0, high: 1.1 };
    let table = RatioTable { rows: vec![row], ..RatioTable::default() };
    let composed = Report::new(EVIL)
        .badge(Tone::Bad, EVIL)
        .lead(EVIL)
        .ratios(EVIL, &table)
        .runs(EVIL, std::slice::from_ref(&run))
        .verbatim(EVIL, EVIL)
        .to_html();
    for (page, least) in [(run_report(&run), 10), (composed, 9)] {
        assert!(!page.contains("<script") && !page.contains("<b>"));
        with_tree(&page, |tree| {
            let whole = text(tree.root_element()).matches(EVIL).count();
            assert!(whole >= least, "{whole}");
        });
    }
}

#[test]
fn an_old_result_has_no_empty_sections_and_no_zeros_for_what_it_lacks() {
    let old = r#"{ "schema_version": 1, "workload": "a", "properties": {}, "seed": 1, "environment": {},
        "throughput_ops_per_s": 1000.0, "device": {}, "engine": {}, "target": { "p99_us": 10000.0, "met": true },
        "operations": { "READ": { "count": 20000, "errors": 0, "response_us":
            { "mean": 90.0, "p50": 80.0, "p95": 120.0, "p99": 150.0, "p999": 300.0, "max": 900.0 } } } }"#;
    let page = run_report(&RunResult::from_json(old).unwrap());
    assert_eq!(sections(&page), ["key-figures", "operations-heading", "files-heading"]);
    with_tree(&page, |tree| {
        let absent = tree.descendants().filter(|node| node.attribute("class") == Some("absent"));
        // Of the six tiles: device, write amplification, processor time, memory.
        assert_eq!(absent.map(text).collect::<Vec<_>>(), ["not measured"; 4]);
        let tiles =
            tree.descendants().find(|node| node.attribute("class") == Some("tiles")).unwrap();
        assert!(!text(tiles).contains("0.00"), "{}", text(tiles));
    });
    // Not even an operation: still a page, and a fault.
    let nothing = run_report(&RunResult::default());
    assert_eq!(sections(&nothing), ["key-figures", "files-heading"]);
    assert!(nothing.contains("no operation was measured"));
}

#[test]
fn a_rate_that_was_not_sustained_is_said_in_so_many_words() {
    let mut result = full();
    if let Some(schedule) = &mut result.schedule {
        schedule.sustained = false;
    }
    result.seal();
    let page = run_report(&result);
    with_tree(&page, |tree| {
        let header = tree.descendants().find(|node| node.has_tag_name("header")).unwrap();
        let words = text(header);
        assert!(
            words.contains("rate was not sustained") && words.contains("meaningless"),
            "{words}"
        );
    });
    assert!(page.contains("class=\"number meaningless\""));
    assert!(!run_report(&full()).contains("class=\"number meaningless\""));
}

#[test]
fn a_p99_of_few_samples_carries_a_mark() {
    let mut result = sample();
    assert!(!run_report(&result).contains('†'));
    result.operations.insert(flywheel_report::OperationKind::Scan, operation(9_999, 900.0));
    let page = run_report(&result);
    assert!(page.contains("<sup>†</sup>") && page.contains("fewer than 10,000 samples"));
}

/// `--name: #rrggbb;` of one block.
fn colours(block: &str) -> Vec<(String, [f64; 3])> {
    let declared =
        block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
    declared
        .map(|(name, hex)| {
            let channel = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
            (name.to_owned(), [channel(0), channel(2), channel(4)])
        })
        .collect()
}

/// Relative luminance as WCAG 2 defines it.
fn luminance(rgb: [f64; 3]) -> f64 {
    let linear = rgb.map(|channel| match channel / 255.0 {
        dark if dark <= 0.040_45 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[test]
fn text_stands_out_from_its_ground_in_every_theme() {
    let style = include_str!("../../src/html/style.css");
    let blocks: Vec<&str> = style.split(":root {").skip(1).collect();
    assert_eq!(blocks.len(), 3, "light, dark and paper");
    for block in blocks {
        let colours = colours(block.split('}').next().unwrap());
        let of = |name: &str| luminance(colours.iter().find(|(of, _)| of == name).unwrap().1);
        let on = |ground: &'static str, names: &[&'static str]| {
            names.iter().map(|name| (*name, ground)).collect::<Vec<_>>()
        };
        let mut pairs = on("bg", &["text", "muted", "link", "target", "bad"]);
        pairs.extend(on("bg", &["c1", "c2", "c3", "c4", "c5", "c6"]));
        pairs.extend(on("panel", &["text", "muted"]));
        pairs.extend(["good", "open", "bad", "fault", "muted"].map(|ground| ("on-badge", ground)));
        for (name, ground) in pairs {
            let (a, b) = (of(name), of(ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{name} on {ground}: {contrast:.2}");
        }
    }
}

#[test]
fn pages_of_several_runs_are_well_formed_and_hold_what_was_found() {
    let mut search = flywheel_report::new_search();
    search.workload = "a & <b>".into();
    search.system = "flywheel".into();
    search.target_p99_us = 10_000.0;
    search.peak_ops_per_s = 9_000.0;
    search.runs = [(1_000.0, 800.0, true), (4_000.0, 2_500.0, true), (8_000.0, 90_000.0, false)]
        .map(|(rate_per_s, p99_us, sustained)| RateRun {
            rate_per_s,
            throughput_ops_per_s: rate_per_s,
            p99_us,
            sustained,
            ..RateRun::default()
        })
        .into();
    let best = BestRate { rate_per_s: 4_000.0, too_high_per_s: Some(8_000.0), runs: 3, met: 3 };
    search.best = Some(best);
    let page = search_report(&search);
    with_tree(&page, |tree| assert!(text(tree.root()).contains("4,000 ops/s meet p99")));

    let mut peers = PeersResult { workload: "a".into(), rounds: 1, ..PeersResult::default() };
    let runs = |system: &str, factor: f64| {
        let mut result = full();
        result.throughput_ops_per_s *= factor;
        let second = Interval { count: (1e3 * factor) as u64, ..Interval::default() };
        result.intervals = vec![second; 30];
        result.operations.values_mut().for_each(|of| of.errors = 0);
        result.verification = None;
        result.read_back = None;
        result.settings = [("cache".to_owned(), "<128 MiB>".to_owned())].into();
        SystemRuns {
            system: system.into(),
            closed: vec![(result, "folder".into())],
            ..SystemRuns::default()
        }
    };
    peers.add(&[runs("flywheel", 3.0), runs("rocksdb", 1.0)], 1e9);
    assert!(peers.is_clean() && peers.systems[1].flywheel_over_this.is_some(), "{peers:#?}");
    let over = peers.systems[1].flywheel_over_this.map(|of| of.estimate).unwrap_or_default();
    assert!((over - 3.0).abs() < 0.01, "{over}");
    let page = peers_report(&peers);
    with_tree(&page, |tree| {
        let text = text(tree.root());
        for part in ["Side by side", "rocksdb", "<128 MiB>", "over rocksdb"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    });
}

#[test]
fn a_comparison_shows_its_runs_side_by_side_over_time() {
    let runs = |name: &str, throttled_until: u32| {
        let mut result = full();
        let second = |at: u32| Interval {
            at_s: f64::from(at),
            count: 900,
            throttled: if at < throttled_until { 100 } else { 0 },
            p99_us: 2_000.0,
            ..Interval::default()
        };
        result.intervals = (0..41).map(second).collect();
        result.seal();
        Runs { name: format!("results/<{name}>"), results: vec![result] }
    };
    let page = |all: &[Runs]| {
        let compared = all[1..].iter().map(|other| compare(&all[0], other, 0.05, 1).unwrap());
        compare_report(all, &compared.collect::<Vec<_>>())
    };
    let throttled = page(&[runs("off", 41), runs("on", 12)]);
    with_tree(&throttled, |tree| {
        let text = text(tree.root());
        let parts = [
            "<on> against <off>",
            "<on> over <off>",
            "Throttled requests over time",
            "not before the end",
            "at 12 s",
            "p99 over time",
        ];
        for part in parts {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    });
    let calm = page(&[runs("a", 0), runs("b", 0)]);
    assert!(!calm.contains("hrottled requests over time") && calm.contains("p99 over time"));
    // Where the last folders are alike, only whole names tell them apart.
    let alike = page(&[runs("x>/<a", 0), runs("y>/<a", 0)]);
    with_tree(&alike, |tree| {
        let text = text(tree.root());
        assert!(text.contains("results/<y>/<a> over results/<x>/<a>"), "{text}");
    });
}
