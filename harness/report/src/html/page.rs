//! The frame of every page, and pages put together from parts. Knows no run: who compares or searches says what a
//! page tells.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{headline, parts, plots};
use crate::curve::LatencyCurve;
use crate::ratio_table::RatioTable;
use crate::units::{fine_ratio, rate, time};
use crate::{RunResult, Verdict};

const STYLE: &str = include_str!("style.css");

/// A page with its style inside; `body` is trusted, `title` is not.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is fetched, not even an icon.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                footer {
                    p {
                        "Times are response times unless said otherwise: from the intended start of an operation to its end. \
                        Units: us microseconds, ms milliseconds; KB, MB and GB are powers of 1000. Written by Flywheel "
                        (env!("CARGO_PKG_VERSION")) "."
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

/// What a badge says beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As wished.
    Good,
    /// Neither proven nor refuted.
    Open,
    /// Not as wished.
    Bad,
    /// The figures are not to be trusted.
    Fault,
}

impl Tone {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Met => Self::Good,
            Verdict::Missed | Verdict::Unsustained => Self::Bad,
            Verdict::Fault => Self::Fault,
        }
    }
}

/// A word on a ground, with a sign for eyes that do not tell the grounds apart.
pub(super) fn badge(tone: Tone, words: &str) -> Markup {
    let (class, sign) = match tone {
        Tone::Good => ("good", "✓"),
        Tone::Open => ("open", "?"),
        Tone::Bad => ("bad", "▲"),
        Tone::Fault => ("fault", "✕"),
    };
    html! { span.badge.(class) { span aria-hidden="true" { (sign) } " " (words) } }
}

/// A page of several parts: of a comparison, of a search for the highest rate, of a suite. Parts stand in the order in
/// which they are given; those without data are left out.
///
/// ```
/// use flywheel_report::{RatioRow, RatioTable, Report, Tone};
///
/// let row = RatioRow { label: "throughput".into(), low: 0.98, estimate: 1.01, high: 1.04, note: "8 pairs".into() };
/// let ratios = RatioTable { rows: vec![row], threshold: Some((0.97, 1.03)), ..RatioTable::default() };
/// let page = Report::new("New build against old")
///     .badge(Tone::Good, "equivalent")
///     .lead("No figure moved by more than 3 %.")
///     .ratios("New over old", &ratios)
///     .to_html();
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    badge: Option<(Tone, String)>,
    leads: Vec<String>,
    parts: Vec<Markup>,
}

impl Report {
    /// A page with nothing but a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), badge: None, leads: Vec::new(), parts: Vec::new() }
    }

    /// The verdict in a word.
    pub fn badge(mut self, tone: Tone, words: impl Into<String>) -> Self {
        self.badge = Some((tone, words.into()));
        self
    }

    /// A paragraph under the title.
    pub fn lead(mut self, words: impl Into<String>) -> Self {
        self.leads.push(words.into());
        self
    }

    /// Ratios as a forest plot, and as a table below it.
    pub fn ratios(self, heading: &str, table: &RatioTable) -> Self {
        let plot = plots::forest(table);
        let content = plot.map(|plot| html! { (plot) (ratio_table(table)) });
        self.part(heading, content)
    }

    /// Latency against throughput, and its points as a table.
    pub fn curve(self, heading: &str, curve: &LatencyCurve) -> Self {
        let plot = plots::curve(curve);
        let content = plot.map(|plot| html! { (plot) (curve_table(curve)) });
        self.part(heading, content)
    }

    /// What is drawn already.
    pub(super) fn plot(self, heading: &str, plot: Option<Markup>) -> Self {
        self.part(heading, plot)
    }

    /// Runs, a row each.
    pub fn runs(self, heading: &str, runs: &[RunResult]) -> Self {
        let table = (!runs.is_empty()).then(|| headline::runs_table(heading, runs));
        self.part(heading, table)
    }

    /// Sentences.
    pub fn remarks(self, heading: &str, sentences: &[String]) -> Self {
        let content = (!sentences.is_empty())
            .then(|| html! { @for sentence in sentences { p { (sentence) } } });
        self.part(heading, content)
    }

    /// A table whose first column names its rows; the others are figures, to the right.
    pub fn table<const N: usize>(
        self,
        heading: &str,
        head: [&str; N],
        rows: &[[String; N]],
    ) -> Self {
        let head = html! {
            tr { @for (index, name) in head.iter().enumerate() {
                th.number[index > 0] scope="col" { (name) } } }
        };
        let content = (!rows.is_empty()).then(|| {
            let rows = html! {
                @for row in rows {
                    tr {
                        @for (index, cell) in row.iter().enumerate() {
                            @if index == 0 { th scope="row" { (cell) } } @else { td.number { (cell) } }
                        }
                    }
                }
            };
            parts::table(heading, &head, &rows)
        });
        self.part(heading, content)
    }

    /// Names with what they stand for.
    pub fn facts<'a>(
        self,
        heading: &str,
        facts: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        let facts: Vec<_> = facts.collect();
        let head = html! { tr { th scope="col" { "setting" } th scope="col" { "value" } } };
        let content = (!facts.is_empty()).then(|| {
            let rows = html! {
                @for (name, value) in &facts { tr { th scope="row" { (name) } td { (value) } } }
            };
            parts::table(heading, &head, &rows)
        });
        self.part(heading, content)
    }

    /// Text such as a command or a fingerprint, as it is.
    pub fn verbatim(self, heading: &str, text: &str) -> Self {
        let content = (!text.is_empty()).then(|| html! { pre { (text) } });
        self.part(heading, content)
    }

    /// The page.
    pub fn to_html(&self) -> String {
        let body = html! {
            header {
                p.kicker { "Flywheel report" }
                h1 { (self.title) }
                @if let Some((tone, words)) = &self.badge { p.verdict { (badge(*tone, words)) } }
                @for lead in &self.leads { p.lead { (lead) } }
            }
            @for part in &self.parts { (part) }
        };
        page(&self.title, &body)
    }

    fn part(mut self, heading: &str, content: Option<Markup>) -> Self {
        let id = format!("part-{}", self.parts.len() + 1);
        self.parts.extend(parts::section(&id, heading, content));
        self
    }
}

fn ratio_table(table: &RatioTable) -> Markup {
    let head = html! {
        tr { th scope="col" { "ratio" } @for name in ["low", "estimate", "high"] { th.number scope="col" { (name) } }
            th scope="col" { "note" } }
    };
    let rows = html! {
        @for row in &table.rows {
            tr {
                th scope="row" { (row.label) }
                @for ratio in [row.low, row.estimate, row.high] { td.number { (fine_ratio(ratio)) } }
                td { (row.note) }
            }
        }
    };
    parts::table("Ratios", &head, &rows)
}

fn curve_table(curve: &LatencyCurve) -> Markup {
    let mut points = curve.points.clone();
    points.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    let head = html! {
        tr { @for name in ["rate", "p50", "p99", "p99.9"] { th.number scope="col" { (name) } }
            th scope="col" { "outcome" } }
    };
    let rows = html! {
        @for point in &points {
            tr {
                td.number { (rate(point.rate_per_s)) "/s" }
                @for us in [point.p50_us, point.p99_us, point.p999_us] {
                    td.number.meaningless[!point.sustained] { (time(us)) }
                }
                td { (outcome(point.sustained, point.p99_us, curve.target_p99_us)) }
            }
        }
    };
    parts::table("Runs of the curve", &head, &rows)
}

fn outcome(sustained: bool, p99_us: f64, target_us: f64) -> &'static str {
    match sustained {
        false => "rate not sustained",
        true if p99_us <= target_us => "within target",
        true => "target missed",
    }
}
