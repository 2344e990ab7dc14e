//! A gate's result as text for a terminal.

use super::{CounterCheck, CounterRow, CounterVerdict, GateResult, PairedCheck};
use crate::compare::verdict_word;
use crate::table::{new_table, render};
use crate::units::{fine_ratio, percent, rate};

/// The result as tables, and what to know of them. Ends in a line break.
pub fn gate_summary(result: &GateResult) -> String {
    let mut parts = Vec::new();
    parts.extend(result.counters.as_ref().map(counters));
    parts.extend(result.paired.as_ref().map(paired));
    parts.push(format!("gate: {}", result.verdict().word()));
    parts.join("\n\n") + "\n"
}

fn counters(check: &CounterCheck) -> String {
    let mut table = new_table(&["operation", "counter", "budget", "counted", "change", ""]);
    for row in &check.rows {
        table.add_row([
            row.operation.clone(),
            row.counter.name().to_owned(),
            row.budget.map_or("none".into(), number),
            number(row.measured),
            change(row),
            word(row.verdict).to_owned(),
        ]);
    }
    let mut lines =
        vec![format!("per operation, against {}", check.budgets), render(table, &[0, 1, 5])];
    lines.extend(remarks(check));
    lines.join("\n")
}

/// What to know of the counts.
pub(super) fn remarks(check: &CounterCheck) -> Vec<String> {
    let mut remarks: Vec<String> =
        check.not_counted.iter().map(|reason| format!("not counted: {reason}")).collect();
    let count = |verdict| check.rows.iter().filter(|row| row.verdict == verdict).count();
    let (under, without) = (count(CounterVerdict::Under), count(CounterVerdict::NoBudget));
    if under > 0 || without > 0 {
        remarks.push(format!(
            "{under} counts are well below their budgets and {without} have none: flywheel gate --update-budgets keeps \
             what was counted"
        ));
    }
    remarks
}

/// A count as people read it.
pub(super) fn number(count: f64) -> String {
    if count >= 100.0 { format!("{count:.0}") } else { format!("{count:.2}") }
}

/// How far a count is from its budget.
pub(super) fn change(row: &CounterRow) -> String {
    match row.budget {
        Some(budget) if budget > 0.0 => format!("{:+.1} %", (row.measured / budget - 1.0) * 100.0),
        _ => "-".into(),
    }
}

/// A verdict as people read it.
pub(super) fn word(verdict: CounterVerdict) -> &'static str {
    match verdict {
        CounterVerdict::Within => "within",
        CounterVerdict::Over => "OVER",
        CounterVerdict::Under => "below",
        CounterVerdict::NoBudget => "no budget",
    }
}

fn paired(check: &PairedCheck) -> String {
    let mut table = new_table(&["figure", "candidate / baseline", "98.2 % interval", "pairs", ""]);
    for figure in &check.figures {
        let of = &figure.comparison;
        table.add_row([
            figure.figure.label().to_owned(),
            fine_ratio(of.ratio.estimate),
            format!("[{}, {}]", fine_ratio(of.ratio.low), fine_ratio(of.ratio.high)),
            of.pairs.to_string(),
            verdict_of(figure.is_judged, verdict_word(of.verdict)),
        ]);
    }
    format!("{}\n{}\n{}", heading(check), render(table, &[0, 4]), notes(check).join("\n"))
}

/// Of what the pairs are.
pub(super) fn heading(check: &PairedCheck) -> String {
    format!("{} against {}, workload {}", check.candidate.path, check.baseline.path, check.workload)
}

/// What to know of the pairs.
pub(super) fn notes(check: &PairedCheck) -> Vec<String> {
    let mut notes = vec![format!(
        "{} s each in a closed loop, and as long at {}/s for the response times; a change beyond {} matters, of response \
         times beyond {}",
        check.seconds,
        rate(check.rate_per_s),
        percent(check.thresholds.threshold),
        percent(check.thresholds.latency_threshold),
    )];
    notes.extend(check.operation.map(|of| format!("response times are those of {}", of.name())));
    let (baseline, candidate) = check.unsustained();
    notes.extend((baseline + candidate > 0).then(|| {
        format!(
            "of {} pairs only the candidate failed to keep that rate in {candidate}, only the baseline in {baseline}",
            check.valid().count()
        )
    }));
    notes.extend(check.pairs.iter().enumerate().filter_map(|(index, pair)| {
        Some(format!("pair {} is void: {}", index + 1, pair.void.as_ref()?))
    }));
    notes
}

/// Figures that are only shown say so.
pub(super) fn verdict_of(is_judged: bool, word: &str) -> String {
    if is_judged { word.to_owned() } else { format!("{word} (not judged)") }
}
