//! One figure of several runs over time, a line each on one axis of seconds, so that they can be seen side by side.
//! Knows not which figure: who asks says so.

use maud::Markup;
use plotters::style::RGBColor;

use super::axes::{Axis, Space, chart, line, log, mark, thick, ticks_across};
use super::figure;
use super::ink::{self, Entry, Look, Shape};
use super::svg::{Area, Failure, Format, Spot, both_formats};
use crate::units;

/// More points than this would be a smear: seconds are then drawn together.
const MOST_POINTS: usize = 360;

/// What is drawn, and on which scale.
#[derive(Clone, Copy)]
pub(in crate::html) enum Scale {
    /// From zero.
    PerSecond(&'static str),
    /// Times in microseconds, logarithmic.
    Time(&'static str),
}

/// Runs under one name; each becomes a line.
pub(in crate::html) struct Lines {
    pub name: String,
    /// Of each run: seconds since its begin, and the figure.
    pub runs: Vec<Vec<(f64, f64)>>,
}

/// `None` without a point that can be drawn.
pub(in crate::html) fn overlay(lines: &[Lines], scale: Scale) -> Option<Markup> {
    let longest = lines.iter().flat_map(|one| &one.runs).map(Vec::len).max()?;
    // Alike for all: a longer run would look worse than a shorter one.
    let together = longest.div_ceil(MOST_POINTS).max(1);
    let drawn: Vec<Lines> = lines
        .iter()
        .map(|one| Lines {
            name: one.name.clone(),
            runs: one.runs.iter().map(|run| worst_of_each_few(run, together)).collect(),
        })
        .collect();
    let all = || drawn.iter().flat_map(|one| &one.runs).flatten();
    let end_s = all().map(|(at_s, _)| *at_s).reduce(f64::max)?;
    let draw = |format: Format, area: &Area<'_>, _: &mut Vec<Spot>| {
        let x =
            Axis::between(0.0, end_s, ticks_across(format), false, units::rate).titled("seconds");
        let values = all().map(|(_, value)| *value);
        let y = match scale {
            Scale::PerSecond(title) => Axis::from_zero(values, 5, units::rate).titled(title),
            Scale::Time(title) => Axis::log_time(values, 6).titled(title),
        };
        draw(&drawn, scale, (&x, &y), area)
    };
    let legend: Vec<Entry> = drawn.iter().enumerate().map(entry).collect();
    let (Scale::PerSecond(title) | Scale::Time(title)) = scale;
    let label = format!("Several runs over time: {title}");
    let how = "Runs under one name have one colour. Each point is a whole second from the begin of its run, or where a run is long \
        the highest of a few in a row; the last second, which is seldom whole, is left out.";
    Some(figure(&legend, &both_formats(&label, |_| 300, draw), how))
}

/// The colour of the n-th name; beyond the sixth the lines are broken.
fn ink_of(index: usize) -> RGBColor {
    let ink = ink::SERIES[index % ink::SERIES.len()];
    if index < ink::SERIES.len() { ink } else { ink::dashed(ink) }
}

fn entry((index, lines): (usize, &Lines)) -> Entry {
    let text = match lines.runs.len() {
        1 => lines.name.clone(),
        runs => format!("{} ({runs} runs)", lines.name),
    };
    Entry { look: Look { ink: ink_of(index), line: true, shape: None }, text }
}

fn draw(
    lines: &[Lines],
    scale: Scale,
    (x, y): (&Axis, &Axis),
    area: &Area<'_>,
) -> Result<(), Failure> {
    let space = Space { left: 90, right: 18, top: 26, bottom: 46 };
    let mut chart = chart(area, x, y, space)?;
    let at = |(at_s, value): &(f64, f64)| match scale {
        Scale::PerSecond(_) => (*at_s, y.clip(*value)),
        Scale::Time(_) => (*at_s, y.clip(log(*value))),
    };
    for (index, one) in lines.iter().enumerate() {
        for run in &one.runs {
            match run.as_slice() {
                [point] => mark(&mut chart, at(point), Shape::Circle, 4, ink_of(index))?,
                points => line(&mut chart, points.iter().map(at), thick(ink_of(index)))?,
            }
        }
    }
    Ok(())
}

/// Points that can be drawn, each the highest of so many that it stands for.
fn worst_of_each_few(run: &[(f64, f64)], together: usize) -> Vec<(f64, f64)> {
    let known = |(at_s, value): &&(f64, f64)| {
        at_s.is_finite() && *at_s >= 0.0 && value.is_finite() && *value >= 0.0
    };
    let known: Vec<(f64, f64)> = run.iter().filter(known).copied().collect();
    let worst = |few: &[(f64, f64)]| {
        let highest = few.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        few.first().map(|(at_s, _)| (*at_s, highest))
    };
    known.chunks(together).filter_map(worst).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_drawn_as_the_worst_of_each_few() {
        let hour: Vec<(f64, f64)> =
            (0..3_600u32).map(|second| (f64::from(second), f64::from(second % 10))).collect();
        let drawn = worst_of_each_few(&hour, 10);
        assert_eq!((drawn.len(), drawn[0], drawn[1]), (360, (0.0, 9.0), (10.0, 9.0)));
        assert_eq!(worst_of_each_few(&hour[..60], 1), hour[..60]);
        assert_eq!(worst_of_each_few(&[(f64::NAN, 1.0), (1.0, f64::INFINITY), (-1.0, 2.0)], 1), []);
    }
}
