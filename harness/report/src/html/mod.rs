//! One self-contained HTML file per run: figures, plots and where they come from, without scripts and without anything
//! fetched. Made from the result alone, so that an old `result.json` renders again. Judges nothing: the verdict is made
//! elsewhere, and what was not measured is left out or said to be absent, never shown as zero.
//!
//! | Room | Holds |
//! |---|---|
//! | `page` | the frame of every page, and pages put together from parts: comparisons, searches |
//! | `parts` | lists of figures, tables, a section with its heading |
//! | `headline` | what was run, the verdict in words, the key figures |
//! | `operations` | the table of times |
//! | `measured` | device, engine, generator, preparation, checks |
//! | `origin` | environment, settings, properties, command, twin files |
//! | `plan` | the page of a capacity plan |
//! | `compared` | the page of a comparison of results |
//! | `several` | pages of searches and of comparisons with peers |
//! | `plots` | the plots |

mod compared;
mod headline;
mod measured;
mod operations;
mod origin;
mod page;
mod parts;
mod plan;
mod plots;
mod several;

use maud::{Markup, html};

use crate::{RunResult, Throttling};

pub use compared::compare_report;
pub use page::{Report, Tone};
pub use plan::plan_report;
pub use several::{peers_report, search_report};

/// The page of a run. It stands beside `result.json`, to which it links by name.
pub fn run_report(result: &RunResult) -> String {
    let target_us = result.target.p99_us;
    let throttled = result.throttling.as_ref().and_then(Throttling::sentence);
    let sections = [
        headline::key_figures(result),
        operations::operations(result),
        parts::section(
            "spectrum",
            "Percentile spectrum",
            plots::spectrum(&result.operations, target_us),
        ),
        parts::section(
            "timeline",
            "Timeline",
            joined(vec![
                throttled.map(|sentence| html! { p { "Throttled: " (sentence) "." } }),
                plots::timeline(&result.intervals, &result.events, target_us),
            ]),
        ),
        parts::section("heat-map", "Heat map", plots::heat_map(&result.heat_map, target_us)),
        measured::device(result),
        measured::engine(result),
        measured::generator(result),
        measured::preparation(result),
        measured::checks(result),
        origin::environment(&result.environment),
        origin::named("settings", "Settings of the system", &result.settings),
        origin::named("properties", "Properties of the workload", &result.properties),
        origin::command(result),
        origin::files(),
    ];
    let body = html! { (headline::headline(result)) @for part in sections.into_iter().flatten() { (part) } };
    page::page(&headline::title(result), &body)
}

/// Those of the parts that there are; `None` without any.
fn joined(parts: Vec<Option<Markup>>) -> Option<Markup> {
    let parts: Vec<Markup> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| html! { @for part in &parts { (part) } })
}
