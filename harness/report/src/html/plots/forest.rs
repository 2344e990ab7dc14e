//! The forest plot: ratios with their intervals on one scale, a line where there is no difference, a band where there
//! is none in practice. An interval is drawn as given; whether it decides anything is said elsewhere.

use maud::Markup;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{EmptyElement, Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::axes::{Axis, Space, chart, line, mark, text, thick, trimmed};
use super::figure;
use super::ink::{self, Shape};
use super::svg::{Failure, Format, both_formats, px};
use crate::ratio_table::{RatioRow, RatioTable};
use crate::units;

const TOP_PX: i32 = 30;
const BOTTOM_PX: i32 = 46;
/// The least distance that the scale shows on each side of the reference: differences below look like none.
const LEAST_REACH: f64 = 1.05;

/// Beyond a factor of a trillion a scale shows nothing anyway.
const LEAST: f64 = 1e-12;
const MOST: f64 = 1e12;

/// The logarithm of a ratio above 0.
fn log(ratio: f64) -> f64 {
    ratio.clamp(LEAST, MOST).log10()
}

/// `None` if no row has a ratio that a logarithmic scale can show.
pub(in crate::html) fn forest(table: &RatioTable) -> Option<Markup> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let rows: Vec<&RatioRow> = table.rows.iter().filter(|row| positive(row.estimate)).collect();
    if rows.is_empty() {
        return None;
    }
    let reference =
        if positive(table.reference) { table.reference.clamp(LEAST, MOST) } else { 1.0 };
    let height = |format: Format| {
        let row_px = if format.is_wide() { 36 } else { 58 };
        TOP_PX + row_px * rows.len() as i32 + BOTTOM_PX
    };
    let draw = |format: Format, area: &DrawingArea<SVGBackend<'_>, Shift>, _: &mut Vec<_>| {
        draw(&rows, reference, table.threshold, format, area)
    };
    let how = "A square is a ratio, the line through it the interval that holds the truth in 95 of 100 cases. An interval \
        that crosses the upright line may be no difference at all; one inside the band is none that matters.";
    let plot = both_formats("Ratios with their intervals, on a logarithmic scale", height, draw);
    Some(figure(&[], &plot, how))
}

fn draw(
    rows: &[&RatioRow],
    reference: f64,
    threshold: Option<(f64, f64)>,
    format: Format,
    area: &DrawingArea<SVGBackend<'_>, Shift>,
) -> Result<(), Failure> {
    let x = scale(rows, reference, threshold, if format.is_wide() { 7 } else { 5 });
    let count = rows.len() as f64;
    let y =
        Axis { low: 0.0, high: count, ticks: Vec::new(), lines: Vec::new(), title: String::new() };
    let space = match format {
        Format::Wide => Space { left: 260, right: 244, top: TOP_PX, bottom: BOTTOM_PX },
        Format::Narrow => Space { left: 8, right: 16, top: TOP_PX, bottom: BOTTOM_PX },
    };
    let mut chart = chart(area, &x, &y, space)?;
    if let Some((low, high)) = threshold.filter(|(low, high)| *low > 0.0 && high > low) {
        let corners = [(x.clip(log(low)), count), (x.clip(log(high)), 0.0)];
        chart
            .draw_series(std::iter::once(Rectangle::new(corners, ink::MUTED.mix(0.16).filled())))?;
    }
    let middle = x.clip(log(reference));
    line(&mut chart, [(middle, 0.0), (middle, count)], thick(ink::AXIS))?;
    let (width, _) = area.dim_in_pixel();
    for (index, row) in rows.iter().enumerate() {
        // On a phone the words stand above the interval.
        let share = if format.is_wide() { 0.5 } else { 0.24 };
        let height = count - index as f64 - 1.0 + share;
        let ends = [row.low, row.high].map(|end| if end > 0.0 { x.clip(log(end)) } else { x.low });
        let at = |across: f64| (across, height);
        line(&mut chart, [at(ends[0]), at(ends[1])], thick(ink::SERIES[0]))?;
        for end in ends {
            mark(&mut chart, at(end), Shape::Bar, 6, ink::SERIES[0])?;
        }
        mark(&mut chart, at(x.clip(log(row.estimate))), Shape::Square, 5, ink::SERIES[0])?;
        let (_, level) = chart.backend_coord(&(x.low, height));
        let figures = format!("{}{}", interval(row), note(row, format));
        let (label_at, figures_at, along) = match format {
            Format::Wide => ((px(4), level), (width as i32 - px(234), level), VPos::Center),
            Format::Narrow => {
                let above = level - px(12);
                ((px(14), above), (width as i32 - px(16), above), VPos::Bottom)
            }
        };
        let across = if format.is_wide() { HPos::Left } else { HPos::Right };
        let most = if format.is_wide() { 36 } else { 26 };
        let label =
            Text::new(shortened(&row.label, most), label_at, text(ink::TEXT, HPos::Left, along));
        area.draw(&label)?;
        area.draw(&Text::new(figures, figures_at, text(ink::TEXT, across, along)))?;
    }
    let name = format!("{} = no difference", trimmed(&units::ratio(reference)));
    let style = text(ink::MUTED, HPos::Center, VPos::Bottom);
    let label = EmptyElement::at((middle, count)) + Text::new(name, (0, -px(4)), style);
    chart.draw_series(std::iter::once(label))?;
    Ok(())
}

fn interval(row: &RatioRow) -> String {
    let [low, estimate, high] = [row.low, row.estimate, row.high].map(units::fine_ratio);
    if low == high { estimate } else { format!("{estimate} [{low}, {high}]") }
}

fn note(row: &RatioRow, format: Format) -> String {
    match row.note.as_str() {
        note if format.is_wide() && !note.is_empty() => format!("  {}", shortened(note, 14)),
        _ => String::new(),
    }
}

/// What does not fit ends in an ellipsis; the table below the plot has it whole.
fn shortened(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        return words.into();
    }
    words.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Logarithms of ratios, with ticks at round ratios.
fn scale(rows: &[&RatioRow], reference: f64, band: Option<(f64, f64)>, ticks: usize) -> Axis {
    let ratios = rows.iter().flat_map(|row| [row.low, row.estimate, row.high]);
    let band = band.map(|(low, high)| [low, high]).into_iter().flatten();
    let reach = [reference / LEAST_REACH, reference * LEAST_REACH];
    let positive = ratios.chain(band).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let (low, high) = positive
        .chain(reach)
        .map(log)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), ratio| {
            (low.min(ratio), high.max(ratio))
        });
    let margin = (high - low) * 0.04;
    let (low, high) = (low - margin, high + margin);
    let label = |ratio: f64| {
        if ratio < 0.01 { format!("{ratio:.0e}") } else { trimmed(&units::fine_ratio(ratio)) }
    };
    let at: Vec<f64> = if high - low < 0.5 {
        // Less than a factor of three: evenly, as ratios.
        let (from, to) = (10f64.powf(low), 10f64.powf(high));
        Axis::between(from, to, ticks, false, units::ratio)
            .ticks
            .into_iter()
            .map(|(at, _)| at)
            .collect()
    } else {
        let steps: &[f64] = if high - low < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let decades = low.floor() as i32..=high.ceil() as i32;
        let all =
            decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        let inside: Vec<f64> = all.filter(|ratio| (low..=high).contains(&ratio.log10())).collect();
        let every = inside.len().div_ceil(ticks * 2).max(1);
        inside.into_iter().step_by(every).collect()
    };
    let ticks = at.into_iter().map(|ratio| (ratio.log10(), label(ratio))).collect();
    Axis { low, high, ticks, lines: Vec::new(), title: "ratio".into() }
}
