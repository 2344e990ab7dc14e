//! The measured phase second by second: panels above each other on one axis of seconds, so that a slow second finds
//! its cause by looking down. Percentiles are never averaged: a point of several seconds stands for the worst of them.

use maud::Markup;
use plotters::element::Rectangle;
use plotters::style::{Color, RGBColor};

use super::axes::{
    Axis, Chart, Space, chart, line, log, target_line, thick, thin, ticks_across, trimmed,
};
use super::figure;
use super::ink::{self, Entry, Look};
use super::svg::{Area, Failure, Format, Spot, both_formats, px};
use crate::units;
use crate::{Event, EventKind, Interval};

/// More points than this would be a smear: seconds are then drawn together.
const MOST_POINTS: usize = 360;

/// More rounds and checkpoints than this would hide the latency behind their lines.
const MOST_EVENT_LINES: usize = 40;

/// Throughput, response time, throttling, compaction.
const PANEL_PX: [i32; 4] = [170, 250, 130, 150];
const LANE_PX: i32 = 22;
const AXIS_PX: i32 = 46;

/// `None` without intervals.
pub(in crate::html) fn timeline(
    intervals: &[Interval],
    events: &[Event],
    target_us: f64,
) -> Option<Markup> {
    let run = Run::of(intervals, events, target_us)?;
    let draw =
        |format: Format, area: &Area<'_>, spots: &mut Vec<Spot>| run.draw(format, area, spots);
    let label =
        "Timeline: throughput, response time, throttling and compaction for each second of the run";
    let how = "Read it downwards: when response time rises, look for a bar of compaction or a mark of an event below it. \
        Throughput that falls while response time rises means that the system was the bottleneck. p99 is of one second \
        each, so it jumps more than the run's. The last second is seldom whole; its throughput is dotted.";
    let how = match run.throttles {
        true => format!(
            "{how} Bars of throttled requests are those that were refused because the system was busy or capacity was \
             used up; response times are of the others."
        ),
        false => how.to_owned(),
    };
    let how = match run.together {
        1 => how,
        seconds => format!(
            "{how} Each point stands for {seconds} intervals in a row: their mean throughput and that of the slowest, the \
            highest of their p50s and p99s, their slowest operation."
        ),
    };
    Some(figure(&run.legend(), &both_formats(label, |_| run.height_px(), draw), &how))
}

struct Run {
    /// As recorded, or several drawn as one.
    intervals: Vec<Interval>,
    /// How many recorded ones an interval stands for.
    together: usize,
    /// The least throughput among those.
    lowest_per_s: Vec<f64>,
    /// Seconds of one interval.
    step_s: f64,
    end_s: f64,
    target_us: f64,
    compacts: bool,
    throttles: bool,
    has_medians: bool,
    /// Kinds that happened: how often, and when.
    lanes: Vec<(EventKind, u64, Vec<f64>)>,
}

impl Run {
    fn of(intervals: &[Interval], events: &[Event], target_us: f64) -> Option<Self> {
        let known = |at_s: f64| at_s.is_finite() && at_s >= 0.0;
        let intervals: Vec<&Interval> = intervals.iter().filter(|one| known(one.at_s)).collect();
        let last_s = intervals.iter().map(|one| one.at_s).reduce(f64::max)?;
        let gap_s = intervals.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).next();
        let recorded_s = gap_s.filter(|gap_s| *gap_s > 0.0).unwrap_or(1.0);
        let together = intervals.len().div_ceil(MOST_POINTS);
        let lowest = |chunk: &[&Interval]| chunk.iter().map(|one| one.count).min().unwrap_or(0);
        let lowest_per_s =
            intervals.chunks(together).map(|chunk| lowest(chunk) as f64 / recorded_s);
        let lowest_per_s = lowest_per_s.collect();
        let intervals: Vec<Interval> = intervals.chunks(together).filter_map(worst).collect();
        let step_s = recorded_s * together as f64;
        let kinds = [
            EventKind::Compaction,
            EventKind::Checkpoint,
            EventKind::Split,
            EventKind::Move,
            EventKind::Throttle,
        ];
        let lanes = kinds.into_iter().filter_map(|kind| {
            let of_kind = || events.iter().filter(|event| event.kind == kind && known(event.at_s));
            let count = of_kind().fold(0u64, |sum, event| sum.saturating_add(event.count));
            let times: Vec<f64> = of_kind().map(|event| event.at_s).collect();
            (!times.is_empty()).then_some((kind, count, times))
        });
        Some(Self {
            step_s,
            together,
            lowest_per_s,
            end_s: last_s + recorded_s,
            target_us,
            compacts: intervals.iter().any(|one| one.compaction_bytes.is_some()),
            throttles: intervals.iter().any(|one| one.throttled > 0),
            has_medians: intervals.iter().any(|one| one.p50_us.is_some()),
            lanes: lanes.collect(),
            intervals,
        })
    }

    fn height_px(&self) -> i32 {
        let throttling = if self.throttles { PANEL_PX[2] } else { 0 };
        let compaction = if self.compacts { PANEL_PX[3] } else { 0 };
        PANEL_PX[0] + PANEL_PX[1] + throttling + compaction + self.lanes_px() + AXIS_PX
    }

    fn lanes_px(&self) -> i32 {
        if self.lanes.is_empty() { 0 } else { 28 + LANE_PX * self.lanes.len() as i32 }
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |ink: RGBColor, text: &str| Entry {
            look: Look { ink, line: true, shape: None },
            text: text.into(),
        };
        let mut entries = vec![entry(MAX, "slowest operation"), entry(P99, "p99")];
        entries.extend(self.has_medians.then(|| entry(ink::dashed(P50), "p50")));
        if self.together > 1 {
            let text = format!("least throughput within {} s", units::rate(self.step_s));
            entries.push(Entry { text, ..entry(LEAST, "") });
        }
        let counted = self
            .lanes
            .iter()
            .map(|(kind, count, _)| format!("{} {}", kind.name(), units::count(*count)));
        let counted: Vec<String> = counted.collect();
        entries.extend((!counted.is_empty()).then(|| Entry {
            look: Look { ink: ink::TEXT, line: false, shape: Some(ink::Shape::Bar) },
            text: format!("events: {}", counted.join(", ")),
        }));
        entries
    }

    fn draw(&self, format: Format, area: &Area<'_>, spots: &mut Vec<Spot>) -> Result<(), Failure> {
        let panels = [true, true, self.throttles, self.compacts, !self.lanes.is_empty()];
        let [throughput, latency, throttling, compaction] = PANEL_PX;
        let heights = [throughput, latency, throttling, compaction, self.lanes_px()];
        let last = panels.iter().rposition(|shown| *shown).unwrap_or(1);
        let mut rest = area.clone();
        for (panel, height_px) in
            heights.into_iter().enumerate().filter(|(panel, _)| panels[*panel])
        {
            let is_last = panel == last;
            let (upper, lower) = match is_last {
                true => (rest.clone(), rest.clone()),
                false => rest.split_vertically(px(height_px)),
            };
            let x = Axis::between(0.0, self.end_s, ticks_across(format), false, units::rate);
            let x = if is_last { x.titled("seconds") } else { x.unlabelled() };
            let bottom = if is_last { AXIS_PX } else { 8 };
            let space = Space { left: 90, right: 18, top: 26, bottom };
            match panel {
                0 => self.throughput(&upper, &x, space)?,
                1 => self.latency(&upper, &x, space)?,
                2 => self.throttling(&upper, &x, space)?,
                3 => self.compaction(&upper, &x, space)?,
                _ => self.events(&upper, &x, space)?,
            }
            rest = lower;
        }
        self.tell(area, spots);
        Ok(())
    }

    fn throughput(&self, area: &Area<'_>, x: &Axis, space: Space) -> Result<(), Failure> {
        let per_s = |one: &Interval| one.count as f64 / self.step_s;
        let rates = self.intervals.iter().map(&per_s);
        let y = Axis::from_zero(rates, 4, units::rate).titled("operations per second");
        let mut chart = chart(area, x, &y, space)?;
        let points = self.intervals.iter().map(|one| (self.middle(one), y.clip(per_s(one))));
        let points: Vec<(f64, f64)> = points.collect();
        if self.together > 1 {
            let lowest =
                points.iter().zip(&self.lowest_per_s).map(|((at, _), per_s)| (*at, *per_s));
            // The last one is the cut-off second's.
            line(&mut chart, lowest.take(points.len().saturating_sub(1)), thick(LEAST))?;
        }
        // The last second is seldom whole: its fall says nothing of the system.
        match points.len().checked_sub(2) {
            Some(cut) if cut > 0 => {
                line(
                    &mut chart,
                    points[cut..].iter().copied(),
                    thick(ink::dotted(ink::SERIES[0])),
                )?;
                self.series(&mut chart, points[..=cut].to_vec(), ink::SERIES[0])
            }
            _ => self.series(&mut chart, points, ink::SERIES[0]),
        }
    }

    fn latency(&self, area: &Area<'_>, x: &Axis, space: Space) -> Result<(), Failure> {
        let times =
            self.intervals.iter().flat_map(|one| [one.p50_us, Some(one.p99_us), Some(one.max_us)]);
        let y = Axis::log_time(times.flatten().chain([self.target_us]), 6).titled("response time");
        let mut chart = chart(area, x, &y, space)?;
        self.event_lines(&mut chart, &y)?;
        let line_of = |figure: fn(&Interval) -> Option<f64>| -> Vec<(f64, f64)> {
            let told =
                self.intervals.iter().filter_map(|one| Some((self.middle(one), figure(one)?)));
            told.filter(|(_, us)| us.is_finite()).map(|(at, us)| (at, y.clip(log(us)))).collect()
        };
        self.series(&mut chart, line_of(|one| Some(one.max_us)), MAX)?;
        self.series(&mut chart, line_of(|one| Some(one.p99_us)), P99)?;
        self.series(&mut chart, line_of(|one| one.p50_us), ink::dashed(P50))?;
        target_line(&mut chart, x, &y, self.target_us)
    }

    /// Rounds and checkpoints as hairlines behind the latency, while they are few.
    fn event_lines(&self, chart: &mut Chart<'_, '_>, y: &Axis) -> Result<(), Failure> {
        let rare = self.lanes.iter().filter(|(kind, ..)| *kind != EventKind::Throttle);
        let times: Vec<f64> = rare.flat_map(|(.., times)| times.iter().copied()).collect();
        if times.len() <= MOST_EVENT_LINES {
            for at_s in times.into_iter().filter(|at_s| *at_s <= self.end_s) {
                line(chart, [(at_s, y.low), (at_s, y.high)], thin(ink::dotted(ink::MUTED)))?;
            }
        }
        Ok(())
    }

    fn compaction(&self, area: &Area<'_>, x: &Axis, space: Space) -> Result<(), Failure> {
        let per_s = |one: &Interval| one.compaction_bytes.map(|bytes| bytes as f64 / self.step_s);
        let all = self.intervals.iter().filter_map(&per_s);
        let y = Axis::from_zero(all, 3, |bytes| trimmed(&units::bytes(bytes)));
        let y = y.titled("compaction, bytes read and written per second");
        let mut chart = chart(area, x, &y, space)?;
        self.bars(&mut chart, &y, per_s, ink::SERIES[2])
    }

    fn throttling(&self, area: &Area<'_>, x: &Axis, space: Space) -> Result<(), Failure> {
        let per_s = |one: &Interval| Some(one.throttled as f64 / self.step_s);
        let all = self.intervals.iter().filter_map(&per_s);
        let y = Axis::from_zero(all, 3, units::rate).titled("throttled requests per second");
        let mut chart = chart(area, x, &y, space)?;
        self.bars(&mut chart, &y, per_s, ink::SERIES[4])
    }

    /// A bar for each interval that has any.
    fn bars(
        &self,
        chart: &mut Chart<'_, '_>,
        y: &Axis,
        per_s: impl Fn(&Interval) -> Option<f64>,
        ink: RGBColor,
    ) -> Result<(), Failure> {
        let gap_s = self.step_s * 0.1;
        let bars = self.intervals.iter().filter_map(|one| {
            let per_s = per_s(one).filter(|per_s| *per_s > 0.0)?;
            let corners =
                [(one.at_s + gap_s, y.clip(per_s)), (one.at_s + self.step_s - gap_s, 0.0)];
            Some(Rectangle::new(corners, ink.filled()))
        });
        chart.draw_series(bars)?;
        Ok(())
    }

    /// A lane for each kind, named at its left.
    fn events(&self, area: &Area<'_>, x: &Axis, space: Space) -> Result<(), Failure> {
        let lanes = self.lanes.len() as f64;
        let middle = |lane: usize| lanes - lane as f64 - 0.5;
        let names = self.lanes.iter().enumerate();
        let y = Axis {
            low: 0.0,
            high: lanes,
            ticks: names.map(|(lane, (kind, ..))| (middle(lane), kind.name().into())).collect(),
            lines: Vec::new(),
            title: "events".into(),
        };
        let mut chart = chart(area, x, &y, space)?;
        for (lane, (.., times)) in self.lanes.iter().enumerate() {
            let mut drawn_until = i32::MIN;
            for at_s in times.iter().filter(|at_s| **at_s <= self.end_s) {
                // Marks that would cover each other are one.
                let (across, _) = chart.backend_coord(&(*at_s, 0.0));
                if across < drawn_until {
                    continue;
                }
                drawn_until = across + px(4);
                super::axes::mark(
                    &mut chart,
                    (*at_s, middle(lane)),
                    ink::Shape::Bar,
                    7,
                    ink::TEXT,
                )?;
            }
        }
        Ok(())
    }

    /// A line, or a point where there is but one second.
    fn series(
        &self,
        chart: &mut Chart<'_, '_>,
        points: Vec<(f64, f64)>,
        ink: RGBColor,
    ) -> Result<(), Failure> {
        if let [point] = points[..] {
            return super::axes::mark(chart, point, ink::Shape::Circle, 4, ink);
        }
        line(chart, points, thick(ink))
    }

    fn middle(&self, one: &Interval) -> f64 {
        one.at_s + self.step_s / 2.0
    }

    /// The figures of a second, over the whole height of the panels.
    fn tell(&self, area: &Area<'_>, spots: &mut Vec<Spot>) {
        let highest = if self.together > 1 { "highest " } else { "" };
        let (width, height) = area.dim_in_pixel();
        let (left, right) = (f64::from(px(90)), f64::from(width) - f64::from(px(18)));
        let per_s = (right - left) / self.end_s;
        for one in &self.intervals {
            let median = one
                .p50_us
                .map_or(String::new(), |us| format!("{highest}p50 {}, ", units::time(us)));
            let throttled = match one.throttled {
                0 => String::new(),
                throttled => format!(", {} throttled", units::count(throttled)),
            };
            spots.push(Spot {
                x: (left + one.at_s * per_s) as i32,
                y: px(26),
                width: (self.step_s * per_s) as i32,
                height: height as i32 - px(26 + AXIS_PX),
                text: format!(
                    "from {:.0} s: {} operations, {median}{highest}p99 {}, slowest {}{throttled}",
                    one.at_s,
                    units::count(one.count),
                    units::time(one.p99_us),
                    units::time(one.max_us)
                ),
            });
        }
    }
}

/// Several recorded intervals as one: operations and bytes added up, of times the worst.
fn worst(chunk: &[&Interval]) -> Option<Interval> {
    let (first, rest) = chunk.split_first()?;
    Some(
        rest.iter().fold((*first).clone(), |all, one| Interval {
            at_s: all.at_s,
            count: all.count.saturating_add(one.count),
            errors: all.errors.saturating_add(one.errors),
            throttled: all.throttled.saturating_add(one.throttled),
            p50_us: all.p50_us.into_iter().chain(one.p50_us).reduce(f64::max),
            p99_us: all.p99_us.max(one.p99_us),
            max_us: all.max_us.max(one.max_us),
            compaction_bytes: all
                .compaction_bytes
                .into_iter()
                .chain(one.compaction_bytes)
                .reduce(u64::saturating_add),
        }),
    )
}

const P50: RGBColor = ink::SERIES[0];
const LEAST: RGBColor = ink::dashed(ink::SERIES[5]);
const P99: RGBColor = ink::SERIES[1];
const MAX: RGBColor = ink::dotted(ink::SERIES[3]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_seconds_are_drawn_as_the_worst_of_each_few() {
        let second = |second: u32| Interval {
            at_s: f64::from(second),
            count: if second == 7 { 0 } else { 100 },
            p50_us: (second != 3).then(|| f64::from(second)),
            p99_us: f64::from(second % 5),
            max_us: 50.0,
            compaction_bytes: Some(10),
            ..Interval::default()
        };
        let hour: Vec<Interval> = (0..3_600).map(second).collect();
        let run = Run::of(&hour, &[], 1.0).unwrap();
        assert_eq!(
            (run.together, run.intervals.len(), run.step_s, run.end_s),
            (10, 360, 10.0, 3_600.0)
        );
        let Interval { count, p50_us, p99_us, compaction_bytes, .. } = run.intervals[0];
        assert_eq!((count, p50_us, p99_us, compaction_bytes), (900, Some(9.0), 4.0, Some(100)));
        assert_eq!(run.lowest_per_s[..2], [0.0, 100.0]);
        // A short run is drawn as it is.
        let minute = Run::of(&hour[..60], &[], 1.0).unwrap();
        assert_eq!((minute.together, &minute.intervals[..]), (1, &hour[..60]));
    }
}
