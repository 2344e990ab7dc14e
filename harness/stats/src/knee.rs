//! Where latency leaves the floor: the knee of latency against throughput, by Kneedle (Satopää, Albrecht, Irwin
//! and Raghavan, "Finding a 'Kneedle' in a Haystack", ICDCS Workshops 2011). Not the highest rate
//! that meets a target: that is a search of its own.
//!
//! The knee is where the normalised curve lies furthest below the line from its first point to its last, so it
//! moves with the range measured: for 1 / (1 - x) up to x = r it is 1 - sqrt(1 - r). Compare knees
//! of curves that end alike. The paper smooths with a spline first; a handful of points, each a run of
//! its own, has nothing to smooth.

use serde::{Deserialize, Serialize};

use crate::StatsError;
use crate::error::{all_finite, argument};

/// Fewer points have no knee.
pub const LEAST_POINTS: usize = 4;

/// The paper's S of 1: how many mean steps of the rate the curve must come back up to the line.
pub const DEFAULT_SENSITIVITY: f64 = 1.0;

/// One run at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Operations per second.
    pub rate_per_s: f64,
    /// 99th percentile of response time.
    pub p99_us: f64,
}

/// The knee, at one of the points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The point.
    pub at: Point,
    /// How far below the line it lies, as a share of the range of p99: 0 for a line, near 1 for a corner.
    pub depth: f64,
}

/// The knee of a curve, its points in any order; points of one rate are taken at their mean p99.
///
/// `None` of fewer than [`LEAST_POINTS`] rates, of a curve that does not end above its start, and when no point
/// lies further than `sensitivity` mean steps below the line and is followed by a return. Of
/// several knees, the deepest.
///
/// # Errors
/// A rate or a p99 that is not finite (its index counts points), a sensitivity that is not above 0.
pub fn knee(points: &[Point], sensitivity: f64) -> Result<Option<Knee>, StatsError> {
    let is_positive = sensitivity > 0.0 && sensitivity.is_finite();
    argument("sensitivity", sensitivity, "above 0", is_positive)?;
    let rates: Vec<f64> = points.iter().map(|point| point.rate_per_s).collect();
    let latencies: Vec<f64> = points.iter().map(|point| point.p99_us).collect();
    all_finite(&rates)?;
    all_finite(&latencies)?;
    let curve = by_rate(points);
    if curve.len() < LEAST_POINTS {
        return Ok(None);
    }
    let depths = depths(&curve);
    let threshold = sensitivity / (curve.len() - 1) as f64;
    let deepest = candidates(&depths)
        .filter(|&at| returns(&depths, at, threshold))
        .max_by(|&a, &b| depths[a].total_cmp(&depths[b]));
    Ok(deepest.map(|at| Knee { at: curve[at], depth: depths[at] }))
}

/// Sorted by rate, one point each.
fn by_rate(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    let same_rate = sorted.chunk_by(|a, b| a.rate_per_s == b.rate_per_s);
    let merged = same_rate.map(|same| {
        let sum: f64 = same.iter().map(|point| point.p99_us).sum();
        Point { rate_per_s: same[0].rate_per_s, p99_us: sum / same.len() as f64 }
    });
    merged.collect()
}

/// x - y of each point of the curve scaled to the unit square; all 0 if it does not rise.
fn depths(curve: &[Point]) -> Vec<f64> {
    let (first, last) = (curve[0], curve[curve.len() - 1]);
    let least = curve.iter().map(|point| point.p99_us).fold(f64::INFINITY, f64::min);
    let most = curve.iter().map(|point| point.p99_us).fold(f64::NEG_INFINITY, f64::max);
    if last.p99_us <= first.p99_us {
        return vec![0.0; curve.len()];
    }
    let scaled = curve.iter().map(|point| {
        let x = (point.rate_per_s - first.rate_per_s) / (last.rate_per_s - first.rate_per_s);
        x - (point.p99_us - least) / (most - least)
    });
    scaled.collect()
}

/// Local maxima: no lower than the point before, higher than the one after. Never the first or the last.
fn candidates(depths: &[f64]) -> impl Iterator<Item = usize> + '_ {
    (1..depths.len() - 1).filter(|&at| depths[at] >= depths[at - 1] && depths[at] > depths[at + 1])
}

/// Whether the curve comes up by `threshold` from a candidate, above the line it was normalised to, before it
/// goes deeper again.
fn returns(depths: &[f64], at: usize, threshold: f64) -> bool {
    let bound = depths[at] - threshold;
    let until_deeper = depths[at + 1..].iter().take_while(|&&depth| depth <= depths[at]);
    bound > 0.0 && until_deeper.into_iter().any(|&depth| depth < bound)
}
