//! The page of a capacity plan: the verdict first, then what it stands on. Shows what was worked out; adds nothing.

use maud::{Markup, html};

use super::page::{Tone, badge, page};
use super::parts::{or_absent, section, table};
use super::{joined, plots};
use crate::folder::command_line;
use crate::plan::{Plan, Replay, throttled, throttled_times, usd};
use crate::units::{bytes, count, percent, rate, ratio};

/// The page. It stands beside `plan.json`, to which it links by name.
pub fn plan_report(plan: &Plan) -> String {
    let sections = [
        Some(tiles(plan)),
        points("flips", "What would flip it", &plan.verdict.flips),
        points("risks", "Risks", &plan.verdict.risks),
        section("ways", "Ways to pay", Some(ways(plan))),
        section("break-even", "Cost against utilisation", break_even(plan)),
        section("patterns", "What is asked for", Some(patterns(plan))),
        section("scaling", "Auto scaling", Some(scaling(plan))),
        section(
            "replay",
            "The trace against what is provisioned",
            plan.replay.as_ref().map(replay),
        ),
        section("partitions", "Partitions and hot keys", Some(partitions(plan))),
        section("machines", "On machines of this engine", Some(machines(plan))),
        section("growth", "As it grows", Some(growth(plan))),
        section(
            "sensitivities",
            "If the inputs are not what was thought",
            Some(sensitivities(plan)),
        ),
        points("doubts", "How sure this is", &doubts(plan)),
        section("inputs", "Inputs, and where they are from", Some(inputs(plan))),
        section("prices", "Prices", Some(prices(plan))),
        section("command", "Command", Some(html! { pre { (command_line(&plan.command)) } })),
        section("files", "Files", Some(files())),
    ];
    let title = format!("Capacity plan: {}", plan.title);
    let body = html! { (head(plan)) @for part in sections.into_iter().flatten() { (part) } };
    page(&title, &body)
}

fn head(plan: &Plan) -> Markup {
    let verdict = &plan.verdict;
    let tone = match verdict.confidence.as_str() {
        "high" => Tone::Good,
        _ => Tone::Open,
    };
    html! {
        header {
            p.kicker { "Flywheel capacity plan" }
            h1 { (plan.title) }
            p.verdict { (badge(tone, &format!("{} confidence", verdict.confidence))) " " strong { (verdict.sentence) "." } }
            @if let Some(commitment) = &verdict.commitment { p.lead { (commitment) } }
            p.about {
                (plan.started_utc) " · prices of " (plan.prices.date) ", " (plan.prices.region) ", "
                (plan.prices.currency) " · a month has 730 hours"
            }
        }
    }
}

fn tiles(plan: &Plan) -> Markup {
    let chosen = plan.option(&plan.verdict.option);
    let bill = |name: &str| plan.option(name).map(|way| usd(way.monthly_usd));
    let reserved = plan.option("auto_scaled_reserved_1y");
    let reserved_note = reserved.map_or_else(String::new, |way| {
        format!(
            "{} at once, {} a month on average",
            usd(way.upfront_usd),
            usd(way.effective_monthly_usd)
        )
    });
    let throttling = plan.option("auto_scaled");
    let now = plan.partitions.first();
    let machines = plan.machines.as_ref().map(|of| rate(of.machines));
    let tiles: [(&str, Option<String>, String); 6] = [
        (
            "recommended, a month",
            chosen.map(|way| usd(way.monthly_usd)),
            chosen.map_or_else(String::new, |way| way.title.clone()),
        ),
        ("on demand, a month", bill("on_demand"), "Standard class".into()),
        (
            "auto scaled and reserved for 1 year, a month",
            reserved.map(|way| usd(way.monthly_usd)),
            reserved_note,
        ),
        (
            "predicted to be throttled, auto scaled",
            throttling.map(throttled),
            "of all units asked for".into(),
        ),
        (
            "partitions now",
            now.map(|of| rate(of.partitions)),
            now.map_or_else(String::new, |of| {
                format!("{} by size, {} by units", rate(of.by_size), rate(of.by_units))
            }),
        ),
        ("machines of this engine", machines, "loaded to at most 70 % at the peak".into()),
    ];
    html! {
        section aria-labelledby="key-figures" {
            h2.unseen id="key-figures" { "Key figures" }
            dl.tiles {
                @for (name, value, note) in &tiles {
                    div {
                        dt { (name) }
                        dd.figure { (or_absent(value.as_deref())) }
                        @if value.is_some() { dd.note { (note) } }
                    }
                }
            }
        }
    }
}

fn points(id: &str, heading: &str, sentences: &[String]) -> Option<Markup> {
    let content = (!sentences.is_empty())
        .then(|| html! { ul.points { @for sentence in sentences { li { (sentence) } } } });
    section(id, heading, content)
}

fn header(first: &str, others: &[&str]) -> Markup {
    html! { tr { th scope="col" { (first) } @for name in others { th.number scope="col" { (name) } } } }
}

fn row(first: &str, others: &[String]) -> Markup {
    html! { tr { th scope="row" { (first) } @for cell in others { td.number { (cell) } } } }
}

fn ways(plan: &Plan) -> Markup {
    let head = header(
        "way to pay",
        &["monthly", "upfront", "on average", "reads", "writes", "storage", "throttled"],
    );
    let rows = html! {
        @for way in &plan.options {
            tr.chosen[way.name == plan.verdict.option] {
                th scope="row" { (way.title) }
                td.number { (usd(way.monthly_usd)) }
                td.number { @if way.upfront_usd > 0.0 { (usd(way.upfront_usd)) } @else { "-" } }
                td.number { (usd(way.effective_monthly_usd)) }
                @for part in [way.reads_usd, way.writes_usd, way.storage_usd] { td.number { (usd(part)) } }
                td.number { (throttled(way)) }
            }
        }
    };
    let mut notes: Vec<(&String, String)> = Vec::new();
    for way in plan.options.iter().filter(|way| !way.name.ends_with("_ia")) {
        let reserved = match way.reserved_read_units + way.reserved_write_units > 0.0 {
            true => format!(
                ": {} reads and {} writes a second",
                rate(way.reserved_read_units),
                rate(way.reserved_write_units)
            ),
            false => String::new(),
        };
        notes.push((&way.title, format!("{}{reserved}", way.note)));
    }
    let notes_head =
        html! { tr { th scope="col" { "way to pay" } th scope="col" { "stands on" } } };
    let notes_rows = html! { @for (name, note) in &notes { tr { th scope="row" { (name) } td.words { (note) } } } };
    html! {
        (table("Ways to pay", &head, &rows))
        p.small {
            "On average: monthly, with what is paid at once spread over its term. Throttled: share of the units asked for, by \
            simulation; - where nothing was simulated. Recommended is the cheapest that follows the load by itself, binds to no term, and \
            throttles at most 0.01 %. Nobody sells reservations for Standard-IA. Backups, point-in-time recovery, streams, and transfer are not in it."
        }
        (table("What they stand on", &notes_head, &notes_rows))
    }
}

fn break_even(plan: &Plan) -> Option<Markup> {
    let of = &plan.break_even;
    let plot = plots::break_even(of);
    let words = html! {
        p.small {
            "A unit on demand costs " (ratio(of.read_ratio)) " times (reads) and " (ratio(of.write_ratio)) " times (writes) what a provisioned one costs that \
            is used in full, so both cost the same where " (percent(of.read_utilisation)) " of provisioned reads and "
            (percent(of.write_utilisation)) " of provisioned writes are used."
        }
    };
    joined(vec![plot, Some(words)])
}

fn patterns(plan: &Plan) -> Markup {
    let head = header("requests", &["average", "p95", "peak", "units each", "share of the bill"]);
    let rows = html! {
        @for of in &plan.patterns {
            (row(&of.name, &[
                format!("{}/s", rate(of.average_per_s)),
                format!("{}/s", rate(of.p95_per_s)),
                format!("{}/s", rate(of.peak_per_s)),
                format!("{} {}", ratio(of.units_each), of.unit),
                percent(of.bill_share),
            ]))
        }
    };
    let storage = plan.option(&plan.verdict.option).map(|way| {
        let share = if way.monthly_usd > 0.0 { way.storage_usd / way.monthly_usd } else { 0.0 };
        format!("Storage is another {} of the recommended way's bill.", percent(share))
    });
    let sizes = (!plan.sizes.is_empty()).then(|| {
        let head = header("items of at most", &["share of the requests"]);
        let rows = html! { @for of in &plan.sizes { (row(&bytes(of.up_to_bytes), &[percent(of.share)])) } };
        html! { h3 { "Sizes" } (table("Sizes of items", &head, &rows)) }
    });
    html! {
        (table("Requests", &head, &rows))
        @if let Some(storage) = &storage { p.small { (storage) " Averages are of the month, p95 and peak of minutes." } }
        @if let Some(sizes) = &sizes { (sizes) } @else { p.small.absent { "Sizes of single items were not measured." } }
    }
}

fn scaling(plan: &Plan) -> Markup {
    let names = [
        "unit",
        "minimum",
        "maximum",
        "target",
        "mean asked",
        "mean provided",
        "requests throttled a month",
        "up",
        "down",
    ];
    let head = header("table or index", &names);
    let used = || plan.scaled.iter().filter(|of| of.asked_mean > 0.0);
    let rows = html! {
        @for of in used() {
            (row(&of.resource, &[
                of.unit.clone(),
                rate(of.minimum_units),
                rate(of.maximum_units),
                format!("{} %", of.target_percent),
                rate(of.asked_mean),
                rate(of.capacity_mean),
                rate(of.throttled_requests),
                count(of.increases),
                count(of.decreases),
            ]))
        }
    };
    html! {
        (table("Recommended scaling", &head, &rows))
        p.small {
            "Units per second. The minimum is the lowest with which the simulation throttles next to nothing, unless on demand is cheaper than that; the maximum is one and a half \
            times the capacity for the peak, a bound on what a mistake may cost. Up and down: changes in what was simulated. Simulated is the whole \
            table or index, each partition being asked alike; a hot partition throttles earlier."
        }
        @for of in used().take(MOST_COURSES) {
            @if let Some(plot) = plots::course(of) { h3 { (of.resource) ", " (of.unit) " units" } (plot) }
        }
    }
}

/// More plots than this nobody looks at; the JSON holds all of them.
const MOST_COURSES: usize = 8;

fn replay(replay: &Replay) -> Markup {
    let head =
        header("requests", &["units/s", "number", "throttled", "share", "first at", "last at"]);
    let rows = html! {
        @for (name, of) in [("reads", &replay.reads), ("writes", &replay.writes)] {
            @let [first, last] = throttled_times(of);
            (row(name, &[
                ratio(of.provisioned_units),
                count(of.requests),
                count(of.throttled_requests),
                percent(of.throttled_share),
                first,
                last,
            ]))
        }
    };
    html! {
        (table("The trace replayed", &head, &rows))
        p.small {
            "Each request at its own time, against the bucket that throttles live ones: it reserves the least that it can take, and is settled with what \
            it took. Nobody tries again. When the trace began, the table had one second's units and what "
            (ratio(replay.saved_s)) " s bring. Times are since the trace's first operation; each second is in plan.json."
        }
    }
}

fn partitions(plan: &Plan) -> Markup {
    let head = header("months from now", &["by size", "by units", "partitions"]);
    let rows = html! {
        @for of in &plan.partitions {
            (row(&count(of.months.into()), &[rate(of.by_size), rate(of.by_units), rate(of.partitions)]))
        }
    };
    let hot = &plan.hot;
    let per_s = |of: Option<f64>| of.map(|of| format!("{}/s", rate(of)));
    let share = |of: Option<f64>| {
        of.map(|of| {
            if of >= 1.0 {
                "never: one key may take all".into()
            } else {
                format!("above {}", percent(of))
            }
        })
    };
    let facts = [
        ("requests for one key, reads", per_s(hot.reads_per_s)),
        ("requests for one key, writes", per_s(hot.writes_per_s)),
        ("one key throttles, of the reads at the peak", share(hot.read_share)),
        ("one key throttles, of the writes at the peak", share(hot.write_share)),
        ("the busiest key's share", hot.busiest_share.map(percent)),
    ];
    html! {
        (table("Partitions", &head, &rows))
        p.small { "A partition holds 10 GB and takes 3,000 read and 1,000 write units a second. Units are those of the peak." }
        h3 { "The ceiling of one key" }
        dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (or_absent(value.as_deref())) } } } }
    }
}

fn machines(plan: &Plan) -> Markup {
    let Some(of) = &plan.machines else {
        return html! {
            p.absent { "Not measured." }
            p.small { "flywheel plan --measured FOLDER takes a folder of flywheel run or flywheel search, and says how many cores, disks and machines \
                the same load needs." }
        };
    };
    let stick = &of.yardstick;
    let absent = |value: Option<String>| value;
    let facts = [
        ("one machine does", Some(format!("{} operations/s", rate(stick.ops_per_s)))),
        ("which is", Some(stick.meaning.clone())),
        ("measured by", Some(stick.source.clone())),
        (
            "knee of latency against throughput",
            stick.knee_per_s.map(|knee| format!("{}/s", rate(knee))),
        ),
        ("this plan's peak", Some(format!("{} operations/s", rate(of.peak_ops_per_s)))),
        ("of what one machine does", Some(percent(of.load_of_one))),
        (
            "headroom of one machine at the peak",
            Some(match of.load_of_one {
                load if load < 1.0 => percent(1.0 - load),
                _ => "none: one is not enough".into(),
            }),
        ),
        ("machines, each loaded to at most 70 %", Some(rate(of.machines))),
        ("their cores", absent(of.cores.map(rate))),
        ("their disks", Some(rate(of.disks))),
        ("on each disk", Some(bytes(of.gb_each * 1e9))),
    ];
    html! {
        dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (or_absent(value.as_deref())) } } } }
        p.small { "Taken in proportion from a run of another mix, on the machine that it names; copies for safety are not counted. One machine is what \
            this engine runs on: for several, tables are dealt among them." }
    }
}

fn growth(plan: &Plan) -> Markup {
    let head = header(
        "months from now",
        &[
            "load",
            "storage",
            "on demand",
            "auto scaled",
            "cheapest without a term",
            "partitions",
            "machines",
        ],
    );
    let rows = html! {
        @for of in &plan.growth {
            (row(&count(of.months.into()), &[
                format!("x {}", ratio(of.factor)),
                bytes(of.storage_gb * 1e9),
                usd(of.on_demand_usd),
                usd(of.auto_scaled_usd),
                of.cheapest.clone(),
                rate(of.partitions),
                of.machines.map_or("-".into(), rate),
            ]))
        }
    };
    let growth = plan.inputs.iter().find(|fact| fact.name == "growth");
    html! {
        (table("Growth", &head, &rows))
        @if let Some(growth) = growth {
            p.small { "Load and storage grow by " (growth.value) " (" (growth.origin.name()) "): --growth-percent." }
        }
    }
}

fn sensitivities(plan: &Plan) -> Markup {
    let head = header(
        "if",
        &["recommended way's bill", "on demand", "auto scaled", "cheapest without a term"],
    );
    let rows = html! {
        @for of in &plan.sensitivities {
            (row(&of.change, &[
                format!("x {}", ratio(of.ratio)),
                usd(of.on_demand_usd),
                usd(of.auto_scaled_usd),
                of.cheapest.clone(),
            ]))
        }
    };
    html! {
        (table("Sensitivities", &head, &rows))
        p.small { "Writes are counted in steps of 1 KB and strong reads in steps of 4 KB, so a little more can cost a step, or nothing." }
    }
}

fn doubts(plan: &Plan) -> Vec<String> {
    let mut doubts = vec![format!("Confidence is {}.", plan.verdict.confidence)];
    doubts.extend(plan.verdict.doubts.iter().cloned());
    doubts
}

fn inputs(plan: &Plan) -> Markup {
    let head =
        html! { tr { @for name in ["input", "value", "origin"] { th scope="col" { (name) } } } };
    let rows = html! {
        @for of in &plan.inputs {
            tr { th scope="row" { (of.name) } td { (of.value) } td { (of.origin.name()) } }
        }
    };
    table("Inputs", &head, &rows)
}

fn prices(plan: &Plan) -> Markup {
    let of = &plan.prices;
    let class = |name: &str, of: &flywheel_capacity::prices::ClassPrices| {
        let figures =
            [of.wru_million, of.rru_million, of.wcu_hour, of.rcu_hour, of.storage_gb_month];
        row(name, &figures.map(|usd| usd.to_string()))
    };
    let head = header(
        "class",
        &["million writes", "million reads", "write unit, hour", "read unit, hour", "GB, month"],
    );
    let rows = html! { (class("Standard", &of.standard)) (class("Standard-IA", &of.standard_ia)) };
    let lots = |name: &str, of: &flywheel_capacity::prices::ReservedPrices| {
        row(
            name,
            &[of.wcu_upfront, of.wcu_hour, of.rcu_upfront, of.rcu_hour].map(|usd| usd.to_string()),
        )
    };
    let lots_head = header(
        "100 units reserved for",
        &["writes at once", "writes, hour", "reads at once", "reads, hour"],
    );
    let lots_rows = html! { (lots("1 year", &of.reserved_1y_per_100)) (lots("3 years", &of.reserved_3y_per_100)) };
    let origins: Vec<String> =
        of.origins.iter().map(|origin| format!("{}: {}", origin.name, origin.from)).collect();
    html! {
        (table("Prices of units", &head, &rows))
        (table("Prices of reservations", &lots_head, &lots_rows))
        p.small { (of.source) ", " (of.date) ", " (of.region) ", " (of.currency) ". " (origins.join("; ")) ". Another file: --prices FILE." }
    }
}

fn files() -> Markup {
    html! {
        ul.files {
            li { a href="plan.json" { "plan.json" } ": everything on this page, and the course of each simulation" }
            li { a href="summary.txt" { "summary.txt" } ": the page in a page of text" }
        }
    }
}
