//! The heat map: when, how long, how many. Shows two groups of operations as two bands where a percentile would show
//! one line between them. Shade only: one ink, more of it for more operations, on a logarithmic scale.

use maud::{Markup, html};
use plotters::element::Rectangle;
use plotters::style::Color;

use super::axes::{Axis, Space, chart, log, target_line, ticks_across};
use super::ink;
use super::svg::{Area, Failure, Format, Spot, both_formats};
use crate::HeatMap;
use crate::units;

/// Shades that an eye can tell apart.
const SHADES: u32 = 8;

/// `None` if the map counts nothing.
pub(in crate::html) fn heat_map(map: &HeatMap, target_us: f64) -> Option<Markup> {
    let cells = Cells::of(map)?;
    let draw = |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| {
        cells.draw(map, target_us, format, area, spots)
    };
    let height = |format: Format| if format.is_wide() { 380 } else { 320 };
    let label =
        "Heat map of response times: time of the run across, response time up, shade by count";
    let plot = both_formats(label, height, draw);
    Some(html! {
        figure {
            (cells.legend())
            (plot)
            figcaption { details { summary { "How to read this" } p {
                "A column is " (units::time(map.column_s * 1e6)) " of the run, a row a span of response times; the stronger its shade, \
                the more operations ended there and then. Bands are groups of operations with a cause in common (cache hits \
                below, device reads above); a tower is a pause that hit everything at once."
            } } }
        }
    })
}

/// What is not empty of a map.
struct Cells {
    /// Column, row, operations; least operations first, so that like shades stand together.
    counted: Vec<(usize, usize, u64)>,
    most: u64,
    lowest_row: usize,
    highest_row: usize,
}

impl Cells {
    fn of(map: &HeatMap) -> Option<Self> {
        let usable =
            |row: usize| map.bounds_us.get(row).is_some_and(|us| us.is_finite() && *us > 0.0);
        let columns = map.columns.iter().enumerate();
        let mut counted: Vec<(usize, usize, u64)> = columns
            .flat_map(|(column, rows)| {
                rows.iter().enumerate().map(move |(row, count)| (column, row, *count))
            })
            .filter(|(_, row, count)| *count > 0 && usable(*row))
            .collect();
        let most = counted.iter().map(|(_, _, count)| *count).max()?;
        let lowest_row = counted.iter().map(|(_, row, _)| *row).min()?;
        let highest_row = counted.iter().map(|(_, row, _)| *row).max()?;
        counted.sort_by_key(|(column, row, count)| (shade(*count, most), *column, *row));
        Some(Self { counted, most, lowest_row, highest_row })
    }

    fn draw(
        &self,
        map: &HeatMap,
        target_us: f64,
        format: Format,
        area: &Area<'_>,
        spots: &mut Vec<Spot>,
    ) -> Result<(), Failure> {
        let width_s =
            if map.column_s.is_finite() && map.column_s > 0.0 { map.column_s } else { 1.0 };
        let lower = |row: usize| match row.checked_sub(1).and_then(|below| map.bounds_us.get(below))
        {
            Some(us) => log(*us),
            None => log(map.bounds_us[row]) - 0.125,
        };
        let upper = |row: usize| log(map.bounds_us[row]);
        let x = Axis::between(
            0.0,
            map.columns.len() as f64 * width_s,
            ticks_across(format),
            false,
            units::rate,
        )
        .titled("seconds");
        let used = [lower(self.lowest_row), upper(self.highest_row)].map(|at| 10f64.powf(at));
        let y = Axis::log_time(used, 8).titled("response time");
        let space = Space { left: 62, right: 18, top: 26, bottom: 46 };
        let mut chart = chart(area, &x, &y, space)?;
        let cells = self.counted.iter().map(|(column, row, count)| {
            let from = *column as f64 * width_s;
            let corners = [(from, y.clip(upper(*row))), (from + width_s, y.clip(lower(*row)))];
            Rectangle::new(corners, ink::HEAT.mix(opacity(shade(*count, self.most))).filled())
        });
        chart.draw_series(cells)?;
        target_line(&mut chart, &x, &y, target_us)?;
        for (column, rows) in map.columns.iter().enumerate() {
            let operations: u64 = rows.iter().fold(0, |sum, count| sum.saturating_add(*count));
            let slowest =
                rows.iter().rposition(|count| *count > 0).and_then(|row| map.bounds_us.get(row));
            let Some(slowest) = slowest else { continue };
            let from_s = column as f64 * width_s;
            let (left, top) = chart.backend_coord(&(from_s, y.high));
            let (right, bottom) = chart.backend_coord(&(from_s + width_s, y.low));
            let (operations, slowest) = (units::count(operations), units::time(*slowest));
            let text = format!("{from_s} s: {operations} operations, the slowest up to {slowest}");
            spots.push(Spot { x: left, y: top, width: right - left, height: bottom - top, text });
        }
        Ok(())
    }

    /// Shades with the fewest operations that get them.
    fn legend(&self) -> Markup {
        let mut steps: Vec<(u32, u64)> =
            (0..SHADES).map(|shade| (shade, least_of(shade, self.most))).collect();
        // Of few operations several shades would begin with the same count.
        steps.dedup_by_key(|(_, least)| *least);
        html! {
            ul.legend.shades {
                li { "operations in a cell, from:" }
                @for (shade, least) in steps {
                    li {
                        svg.swatch viewBox="0 0 136 56" aria-hidden="true" {
                            rect x="30" y="2" width="76" height="52" fill="var(--heat)" opacity=(opacity(shade)) {}
                        }
                        (units::count(least))
                    }
                }
            }
        }
    }
}

/// From 0 for one operation to the last shade for the most.
fn shade(count: u64, most: u64) -> u32 {
    let share = (count.max(1) as f64).ln() / (most.max(2) as f64).ln();
    ((share * f64::from(SHADES)) as u32).min(SHADES - 1)
}

/// The least count of a shade.
fn least_of(shade: u32, most: u64) -> u64 {
    (most.max(2) as f64).powf(f64::from(shade) / f64::from(SHADES)).ceil() as u64
}

/// Even one operation must be seen.
fn opacity(shade: u32) -> f64 {
    let share = f64::from(shade) / f64::from(SHADES - 1);
    ((0.14 + 0.86 * share) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shade_begins_where_the_legend_says() {
        for most in [1, 2, 10, 5_000, 1_000_000] {
            assert_eq!(shade(1, most), 0);
            for step in 0..SHADES {
                let least = least_of(step, most);
                assert!(least > most || shade(least, most) >= step, "{step} of {most}");
            }
        }
        assert_eq!(shade(5_000, 5_000), SHADES - 1);
    }
}
