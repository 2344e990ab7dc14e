//! A plot as inline SVG: drawn by plotters, then made fit for a page. Inks become CSS variables, what the page's style
//! sheet says anyway goes, rows of like rectangles become one path. Knows no data.

use std::fmt::Write as _;
use std::io;

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::SVGBackend;

use super::ink;

/// Plotters rounds to whole units: four of them to a CSS pixel keep steep lines smooth.
pub(super) const UNITS_PER_PX: i32 = 4;

/// CSS pixels in the plot's units.
pub(super) const fn px(pixels: i32) -> i32 {
    pixels * UNITS_PER_PX
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Failure = DrawingAreaErrorKind<io::Error>;

/// For which width a plot is drawn; the style sheet shows one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Screens and paper.
    Wide,
    /// Phones: fewer pixels across, the same size of text.
    Narrow,
}

impl Format {
    pub(super) fn is_wide(self) -> bool {
        self == Self::Wide
    }

    /// Width in CSS pixels at which text has its nominal size.
    pub(super) fn width_px(self) -> i32 {
        if self.is_wide() { 960 } else { 400 }
    }

    fn class(self) -> &'static str {
        if self.is_wide() { "wide" } else { "narrow" }
    }
}

/// A place that tells its figures when pointed at, in the plot's units.
pub(super) struct Spot {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    pub text: String,
}

/// The same plot for screens and for phones. `label` says in a sentence what it shows, for those who cannot see it.
pub(super) fn both_formats(
    label: &str,
    height_px: impl Fn(Format) -> i32,
    draw: impl Fn(Format, &Area<'_>, &mut Vec<Spot>) -> Result<(), Failure>,
) -> Markup {
    let one = |format: Format| plot(label, format, height_px(format), &draw);
    html! { (one(Format::Wide)) (one(Format::Narrow)) }
}

fn plot(
    label: &str,
    format: Format,
    height_px: i32,
    draw: impl Fn(Format, &Area<'_>, &mut Vec<Spot>) -> Result<(), Failure>,
) -> Markup {
    let (width, height) = (px(format.width_px()), px(height_px));
    let mut drawn = String::new();
    let mut spots = Vec::new();
    let outcome = {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        draw(format, &area, &mut spots).and_then(|()| area.present())
    };
    if let Err(failure) = outcome {
        return html! { p.absent { "This plot could not be drawn: " (failure) } };
    }
    // Only a pointer can ask for them, and phones have none.
    let spots = if format.is_wide() { spots.as_slice() } else { &[] };
    html! {
        svg.plot.(format.class()) viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(label) {
            (PreEscaped(fit_for_a_page(&drawn)))
            @for spot in spots {
                rect.spot x=(spot.x) y=(spot.y) width=(spot.width) height=(spot.height) {
                    title { (spot.text) }
                }
            }
        }
    }
}

/// What plotters wrote between `<svg>` and `</svg>`, without what need not be said.
fn fit_for_a_page(drawn: &str) -> String {
    let mut page = String::with_capacity(drawn.len() / 2);
    let mut together = Together::default();
    for line in drawn.lines() {
        // Text is escaped: a line of it never begins with a bracket.
        if !line.starts_with('<') {
            page.push_str(line);
            continue;
        }
        if line.starts_with("<svg") || line.starts_with("</svg") {
            continue;
        }
        let line = with_css_inks(line)
            .replace(" opacity=\"1\"", "")
            .replace(" stroke=\"none\"", "")
            .replace(" font-family=\"sans-serif\"", "")
            .replace(" \"/>", "\"/>");
        together.push(&line, &mut page);
    }
    together.end_into(&mut page);
    page
}

fn with_css_inks(line: &str) -> String {
    let mut changed = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\"#") {
        let (before, marker) = rest.split_at(at + 1);
        changed.push_str(before);
        let (marker, after) = marker.split_at_checked(7).unwrap_or((marker, ""));
        changed.push_str(&ink::css(marker).unwrap_or_else(|| marker.to_owned()));
        rest = after;
    }
    changed + rest
}

/// Filled rectangles of one look that follow each other: a heat map has ten thousand of them.
#[derive(Default)]
struct Together {
    path: String,
    look: String,
}

impl Together {
    fn push(&mut self, element: &str, page: &mut String) {
        match as_path(element) {
            Some((path, look)) => {
                if look != self.look {
                    self.end_into(page);
                    self.look = look;
                }
                self.path.push_str(&path);
            }
            None => {
                self.end_into(page);
                page.push_str(element);
            }
        }
    }

    fn end_into(&mut self, page: &mut String) {
        if !self.path.is_empty() {
            let _ = write!(page, "<path d=\"{}\"{}/>", self.path, self.look);
            self.path.clear();
            self.look.clear();
        }
    }
}

/// `<rect x=".." y=".." width=".." height=".."LOOK/>` as path data and its look.
fn as_path(element: &str) -> Option<(String, String)> {
    let mut rest = element.strip_prefix("<rect")?.strip_suffix("/>")?;
    let mut sides = [""; 4];
    for (side, name) in sides.iter_mut().zip([" x=\"", " y=\"", " width=\"", " height=\""]) {
        let (value, after) = rest.strip_prefix(name)?.split_once('"')?;
        *side = value;
        rest = after;
    }
    let [x, y, width, height] = sides;
    let outlined = rest.contains("fill=\"none\"");
    (!outlined).then(|| (format!("M{x} {y}h{width}v{height}h-{width}z"), rest.to_owned()))
}
