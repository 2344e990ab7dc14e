//! Axes with round ticks, and the chart that carries them. All scales are linear to plotters; what is to be logarithmic
//! goes in as its logarithm, so that ticks stand where people look for them. Any figure is drawable: what is not finite
//! is left out, what lies outside is brought to the edge.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, EmptyElement, PathElement, Polygon, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::ink::{self, Shape};
use super::svg::{Failure, Format, px};
use crate::units;

/// Below it a logarithm says nothing: a picosecond.
const LEAST_POSITIVE: f64 = 1e-6;

/// A scale: its ends and what stands where, in the chart's own terms (logarithms on a logarithmic one).
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<(f64, String)>,
    /// Lines without a label.
    pub lines: Vec<f64>,
    pub title: String,
}

impl Axis {
    /// Times in microseconds on a logarithmic scale, all of `values` within it. `ticks` are wanted at most.
    pub(super) fn log_time(values: impl IntoIterator<Item = f64>, ticks: usize) -> Self {
        let (low, high) = ends(values).unwrap_or((1.0, 1000.0));
        // At least a factor of ten, or a flat line looks like noise.
        let (mut low, mut high) = (log(low), log(high));
        if high - low < 1.0 {
            let middle = (low + high) / 2.0;
            (low, high) = (middle - 0.5, middle + 0.5);
        }
        let grid = |low: f64, high: f64, steps: &[f64]| -> Vec<f64> {
            let decades = low.floor() as i32..=high.ceil() as i32;
            let of = |decade: i32| steps.iter().map(move |step| f64::from(decade) + step.log10());
            decades.flat_map(of).collect()
        };
        let all = grid(low - 1.0, high + 1.0, &[1.0, 2.0, 5.0]);
        let low = all.iter().copied().filter(|at| *at <= low + 1e-9).fold(low - 1.0, f64::max);
        let high = all.iter().copied().filter(|at| *at >= high - 1e-9).fold(high + 1.0, f64::min);
        let inside = |at: &f64| (low - 1e-9..=high + 1e-9).contains(at);
        let marks = |steps| grid(low, high, steps).into_iter().filter(inside).collect::<Vec<_>>();
        // The finest that fits; over many decades, every other one or fewer.
        let finest = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]].map(marks);
        let [.., decades] = &finest;
        let marks = finest.iter().find(|marks| marks.len() <= ticks).unwrap_or(decades);
        let every = marks.len().div_ceil(ticks.max(2)).max(1);
        let marks: Vec<f64> = marks.iter().copied().step_by(every).collect();
        let label = |at: f64| trimmed(&units::time(10f64.powf(at)));
        Self {
            low,
            high,
            ticks: marks.into_iter().map(|at| (at, label(at))).collect(),
            lines: Vec::new(),
            title: String::new(),
        }
    }

    /// From 0 to a round number at or above all of `values`.
    pub(super) fn from_zero(
        values: impl IntoIterator<Item = f64>,
        ticks: usize,
        label: fn(f64) -> String,
    ) -> Self {
        let most = ends(values).map_or(0.0, |(_, high)| high);
        Self::between(0.0, if most > 0.0 { most } else { 1.0 }, ticks, true, label)
    }

    /// From `low` to `high`; to the next round number above, if `to_tick`.
    pub(super) fn between(
        low: f64,
        high: f64,
        ticks: usize,
        to_tick: bool,
        label: fn(f64) -> String,
    ) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / ticks.max(1) as f64);
        let high = if to_tick { ((high / step) - 1e-9).ceil() * step } else { high };
        let first = (low / step - 1e-9).ceil();
        let ticks = (0..64).map(|n| (first + f64::from(n)) * step);
        Self {
            low,
            high,
            ticks: ticks
                .take_while(|at| *at <= high + step * 1e-6)
                .map(|at| (at, trimmed(&label(at))))
                .collect(),
            lines: Vec::new(),
            title: String::new(),
        }
    }

    pub(super) fn titled(mut self, title: &str) -> Self {
        self.title = title.into();
        self
    }

    /// Without labels, for a panel above another.
    pub(super) fn unlabelled(mut self) -> Self {
        self.lines.extend(self.ticks.drain(..).map(|(at, _)| at));
        self
    }

    /// Brought within the scale.
    pub(super) fn clip(&self, at: f64) -> f64 {
        at.max(self.low).min(self.high)
    }

    fn label(&self, at: f64) -> String {
        let nearest =
            self.ticks.iter().min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()));
        nearest.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The logarithm of a figure that may be zero.
pub(super) fn log(value: f64) -> f64 {
    value.clamp(LEAST_POSITIVE, 1e15).log10()
}

/// The smallest and the largest of what is finite; of what is positive, if anything is.
fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite() && *value > 0.0);
    finite.fold(None, |ends, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    let round = [1.0, 2.0, 5.0].map(|factor| factor * power);
    round.into_iter().find(|round| *round >= step * (1.0 - 1e-9)).unwrap_or(power * 10.0)
}

/// `10.0 ms` as `10 ms`: a tick is exact.
pub(super) fn trimmed(figure: &str) -> String {
    let (number, unit) = figure.split_once(' ').map_or((figure, ""), |(n, unit)| (n, unit));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    if unit.is_empty() { number.into() } else { format!("{number} {unit}") }
}

/// To plotters an axis is linear, and its ticks are given.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (self.clip(*value) - self.low) / (self.high - self.low);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => self.lines.clone(),
            false => self.ticks.iter().map(|(at, _)| *at).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        units::ratio(*value)
    }

    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// A chart on two such axes.
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// Space around the plotting area, in CSS pixels.
#[derive(Clone, Copy)]
pub(super) struct Space {
    pub left: i32,
    pub right: i32,
    pub top: i32,
    pub bottom: i32,
}

/// Draws grid, axes and labels; the titles stand level above the axis and below the last tick, where they are read.
pub(super) fn chart<'a, 'b>(
    area: &'a DrawingArea<SVGBackend<'b>, Shift>,
    x: &Axis,
    y: &Axis,
    space: Space,
) -> Result<Chart<'a, 'b>, Failure> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(space.top))
        .margin_right(px(space.right))
        .set_label_area_size(plotters::chart::LabelAreaPosition::Left, px(space.left))
        .set_label_area_size(plotters::chart::LabelAreaPosition::Bottom, px(space.bottom))
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .bold_line_style(thin(ink::GRID))
        .light_line_style(thin(ink::GRID))
        .axis_style(thin(ink::AXIS))
        .set_all_tick_mark_size(px(4))
        .label_style(text(ink::MUTED, HPos::Center, VPos::Top))
        .draw()?;
    let (width, height) = area.dim_in_pixel();
    if !y.title.is_empty() {
        let style = text(ink::TEXT, HPos::Left, VPos::Top);
        area.draw(&Text::new(y.title.clone(), (0, px(1)), style))?;
    }
    if !x.title.is_empty() {
        let style = text(ink::TEXT, HPos::Right, VPos::Bottom);
        let corner = (width as i32 - px(space.right), height as i32 - px(1));
        area.draw(&Text::new(x.title.clone(), corner, style))?;
    }
    Ok(chart)
}

/// A line of 1 px.
pub(super) fn thin(ink: RGBColor) -> ShapeStyle {
    ink.stroke_width(px(1) as u32)
}

/// A line of data.
pub(super) fn thick(ink: RGBColor) -> ShapeStyle {
    ink.stroke_width(px(2) as u32)
}

/// 13 px; plotters divides by 1.24.
pub(super) fn text(ink: RGBColor, across: HPos, along: VPos) -> TextStyle<'static> {
    let size = f64::from(px(13)) * 1.24;
    ("sans-serif", size).into_font().color(&ink).pos(Pos::new(across, along))
}

/// A line through points in the chart's own terms; points that are not finite are left out.
pub(super) fn line(
    chart: &mut Chart<'_, '_>,
    points: impl IntoIterator<Item = (f64, f64)>,
    style: ShapeStyle,
) -> Result<(), Failure> {
    let finite = points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    chart.draw_series(std::iter::once(PathElement::new(finite.collect::<Vec<_>>(), style)))?;
    Ok(())
}

/// A point of a shape, of a radius in CSS pixels.
pub(super) fn mark(
    chart: &mut Chart<'_, '_>,
    at: (f64, f64),
    shape: Shape,
    radius: i32,
    ink: RGBColor,
) -> Result<(), Failure> {
    if !(at.0.is_finite() && at.1.is_finite()) {
        return Ok(());
    }
    match shape {
        Shape::Circle => {
            chart.draw_series(std::iter::once(Circle::new(at, px(radius), ink.filled())))?;
        }
        shape => {
            let form = EmptyElement::at(at) + Polygon::new(shape.corners(px(radius)), ink.filled());
            chart.draw_series(std::iter::once(form))?;
        }
    }
    Ok(())
}

/// The target, across the chart, with its name at its right end; `name` is left out where it is none.
pub(super) fn target_line(
    chart: &mut Chart<'_, '_>,
    x: &Axis,
    y: &Axis,
    target_us: f64,
) -> Result<(), Failure> {
    let at = log(target_us);
    if !(y.low..=y.high).contains(&at) {
        return Ok(());
    }
    // On a ground of its own, so that it is seen on the data.
    line(chart, [(x.low, at), (x.high, at)], ink::BACKGROUND.stroke_width(px(4) as u32))?;
    line(chart, [(x.low, at), (x.high, at)], ink::dashed(ink::TARGET).stroke_width(px(2) as u32))?;
    // Above the line, unless that is the upper edge.
    let below = at > y.low + (y.high - y.low) * 0.93;
    let along = if below { VPos::Top } else { VPos::Bottom };
    let offset = if below { px(3) } else { -px(3) };
    let name = format!("target {}", trimmed(&units::time(target_us)));
    let style = text(ink::TARGET, HPos::Right, along);
    let label = EmptyElement::at((x.high, at)) + Text::new(name, (-px(4), offset), style);
    chart.draw_series(std::iter::once(label))?;
    Ok(())
}

/// How many labelled ticks fit across.
pub(super) fn ticks_across(format: Format) -> usize {
    if format.is_wide() { 10 } else { 5 }
}
