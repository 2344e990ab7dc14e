//! Victims: the segments that a round empties for their dead space. Not how: see `rescue`.

use flywheel_disk::World;

use super::pace::Pace;
use super::{Round, Source};
use crate::core::{Core, Health};
use crate::format::segment::CONTENT_AT;
use crate::limits::MAX_COMPACTION_ROUND_BYTES;
use crate::segments::Segments;
use crate::space::Need;

/// The most dead segments, if there is enough dead space to be worth a round.
pub(super) fn choose<W: World>(core: &Core<W>) -> Option<Round> {
    let mut segments = core.segments.borrow_mut();
    let segment_bytes = u64::from(segments.segment_bytes);
    let mut candidates: Vec<(u64, u16)> = (0u16..)
        .zip(&segments.all)
        .filter(|(_, slot)| slot.may_be_emptied())
        .map(|(segment, slot)| (slot.live_bytes, segment))
        .collect();
    let sealed_bytes = candidates.len() as u64 * segment_bytes;
    // Live bytes are counted in upper bounds of lengths: full segments may seem more than full.
    let live_bytes = candidates.iter().map(|(live, _)| live).sum();
    let dead_bytes = sealed_bytes.saturating_sub(live_bytes);
    let full = matches!(*core.health.borrow(), Health::Full(_));
    let max_dead_bytes = core.options.max_dead_share * sealed_bytes as f64;
    if dead_bytes as f64 <= max_dead_bytes && !full {
        return None;
    }
    candidates.sort_unstable();
    // A victim that is nearly all live costs more than it gives.
    let worth = candidates.partition_point(|(live, _)| live * 20 <= segment_bytes * 19);
    let candidates = &candidates[..worth];
    let round = if full {
        choose_gainful(core, &segments, candidates)
    } else {
        let count = most_victims(candidates, segment_bytes, 1, u64::MAX);
        Some((count, Need::Runs)).filter(|_| count > 0)
    };
    let (count, need) = round?;
    let victims: Vec<u16> = candidates[..count].iter().map(|(_, segment)| *segment).collect();
    let live_bytes = candidates[..count].iter().map(|(live, _)| live).sum();
    segments.begin_compaction(&victims);
    Some(Round {
        pace: Pace::of_debt(core, live_bytes, count as u64 * segment_bytes),
        source: Source::Victims(victims),
        need,
        is_atomic: full,
    })
}

/// How many of the candidates a round may take whose live bytes are bounded; at least `least` of them
/// are not too many to hold in memory.
fn most_victims(
    candidates: &[(u64, u16)],
    segment_bytes: u64,
    least: u64,
    live_bound_bytes: u64,
) -> usize {
    let most = (MAX_COMPACTION_ROUND_BYTES / segment_bytes).max(least) as usize;
    let mut live_bytes = 0;
    let fits = |(live, _): &&(u64, u16)| {
        live_bytes += live;
        live_bytes <= live_bound_bytes
    };
    candidates.iter().take(most).take_while(fits).count()
}

/// On a full disk: the fewest segments of output that take in the live records of more victims than
/// that.
fn choose_gainful<W: World>(
    core: &Core<W>,
    segments: &Segments<W>,
    candidates: &[(u64, u16)],
) -> Option<(usize, Need)> {
    let left = |need| segments.free_and_ready().saturating_sub(core.reserve(need)) as u64;
    // At the end of each segment a run may not fit, and every run is padded.
    let whole_runs_bytes =
        (segments.segment_bytes - CONTENT_AT) as usize - core.options.max_run_bytes();
    let output_bytes = (whole_runs_bytes / 4 * 3) as u64;
    (1..=left(Need::LastRuns)).find_map(|outputs| {
        let bound_bytes = outputs * output_bytes;
        let segment_bytes = segments.segment_bytes.into();
        let count = most_victims(candidates, segment_bytes, outputs + 1, bound_bytes);
        let need = if outputs <= left(Need::Runs) { Need::Runs } else { Need::LastRuns };
        Some((count, need)).filter(|_| count as u64 > outputs)
    })
}
