//! A plan for the terminal: the verdict, the ways to pay, what scaling needs. Plain text; works nothing out.

use super::conclude::usd;
use super::schema::{Plan, Replay, ReplayedSide, Scaled, WayToPay};
use crate::table::{new_table, render};
use crate::units::{count, percent, rate, ratio};

/// The plan in a page of text. Ends in a line break.
pub fn plan_summary(plan: &Plan) -> String {
    let verdict = &plan.verdict;
    let mut lines = vec![format!("plan: {}", plan.title), String::new()];
    lines.push(format!("{}.", verdict.sentence));
    lines.extend(verdict.commitment.clone());
    lines.push(String::new());
    lines.push(ways(plan));
    lines.push(String::new());
    lines.push(scaled(&plan.scaled));
    if let Some(of) = &plan.replay {
        lines.push(String::new());
        lines.push(replayed(of));
    }
    for (heading, sentences) in [
        ("what would flip it", &verdict.flips),
        ("risks", &verdict.risks),
        ("doubts", &verdict.doubts),
    ] {
        if !sentences.is_empty() {
            lines.push(String::new());
            lines.push(format!("{heading}:"));
            lines.extend(sentences.iter().map(|sentence| format!("- {sentence}")));
        }
    }
    lines.push(String::new());
    lines.push(format!("confidence  {}", verdict.confidence));
    let of = &plan.prices;
    lines.push(format!("prices      {} of {}, {}", of.date, of.region, of.currency));
    let machines = plan.machines.as_ref().map_or_else(
        || "not measured: --measured FOLDER takes a run or a search".to_owned(),
        |of| {
            let (machines, load) = (rate(of.machines), percent(of.load_of_one));
            format!("{machines}; the peak is {load} of what one does")
        },
    );
    lines.push(format!("machines    {machines}"));
    lines.join("\n") + "\n"
}

fn ways(plan: &Plan) -> String {
    let head = ["way to pay", "monthly", "upfront", "a month on average", "throttled"];
    let mut table = new_table(&head);
    for way in &plan.options {
        let mark = if way.name == plan.verdict.option { " *" } else { "" };
        table.add_row([
            format!("{}{mark}", way.title),
            usd(way.monthly_usd),
            if way.upfront_usd > 0.0 { usd(way.upfront_usd) } else { "-".into() },
            usd(way.effective_monthly_usd),
            throttled(way),
        ]);
    }
    render(table, &[0])
}

pub(crate) fn throttled(way: &WayToPay) -> String {
    match way.throttled_share {
        None => "-".into(),
        Some(0.0) => "none".into(),
        Some(share) if share < 1e-4 => "< 0.01 %".into(),
        Some(share) => percent(share),
    }
}

fn scaled(scaled: &[Scaled]) -> String {
    let head =
        ["auto scaling", "unit", "minimum", "maximum", "target", "mean asked", "mean provided"];
    let mut table = new_table(&head);
    for of in scaled.iter().filter(|of| of.asked_mean > 0.0) {
        table.add_row([
            of.resource.clone(),
            of.unit.clone(),
            rate(of.minimum_units),
            rate(of.maximum_units),
            format!("{} %", of.target_percent),
            rate(of.asked_mean),
            rate(of.capacity_mean),
        ]);
    }
    render(table, &[0, 1])
}

fn replayed(replay: &Replay) -> String {
    let head =
        ["the trace, replayed", "units/s", "requests", "throttled", "share", "first", "last"];
    let mut table = new_table(&head);
    for (name, of) in [("reads", &replay.reads), ("writes", &replay.writes)] {
        let [first, last] = throttled_times(of);
        table.add_row([
            name.to_owned(),
            ratio(of.provisioned_units),
            count(of.requests),
            count(of.throttled_requests),
            percent(of.throttled_share),
            first,
            last,
        ]);
    }
    render(table, &[0])
}

/// When the first and the last request was throttled.
pub(crate) fn throttled_times(of: &ReplayedSide) -> [String; 2] {
    [of.first_throttled_s, of.last_throttled_s]
        .map(|second| second.map_or("-".into(), |second| format!("{} s", count(second))))
}
