//! The colours that plots are drawn with, and their marks. Plotters knows RGB only, so each ink is a marker colour that
//! becomes a CSS variable once the SVG stands; which colour that is, `style.css` alone decides.

use maud::{Markup, html};
use plotters::style::RGBColor;

/// Red of every ink; with a green of `SOLID`, `DASHED` or `DOTTED` nothing else looks like one.
const RED: u8 = 0xF1;
const SOLID: u8 = 0xE1;
const DASHED: u8 = 0xE2;
const DOTTED: u8 = 0xE3;

pub(super) const GRID: RGBColor = RGBColor(RED, SOLID, 0);
pub(super) const AXIS: RGBColor = RGBColor(RED, SOLID, 1);
pub(super) const TEXT: RGBColor = RGBColor(RED, SOLID, 2);
pub(super) const MUTED: RGBColor = RGBColor(RED, SOLID, 3);
pub(super) const TARGET: RGBColor = RGBColor(RED, SOLID, 4);
pub(super) const HEAT: RGBColor = RGBColor(RED, SOLID, 5);
pub(super) const BACKGROUND: RGBColor = RGBColor(RED, SOLID, 12);
pub(super) const SERIES: [RGBColor; 6] = [
    RGBColor(RED, SOLID, 6),
    RGBColor(RED, SOLID, 7),
    RGBColor(RED, SOLID, 8),
    RGBColor(RED, SOLID, 9),
    RGBColor(RED, SOLID, 10),
    RGBColor(RED, SOLID, 11),
];

/// The CSS variable of each ink, by its blue.
const VARIABLES: [&str; 13] =
    ["grid", "axis", "text", "muted", "target", "heat", "c1", "c2", "c3", "c4", "c5", "c6", "bg"];

/// The same ink as a broken line.
pub(super) const fn dashed(ink: RGBColor) -> RGBColor {
    RGBColor(ink.0, DASHED, ink.2)
}

/// The same ink as a line of dots.
pub(super) const fn dotted(ink: RGBColor) -> RGBColor {
    RGBColor(ink.0, DOTTED, ink.2)
}

/// What stands in an SVG attribute after the name's `="`, for the marker `#RRGGBB`; `None` if it is no ink.
pub(super) fn css(marker: &str) -> Option<String> {
    let number = u32::from_str_radix(marker.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    let variable = VARIABLES.get(usize::from(blue)).filter(|_| red == RED)?;
    let dashes = match green {
        SOLID => "",
        DASHED => "\" stroke-dasharray=\"28 18",
        DOTTED => "\" stroke-linecap=\"round\" stroke-dasharray=\"1 20",
        _ => return None,
    };
    Some(format!("var(--{variable}){dashes}"))
}

/// The form of a point, for eyes that do not tell colours apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Triangle,
    Square,
    Diamond,
    Cross,
    Bar,
}

impl Shape {
    /// Where the strokes of a mark of radius `r` around (0, 0) go; a circle is drawn as one.
    pub(super) fn corners(self, r: i32) -> Vec<(i32, i32)> {
        match self {
            Self::Circle => Vec::new(),
            Self::Triangle => vec![(0, -r), (r, r), (-r, r)],
            Self::Square => vec![(-r, -r), (r, -r), (r, r), (-r, r)],
            Self::Diamond => vec![(0, -r - r / 3), (r + r / 3, 0), (0, r + r / 3), (-r - r / 3, 0)],
            Self::Cross => {
                let t = r / 3;
                let upper = [(-r, -r + t), (-r + t, -r), (0, -t), (r - t, -r), (r, -r + t), (t, 0)];
                let lower = upper.map(|(x, y)| (-x, -y));
                [upper, lower].concat()
            }
            Self::Bar => vec![(-r / 3, -r), (r / 3, -r), (r / 3, r), (-r / 3, r)],
        }
    }
}

/// How a line of the legend looks.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub ink: RGBColor,
    pub line: bool,
    pub shape: Option<Shape>,
}

/// One entry of a legend.
pub(super) struct Entry {
    pub look: Look,
    pub text: String,
}

/// A list of what means what. In HTML, so that it wraps on a phone.
pub(super) fn legend(entries: &[Entry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            ul.legend { @for entry in entries { li { (swatch(entry.look)) (entry.text) } } }
        }
    }
}

fn swatch(look: Look) -> Markup {
    // Drawn in the units of the plots, four to a pixel, so that dashes look alike.
    let RGBColor(red, green, blue) = look.ink;
    let variable = |green| css(&format!("#{red:02X}{green:02X}{blue:02X}")).unwrap_or_default();
    let ink = variable(SOLID);
    let dashes = match green {
        DASHED => "28 18",
        DOTTED => "1 20",
        _ => "none",
    };
    let points = |shape: Shape| {
        let corners = shape.corners(17);
        let text: Vec<String> =
            corners.iter().map(|(x, y)| format!("{},{}", x + 68, y + 28)).collect();
        text.join(" ")
    };
    html! {
        svg.swatch viewBox="0 0 136 56" aria-hidden="true" {
            @if look.line {
                path d="M2 28H134" fill="none" stroke=(ink) stroke-width="8" stroke-dasharray=(dashes)
                    stroke-linecap=(if green == DOTTED { "round" } else { "butt" }) {}
            }
            @match look.shape {
                None => {},
                Some(Shape::Circle) => circle cx="68" cy="28" r="17" fill=(ink) {},
                Some(shape) => polygon points=(points(shape)) fill=(ink) {},
            }
        }
    }
}
