//! What is seen of a system from outside while a run goes on: its counters before, during and after. Not what
//! the run measures of its operations: that is the driver's.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use flywheel_load::{Control, RunFigures};
use flywheel_report::{EngineFigures, Event, EventKind};
use flywheel_shard::{Engine, EngineStats, StoreStats};

use crate::convert;
use crate::error::CliError;

/// How often counters are looked at: events are placed this exactly.
const EVERY: Duration = Duration::from_millis(250);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    /// The system's own counts.
    pub engine: EngineFigures,
    /// What it did beside answering.
    pub events: Vec<Event>,
    /// Bytes that compaction moved, by second of the measured window.
    pub compaction_bytes: BTreeMap<u64, u64>,
}

/// A system under test, as far as it can be watched.
pub trait Watch {
    /// Runs `work` and tells what was seen meanwhile: nothing, of what has no counters. `control` tells when
    /// the run began.
    fn around(
        &self,
        control: &Control,
        work: &mut dyn FnMut() -> Result<RunFigures, CliError>,
    ) -> Result<(RunFigures, Seen), CliError> {
        let _ = control;
        Ok((work()?, Seen::default()))
    }
}

/// Nothing to see.
pub struct Nothing;

impl Watch for Nothing {}

impl Watch for Engine {
    fn around(
        &self,
        control: &Control,
        work: &mut dyn FnMut() -> Result<RunFigures, CliError>,
    ) -> Result<(RunFigures, Seen), CliError> {
        let before = self.stats()?;
        let (figures, samples) = std::thread::scope(|scope| {
            let (ended, end) = channel::<()>();
            let sampler = scope.spawn(move || {
                let mut samples = Vec::new();
                loop {
                    // An engine that gives no figures any more fails the run itself.
                    if let Ok(stats) = self.stats() {
                        samples.push(Sample { at: control.progress().elapsed, stats });
                    }
                    if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                        return samples;
                    }
                }
            });
            let figures = work();
            drop(ended);
            (figures, sampler.join().expect("looking at figures does not panic"))
        });
        let figures = figures?;
        let after = self.stats()?;
        let most = samples.iter().filter_map(|sample| per_live_byte(&sample.stats.store));
        let seen = Seen {
            engine: convert::engine(&before.store, &after.store, most.reduce(f64::max), &figures),
            events: events(&samples, figures.warm_up_s),
            compaction_bytes: compaction_bytes(&samples, figures.warm_up_s),
        };
        Ok((figures, seen))
    }
}

/// The counters at one time.
struct Sample {
    at: Duration,
    stats: EngineStats,
}

fn per_live_byte(stats: &StoreStats) -> Option<f64> {
    let file_bytes = stats.file_bytes + stats.index_file_bytes;
    (stats.live_bytes > 0).then(|| file_bytes as f64 / stats.live_bytes as f64)
}

type Counter = fn(&EngineStats) -> u64;

/// What rose between one sample and the next, in the measured window.
fn events(samples: &[Sample], warm_up_s: f64) -> Vec<Event> {
    let counters: [(EventKind, Counter); 5] = [
        (EventKind::Compaction, |stats| stats.store.compaction_rounds),
        (EventKind::Checkpoint, |stats| stats.store.checkpoints),
        (EventKind::Split, |stats| stats.shards.iter().map(|shard| shard.splits).sum()),
        (EventKind::Move, |stats| stats.shards.iter().map(|shard| shard.moves).sum()),
        (EventKind::Throttle, |stats| {
            stats.shards.iter().map(|shard| shard.refused + shard.turned_away).sum()
        }),
    ];
    let mut events = Vec::new();
    for pair in samples.windows(2) {
        let at_s = pair[1].at.as_secs_f64() - warm_up_s;
        if at_s < 0.0 {
            continue;
        }
        for (kind, counter) in counters {
            let count = counter(&pair[1].stats).saturating_sub(counter(&pair[0].stats));
            events.extend((count > 0).then_some(Event { at_s, kind, count }));
        }
    }
    events
}

fn compaction_bytes(samples: &[Sample], warm_up_s: f64) -> BTreeMap<u64, u64> {
    let moved = |stats: &EngineStats| {
        stats.store.compaction_bytes_read + stats.store.compaction_bytes_written
    };
    let mut by_second: BTreeMap<u64, u64> = BTreeMap::new();
    for pair in samples.windows(2) {
        let at_s = pair[1].at.as_secs_f64() - warm_up_s;
        if at_s >= 0.0 {
            let bytes = moved(&pair[1].stats).saturating_sub(moved(&pair[0].stats));
            *by_second.entry(at_s as u64).or_default() += bytes;
        }
    }
    by_second
}
