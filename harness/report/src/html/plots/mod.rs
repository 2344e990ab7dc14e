//! The plots of a report, one room each, drawn by plotters. They take figures as a result holds them and judge none.
//!
//! | Room | Shows |
//! |---|---|
//! | `spectrum` | which share of operations took at most how long |
//! | `timeline` | throughput, latency, throttling, compaction and events, second by second |
//! | `heat_map` | how many operations took how long, when |
//! | `curve` | latency against throughput, with target, knee and chosen rate |
//! | `overlay` | one figure of several runs over time |
//! | `forest` | ratios with their intervals |
//! | `plan` | cost against utilisation; capacity that follows a load |
//! | `ink`, `svg`, `axes` | colours and marks; from plotters' SVG to the page's; scales |

mod axes;
mod curve;
mod forest;
mod heat_map;
mod ink;
mod overlay;
mod plan;
mod spectrum;
mod svg;
mod timeline;

use maud::{Markup, html};

pub(super) use curve::curve;
pub(super) use forest::forest;
pub(super) use heat_map::heat_map;
pub(super) use overlay::{Lines, Scale, overlay};
pub(super) use plan::{break_even, course};
pub(super) use spectrum::spectrum;
pub(super) use timeline::timeline;

use ink::Entry;

/// A plot with its legend and a sentence on how to read it.
fn figure(legend: &[Entry], plot: &Markup, how_to_read: &str) -> Markup {
    html! {
        figure {
            (ink::legend(legend))
            (plot)
            figcaption { details { summary { "How to read this" } p { (how_to_read) } } }
        }
    }
}
