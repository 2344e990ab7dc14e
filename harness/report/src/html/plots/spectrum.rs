//! The percentile spectrum: each nine as wide as the one before, so that the tail is not squeezed into the last
//! pixel. One pair of lines for each type of operation: response solid, service broken.

use std::collections::BTreeMap;

use maud::Markup;
use plotters::style::RGBColor;

use super::axes::{Axis, Space, chart, line, log, mark, target_line, thick};
use super::figure;
use super::ink::{self, Entry, Look, Shape};
use super::svg::{Area, Failure, Format, Spot, both_formats, px};
use crate::units;
use crate::{OperationFigures, OperationKind, SpectrumPoint};

/// `None` if no type of operation has a spectrum.
pub(in crate::html) fn spectrum(
    operations: &BTreeMap<OperationKind, OperationFigures>,
    target_us: f64,
) -> Option<Markup> {
    let lines: Vec<Line> =
        operations.iter().flat_map(|(kind, figures)| Line::of(*kind, figures)).collect();
    if lines.is_empty() {
        return None;
    }
    let draw = |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| {
        draw(&lines, target_us, format, area, spots)
    };
    let height = |format: Format| if format.is_wide() { 440 } else { 340 };
    let label = "Percentile spectrum: time by share of operations, on logarithmic scales";
    let how = "Follow a line to the right: at 99 %, one operation in a hundred took longer than the height says. A step up \
        shows a cause that hits that share of operations; the gap between response and service is time spent \
        waiting to be sent. The last mark is the slowest operation.";
    let legend: Vec<Entry> = lines.iter().map(Line::entry).collect();
    Some(figure(&legend, &both_formats(label, height, draw), how))
}

struct Line {
    kind: OperationKind,
    part: &'static str,
    /// Nines, then microseconds.
    points: Vec<(f64, f64)>,
    slowest_us: Option<f64>,
}

impl Line {
    fn of(kind: OperationKind, figures: &OperationFigures) -> Vec<Self> {
        let one = |part, points: &[SpectrumPoint]| Self {
            kind,
            part,
            points: points
                .iter()
                .filter(|point| point.us.is_finite() && (0.0..1.0).contains(&point.quantile))
                .map(|point| (nines(point.quantile), point.us))
                .collect(),
            slowest_us: points
                .iter()
                .find(|point| point.quantile >= 1.0)
                .map(|point| point.us)
                .filter(|us| us.is_finite()),
        };
        let mut lines = vec![one("response", &figures.response_spectrum)];
        if figures.service_spectrum != figures.response_spectrum {
            lines.push(one("service", &figures.service_spectrum));
        }
        lines.retain(|line| !line.points.is_empty() || line.slowest_us.is_some());
        lines
    }

    fn ink(&self) -> RGBColor {
        let ink = ink::SERIES[self.kind as usize % ink::SERIES.len()];
        if self.part == "service" { ink::dashed(ink) } else { ink }
    }

    fn shape(&self) -> Shape {
        match self.kind {
            OperationKind::Read => Shape::Circle,
            OperationKind::Update => Shape::Triangle,
            OperationKind::Insert => Shape::Square,
            OperationKind::Scan => Shape::Diamond,
            OperationKind::ReadModifyWrite => Shape::Cross,
            OperationKind::Delete => Shape::Bar,
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            look: Look { ink: self.ink(), line: true, shape: Some(self.shape()) },
            text: format!("{} {}", self.kind.name(), self.part),
        }
    }
}

/// 0.9 is 1, 0.99 is 2.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// Of a number of nines: `50 %`, `99.9 %`.
fn share(nines: f64) -> String {
    let decimals = (nines.round() as usize).saturating_sub(2);
    format!("{:.decimals$} %", (1.0 - 10f64.powf(-nines)) * 100.0)
}

fn draw(
    lines: &[Line],
    target_us: f64,
    format: Format,
    area: &Area<'_>,
    spots: &mut Vec<Spot>,
) -> Result<(), Failure> {
    let last =
        lines.iter().flat_map(|line| &line.points).map(|(nines, _)| *nines).fold(1.0, f64::max);
    // The slowest stands a little behind the last share that can be told.
    let end = last + 0.15;
    // All if they fit; the first two always.
    let sparse = !format.is_wide() && last > 5.5;
    let whole = (1..=last.floor() as i32).filter(|nines| !sparse || *nines < 3 || nines % 2 == 0);
    let ticks = std::iter::once(nines(0.5)).chain(whole.map(f64::from));
    let x = Axis {
        low: 0.0,
        high: end + 0.05,
        ticks: ticks.map(|at| (at, share(at))).collect(),
        lines: Vec::new(),
        title: "share of operations".into(),
    };
    let times =
        lines.iter().flat_map(|line| line.points.iter().map(|(_, us)| *us).chain(line.slowest_us));
    let y = Axis::log_time(times.chain([target_us]), 8).titled("took at most");
    let space = Space { left: 62, right: 18, top: 26, bottom: 46 };
    let mut chart = chart(area, &x, &y, space)?;
    for drawn in lines {
        let slowest = drawn.slowest_us.map(|us| (end, us));
        let at = |(nines, us): (f64, f64)| (nines.max(0.0), y.clip(log(us)));
        let points: Vec<(f64, f64)> = drawn.points.iter().copied().chain(slowest).map(at).collect();
        line(&mut chart, points.iter().copied(), thick(drawn.ink()))?;
        let ink = ink::SERIES[drawn.kind as usize % ink::SERIES.len()];
        // Whole nines and the slowest carry marks.
        let marked =
            drawn.points.iter().copied().filter(|(nines, _)| (nines - nines.round()).abs() < 0.01);
        for (nines, us) in marked.chain(slowest) {
            let point = at((nines, us));
            mark(&mut chart, point, drawn.shape(), 4, ink)?;
            let (left, top) = chart.backend_coord(&point);
            let share = if nines == end { "slowest".into() } else { share(nines) };
            spots.push(Spot {
                x: left - px(8),
                y: top - px(8),
                width: px(16),
                height: px(16),
                text: format!("{} {}, {share}: {}", drawn.kind.name(), drawn.part, units::time(us)),
            });
        }
    }
    target_line(&mut chart, &x, &y, target_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_with_as_many_nines_as_they_have() {
        for (nines, expected) in
            [(nines(0.5), "50 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (5.0, "99.999 %")]
        {
            assert_eq!(share(nines), expected);
        }
    }
}
