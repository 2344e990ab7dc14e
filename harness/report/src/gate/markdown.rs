//! A gate's result as Markdown, for the summary of a pull request: what is wrong first, the rest folded away.

use std::fmt::Write as _;

use super::table::{change, heading, notes, number, remarks, verdict_of, word};
use super::{CounterCheck, CounterRow, CounterVerdict, GateResult, PairedCheck};
use crate::compare::verdict_word;
use crate::units::fine_ratio;

/// The result. Ends in a line break.
pub(super) fn summary(result: &GateResult) -> String {
    let mut text = format!("## Performance gate: {}\n", result.verdict().word());
    if let Some(check) = &result.counters {
        counters(&mut text, check);
    }
    if let Some(check) = &result.paired {
        paired(&mut text, check);
    }
    text
}

fn counters(text: &mut String, check: &CounterCheck) {
    let (over, rest): (Vec<&CounterRow>, Vec<&CounterRow>) =
        check.rows.iter().partition(|row| row.verdict == CounterVerdict::Over);
    let _ = writeln!(
        text,
        "\n### Counted per operation\n\n{} of {} counts are over budget ({}).",
        over.len(),
        check.rows.len(),
        escape(&check.budgets)
    );
    if !over.is_empty() {
        rows(text, &over);
    }
    for remark in remarks(check) {
        let _ = writeln!(text, "\n{}", escape(&remark));
    }
    if !rest.is_empty() {
        let _ = writeln!(text, "\n<details><summary>The others</summary>");
        rows(text, &rest);
        let _ = writeln!(text, "\n</details>");
    }
}

fn rows(text: &mut String, rows: &[&CounterRow]) {
    let _ = writeln!(text, "\n| operation | counter | budget | counted | change | |");
    let _ = writeln!(text, "|---|---|--:|--:|--:|---|");
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            escape(&row.operation),
            row.counter.name(),
            row.budget.map_or("none".into(), number),
            number(row.measured),
            change(row),
            word(row.verdict)
        );
    }
}

fn paired(text: &mut String, check: &PairedCheck) {
    let _ = writeln!(text, "\n### Measured in pairs\n\n{}\n", escape(&heading(check)));
    let _ = writeln!(text, "| figure | candidate / baseline | 98.2 % interval | pairs | |");
    let _ = writeln!(text, "|---|--:|--:|--:|---|");
    for figure in &check.figures {
        let of = &figure.comparison;
        let _ = writeln!(
            text,
            "| {} | {} | {} to {} | {} | {} |",
            figure.figure.label(),
            fine_ratio(of.ratio.estimate),
            fine_ratio(of.ratio.low),
            fine_ratio(of.ratio.high),
            of.pairs,
            verdict_of(figure.is_judged, verdict_word(of.verdict))
        );
    }
    for note in notes(check) {
        let _ = writeln!(text, "\n{}", escape(&note));
    }
}

/// Text that Markdown takes as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>|#~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_makes_no_markup() {
        assert_eq!(escape("a|b\n<script> _x_"), r"a\|b \<script\> \_x\_");
    }
}
