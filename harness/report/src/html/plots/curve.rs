//! Latency against throughput: points of runs at fixed rates, the target they are held to, where the knee is and
//! which rate was chosen. Rates that were not kept are crossed out: their times say how long the run was.

use maud::Markup;
use plotters::element::{EmptyElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::axes::{
    Axis, Chart, Space, chart, line, log, mark, target_line, text, thick, ticks_across,
};
use super::figure;
use super::ink::{self, Entry, Look, Shape};
use super::svg::{Area, Failure, Format, Spot, both_formats, px};
use crate::curve::{CurvePoint, LatencyCurve};
use crate::units;

struct Percentile {
    name: &'static str,
    of: fn(&CurvePoint) -> f64,
    ink: RGBColor,
    shape: Shape,
}

const PERCENTILES: [Percentile; 3] = [
    Percentile { name: "p50", of: |point| point.p50_us, ink: ink::SERIES[0], shape: Shape::Circle },
    Percentile {
        name: "p99",
        of: |point| point.p99_us,
        ink: ink::SERIES[1],
        shape: Shape::Triangle,
    },
    Percentile {
        name: "p99.9",
        of: |point| point.p999_us,
        ink: ink::dashed(ink::SERIES[3]),
        shape: Shape::Square,
    },
];

/// `None` without points.
pub(in crate::html) fn curve(curve: &LatencyCurve) -> Option<Markup> {
    let mut points: Vec<CurvePoint> = curve
        .points
        .iter()
        .filter(|point| point.rate_per_s.is_finite() && point.rate_per_s >= 0.0)
        .copied()
        .collect();
    if points.is_empty() {
        return None;
    }
    points.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    let draw = |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| {
        draw(curve, &points, format, area, spots)
    };
    let mut legend: Vec<Entry> = PERCENTILES.iter().map(entry).collect();
    if points.iter().any(|point| !point.sustained) {
        legend.push(Entry {
            look: Look { ink: ink::MUTED, line: false, shape: Some(Shape::Cross) },
            text: "rate not sustained".into(),
        });
    }
    let height = |format: Format| if format.is_wide() { 460 } else { 360 };
    let label = "Latency against throughput: response time by offered rate";
    let how = "Each column of marks is a run at a fixed rate. Left of the knee latency hardly depends on the rate; right of \
        it queues grow. What a system sustains is the highest rate whose p99 stays below the target line.";
    Some(figure(&legend, &both_formats(label, height, draw), how))
}

fn entry(percentile: &Percentile) -> Entry {
    let look = Look { ink: percentile.ink, line: true, shape: Some(percentile.shape) };
    Entry { look, text: percentile.name.into() }
}

fn draw(
    curve: &LatencyCurve,
    points: &[CurvePoint],
    format: Format,
    area: &Area<'_>,
    spots: &mut Vec<Spot>,
) -> Result<(), Failure> {
    let estimate = curve.best_rate_per_s;
    let marked = [curve.knee_rate_per_s, estimate.map(|rate| rate.estimate)].into_iter().flatten();
    let rates = points.iter().map(|point| point.rate_per_s).chain(marked);
    let x = Axis::from_zero(rates, ticks_across(format) - 1, units::rate)
        .titled("operations per second");
    let all = PERCENTILES.iter().flat_map(|percentile| points.iter().map(percentile.of));
    let y = Axis::log_time(all.chain([curve.target_p99_us]), 8).titled("response time");
    let space = Space { left: 62, right: 30, top: 66, bottom: 46 };
    let mut chart = chart(area, &x, &y, space)?;
    if let Some(best) = estimate {
        let [low, high] = [best.low, best.high].map(|rate| x.clip(rate));
        let band =
            Rectangle::new([(low, y.high), (high, y.low)], ink::SERIES[2].mix(0.14).filled());
        chart.draw_series(std::iter::once(band))?;
        let name = format!("chosen: {}/s", units::rate(best.estimate));
        upright(&mut chart, &x, &y, best.estimate, (&name, 22), ink::SERIES[2])?;
    }
    if let Some(knee) = curve.knee_rate_per_s {
        let name = format!("knee: {}/s", units::rate(knee));
        upright(&mut chart, &x, &y, knee, (&name, 4), ink::dashed(ink::MUTED))?;
    }
    for percentile in &PERCENTILES {
        let at = |point: &CurvePoint| (point.rate_per_s, y.clip(log((percentile.of)(point))));
        line(&mut chart, points.iter().map(at), thick(percentile.ink))?;
        for point in points {
            let (shape, ink) = match point.sustained {
                true => (percentile.shape, solid(percentile.ink)),
                false => (Shape::Cross, ink::MUTED),
            };
            mark(&mut chart, at(point), shape, 5, ink)?;
        }
    }
    target_line(&mut chart, &x, &y, curve.target_p99_us)?;
    for point in points {
        let (across, _) = chart.backend_coord(&(point.rate_per_s, y.low));
        let (_, top) = chart.backend_coord(&(point.rate_per_s, y.high));
        let (_, bottom) = chart.backend_coord(&(point.rate_per_s, y.low));
        let kept = if point.sustained { "" } else { ", not sustained" };
        let times = PERCENTILES.map(|one| format!("{} {}", one.name, units::time((one.of)(point))));
        spots.push(Spot {
            x: across - px(9),
            y: top,
            width: px(18),
            height: bottom - top,
            text: format!("{}/s{kept}: {}", units::rate(point.rate_per_s), times.join(", ")),
        });
    }
    Ok(())
}

fn solid(ink: RGBColor) -> RGBColor {
    let RGBColor(red, _, blue) = ink;
    RGBColor(red, ink::SERIES[0].1, blue)
}

/// An upright line with its name above the chart by so many pixels.
fn upright(
    chart: &mut Chart<'_, '_>,
    x: &Axis,
    y: &Axis,
    rate_per_s: f64,
    (name, lift_px): (&str, i32),
    ink: RGBColor,
) -> Result<(), Failure> {
    if !rate_per_s.is_finite() {
        return Ok(());
    }
    let at = x.clip(rate_per_s);
    line(chart, [(at, y.low), (at, y.high)], thick(ink))?;
    let across = match (at - x.low) / (x.high - x.low) {
        share if share < 0.25 => HPos::Left,
        share if share > 0.75 => HPos::Right,
        _ => HPos::Center,
    };
    let style = text(solid(ink), across, VPos::Bottom);
    let label =
        EmptyElement::at((at, y.high)) + Text::new(name.to_owned(), (0, -px(lift_px)), style);
    chart.draw_series(std::iter::once(label))?;
    Ok(())
}
