//! Plots of a plan: what each way to pay costs at which utilisation, and how capacity follows a load. Prices and
//! simulations come worked out.

use maud::Markup;
use plotters::element::{EmptyElement, Text};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::axes::{Axis, Space, chart, line, text, thick, ticks_across};
use super::figure;
use super::ink::{self, Entry, Look};
use super::svg::{Area, Failure, Format, Spot, both_formats, px};
use crate::plan::{BreakEven, Scaled};
use crate::units;

fn entry(ink: RGBColor, text: &str) -> Entry {
    Entry { look: Look { ink, line: true, shape: None }, text: text.into() }
}

fn dollars(usd: f64) -> String {
    format!("${}", units::rate(usd))
}

fn share(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Cost against utilisation; `None` where nothing costs anything.
pub(in crate::html) fn break_even(of: &BreakEven) -> Option<Markup> {
    if of.on_demand_at_peak_usd <= 0.0 {
        return None;
    }
    let on_demand = |used: f64| of.storage_usd + used * of.on_demand_at_peak_usd;
    let scaled = |used: f64| of.storage_usd + used / of.target * of.provisioned_usd;
    let flat = |usd: f64| of.storage_usd + usd;
    let ways: [(&str, RGBColor, [f64; 2]); 5] = [
        ("on demand", ink::SERIES[1], [on_demand(0.0), on_demand(1.0)]),
        ("provisioned for the peak", ink::SERIES[0], [flat(of.provisioned_usd); 2]),
        (
            "auto scaled, if it could follow at once",
            ink::dashed(ink::SERIES[0]),
            [scaled(0.0), scaled(1.0)],
        ),
        ("all reserved, 1 year", ink::SERIES[2], [flat(of.reserved_1y_usd); 2]),
        ("all reserved, 3 years", ink::SERIES[3], [flat(of.reserved_3y_usd); 2]),
    ];
    let draw = |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| -> Result<(), Failure> {
        let x = Axis::between(0.0, 1.0, ticks_across(format), true, share)
            .titled("utilisation: mean over peak");
        let most = ways.iter().flat_map(|(_, _, ends)| ends).copied();
        let y = Axis::from_zero(most, 6, dollars).titled("a month, storage included");
        let space = Space { left: 84, right: 30, top: 50, bottom: 46 };
        let mut chart = chart(area, &x, &y, space)?;
        for (_, ink, [low, high]) in ways {
            line(&mut chart, [(0.0, low), (1.0, high)], thick(ink))?;
        }
        let marks = [
            (of.here, format!("this load: {}", share(of.here)), 4, ink::TARGET),
            (
                of.utilisation,
                format!("break-even: {:.1} %", of.utilisation * 100.0),
                20,
                ink::MUTED,
            ),
        ];
        for (at, name, lift_px, ink) in marks {
            let at = x.clip(at);
            line(&mut chart, [(at, y.low), (at, y.high)], thick(ink::dashed(ink)))?;
            let across = match at {
                at if at < 0.25 => HPos::Left,
                at if at > 0.75 => HPos::Right,
                _ => HPos::Center,
            };
            let style = text(ink, across, VPos::Bottom);
            let label = EmptyElement::at((at, y.high)) + Text::new(name, (0, -px(lift_px)), style);
            chart.draw_series(std::iter::once(label))?;
        }
        for step in 0..20 {
            let (from, to) = (f64::from(step) / 20.0, f64::from(step + 1) / 20.0);
            let middle = f64::midpoint(from, to);
            let (left, top) = chart.backend_coord(&(from, y.high));
            let (right, bottom) = chart.backend_coord(&(to, y.low));
            let costs = ways.map(|(name, _, [low, high])| {
                format!("{name} {}", dollars(low + (high - low) * middle))
            });
            spots.push(Spot {
                x: left,
                y: top,
                width: right - left,
                height: bottom - top,
                text: format!("{} used: {}", share(middle), costs.join(", ")),
            });
        }
        Ok(())
    };
    let legend: Vec<Entry> = ways.iter().map(|(name, ink, _)| entry(*ink, name)).collect();
    let height = |format: Format| if format.is_wide() { 420 } else { 360 };
    let how = "Capacity that is provisioned costs the same whether it is used or not; on demand each request is paid for. Left of \
        the break-even on demand is cheaper than capacity for the peak, right of it dearer. The peak is this load's; moving to the \
        left means the same peak with less traffic around it.";
    Some(figure(&legend, &both_formats("Cost of a month by utilisation", height, draw), how))
}

/// What was asked for and what auto scaling provided; `None` of less than two points.
pub(in crate::html) fn course(of: &Scaled) -> Option<Markup> {
    let last = of.course.last().filter(|_| of.course.len() > 1)?;
    let step = last.at_min / (of.course.len() - 1) as f64;
    let is_days = last.at_min > 2.0 * 24.0 * 60.0;
    let unit_min = if is_days { 24.0 * 60.0 } else { 60.0 };
    let draw = |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| -> Result<(), Failure> {
        let title = if is_days { "days" } else { "hours" };
        let x = Axis::between(
            0.0,
            (last.at_min + step) / unit_min,
            ticks_across(format),
            false,
            units::ratio,
        )
        .titled(title);
        let most = of.course.iter().flat_map(|point| [point.asked, point.capacity]);
        let y =
            Axis::from_zero(most, 5, units::rate).titled(&format!("{} units per second", of.unit));
        let space = Space { left: 84, right: 30, top: 30, bottom: 46 };
        let mut chart = chart(area, &x, &y, space)?;
        let steps = |value: fn(&crate::plan::ScaledMinute) -> f64| {
            of.course.iter().flat_map(move |point| {
                let at = |min: f64| min / unit_min;
                [(at(point.at_min), value(point)), (at(point.at_min + step), value(point))]
            })
        };
        line(&mut chart, steps(|point| point.asked), thick(ink::SERIES[0]))?;
        line(&mut chart, steps(|point| point.capacity), thick(ink::SERIES[1]))?;
        for point in of.course.iter().filter(|point| point.throttled > 0.0) {
            let (left, top) = chart.backend_coord(&(point.at_min / unit_min, y.high));
            let (right, bottom) = chart.backend_coord(&((point.at_min + step) / unit_min, y.low));
            let at = point.at_min / unit_min;
            line(&mut chart, [(at, y.low), (at, y.high)], thick(ink::TARGET))?;
            spots.push(Spot {
                x: left - px(3),
                y: top,
                width: right - left + px(6),
                height: bottom - top,
                text: format!("{} units throttled", units::rate(point.throttled)),
            });
        }
        Ok(())
    };
    let mut legend = vec![entry(ink::SERIES[0], "asked for"), entry(ink::SERIES[1], "provisioned")];
    if of.throttled_units > 0.0 {
        legend.push(entry(ink::TARGET, "throttled"));
    }
    let label =
        format!("Auto scaling of {} units of {}: asked for and provisioned", of.unit, of.resource);
    let height = |format: Format| if format.is_wide() { 240 } else { 220 };
    let how = "Capacity rises after two minutes above the target and falls after fifteen minutes 20 % below it. What is asked for above \
        it is served from 300 s of unused capacity while there is any, and throttled after that. Each point is the highest of its minutes.";
    Some(figure(&legend, &both_formats(&label, height, draw), how))
}
