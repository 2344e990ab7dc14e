//! Compaction: takes the live records out of mostly dead segments and writes them anew in key order,
//! so that space comes back and scans find neighbours together. Not on any request's path.
//!
//! A round rescues the live records of a few victims, sorts them, and writes them as runs. Each run is
//! made durable first; only then does a relocation in the log say that the index points to it, for
//! those records that nobody overwrote meanwhile. The victims are then empty, and the next sweep
//! frees them.
//!
//! Work is paced by debt: for each byte logged, as many bytes of victims are worked off as keep the
//! dead share where it is; writers wait only if files would grow past twice the live data.
//!
//! On a full disk a round is begun only if it surely gives back more segments than it takes, and it is
//! all or nothing: were half of it left behind by a crash, the space that it took would be lost to the
//! rounds after it.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::canary::{self, Canary};
use flywheel_disk::{File, World};

use crate::core::{Core, Health, Need};
use crate::error::StoreError;
use crate::format::batch::{self, BatchHeader, BatchKind, encode_records};
use crate::format::meta::Meta;
use crate::format::place::Place;
use crate::format::record::{self, Record, RecordKind};
use crate::format::segment::CONTENT_AT;
use crate::index::Location;
use crate::limits::MAX_COMPACTION_ROUND_BYTES;
use crate::log::{Move, Pending};
use crate::maintenance;
use crate::segment_reader::{decode_batch, read_range};
use crate::segments::{SegmentState, Segments};

/// How often the loop looks for work when nobody calls it.
const IDLE_LOOK: Duration = Duration::from_millis(200);

/// How long a slice waits at a time while it is ahead of its debt.
const PACE_SLEEP: Duration = Duration::from_millis(1);

/// Bytes per second that compaction may work off even if nothing is logged.
const IDLE_BYTES_PER_S: f64 = (24 << 20) as f64;

/// Bytes of a victim brought in one slice.
const SLICE_BYTES: u32 = 1 << 20;

/// Runs that share one sync.
const RUNS_PER_SYNC: usize = 8;

/// A live record taken out of a victim.
struct Rescued {
    key: Bytes,
    value: Bytes,
    version: u64,
    from: Location,
}

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    let mut output = Output { tail: None };
    while !core.is_closing() && !core.is_stopped() {
        let wanted = core.upkeep_wanted.wait();
        let Some(chosen) = choose(&core) else {
            let idle = std::pin::pin!(core.world.sleep(IDLE_LOOK));
            let wanted = std::pin::pin!(wanted);
            futures_util::future::select(wanted, idle).await;
            continue;
        };
        match round(&core, &chosen, &mut output).await {
            Ok(()) | Err(StoreError::Full(_) | StoreError::Closed) => {}
            Err(StoreError::Stopped(error)) => maintenance::stop(&core, error),
            // Unreadable victims stay as they are: their readers get the error with its place.
            Err(_) => core.counters.compaction_faults.add(1),
        }
        for victim in chosen.victims {
            core.segments.borrow_mut().get_mut(victim).being_compacted = false;
        }
        core.maintenance_wanted.notify();
        core.world.sleep(PACE_SLEEP).await;
    }
}

/// What a round takes: which victims, and what it may use for it.
struct Round {
    victims: Vec<u16>,
    need: Need,
    /// Nothing is relocated before everything is written.
    is_atomic: bool,
}

/// The most dead segments, if there is enough dead space to be worth a round.
fn choose<W: World>(core: &Core<W>) -> Option<Round> {
    let mut segments = core.segments.borrow_mut();
    let segment_bytes = u64::from(segments.segment_bytes);
    let sealed = |state| state == SegmentState::Sealed;
    let mut candidates: Vec<(u64, u16)> = (0u16..)
        .zip(&segments.all)
        .filter(|(_, slot)| sealed(slot.state) && slot.unsettled == 0 && !slot.unreadable)
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
    for &victim in &victims {
        segments.get_mut(victim).being_compacted = true;
    }
    Some(Round { victims, need, is_atomic: full })
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

async fn round<W: World>(
    core: &Rc<Core<W>>,
    chosen: &Round,
    output: &mut Output,
) -> Result<(), StoreError> {
    let victims = &chosen.victims;
    // What the index says of the victims stays readable while we are at it.
    let _pin = core.pins.pin();
    let mut pace = Pace::new(core, victims);
    let mut rescued = Vec::new();
    for &victim in victims {
        match rescue(core, victim, &mut rescued, &mut pace).await {
            // One that cannot be read must not keep the others from being freed.
            Ok(()) | Err(StoreError::Disk(_)) => {}
            Err(error) => return Err(error),
        }
    }
    rescued.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let mut written = Vec::new();
    for records in runs(rescued, core.options.max_run_bytes()) {
        let bytes = records.iter().map(|record| u64::from(record.from.len_bytes())).sum();
        match output.write_run(core, records, chosen.need).await {
            Ok(run) => written.push(run),
            // What is written already must not be left behind, neither pointed to nor freed.
            Err(error) if chosen.is_atomic => {
                abandon(core, &written);
                return Err(error);
            }
            Err(error) => {
                relocate(core, written).await?;
                return Err(error);
            }
        }
        pace.worked(core, bytes).await?;
        if written.len() >= RUNS_PER_SYNC && !chosen.is_atomic {
            relocate(core, std::mem::take(&mut written)).await?;
        }
    }
    relocate(core, written).await?;
    core.counters.compaction_rounds.add(1);
    check_emptied(core, victims);
    Ok(())
}

/// Copies a victim's live records.
async fn rescue<W: World>(
    core: &Core<W>,
    victim: u16,
    rescued: &mut Vec<Rescued>,
    pace: &mut Pace,
) -> Result<(), StoreError> {
    let content = read_paced(core, victim, pace).await?;
    let base = core.segments.borrow().place(victim, CONTENT_AT);
    let mut at = 0;
    // Batches stand one behind the other; what is behind the last one was never acknowledged.
    while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
        let Ok(batch) = decode_batch(base.at(base.offset_bytes + at as u32), rest) else { break };
        for (location, record) in &batch.records {
            if is_live(core, record, *location) {
                rescued.push(Rescued {
                    key: content.slice_ref(record.key),
                    value: content.slice_ref(record.value),
                    version: record.version,
                    from: *location,
                });
            }
        }
        at += batch.header.batch_bytes();
        core.world.yield_if_needed().await;
    }
    Ok(())
}

fn is_live<W: World>(core: &Core<W>, record: &Record<'_>, location: Location) -> bool {
    let table = core.table.borrow();
    record.kind == RecordKind::Put
        && table
            .find(record.key)
            .is_some_and(|partition| partition.index.get(record.key) == Some(location))
}

async fn read_paced<W: World>(
    core: &Core<W>,
    victim: u16,
    pace: &mut Pace,
) -> Result<Bytes, StoreError> {
    let file = core.segments.borrow().get(victim).file.clone();
    let segment_bytes = core.options.segment_bytes;
    let mut content = Vec::with_capacity((segment_bytes - CONTENT_AT) as usize);
    let mut at = CONTENT_AT;
    while at < segment_bytes {
        let to = (at + SLICE_BYTES).min(segment_bytes);
        content.extend_from_slice(&read_range(&*file, at, to).await?);
        core.counters.compaction_bytes_read.add(u64::from(to - at));
        pace.worked(core, u64::from(to - at)).await?;
        at = to;
    }
    Ok(Bytes::from(content))
}

/// Cuts records into runs of at most so many bytes, or of one larger record.
fn runs(records: Vec<Rescued>, max_run_bytes: usize) -> impl Iterator<Item = Vec<Rescued>> {
    let mut records = records.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut run = vec![records.next()?];
        let mut bytes = encoded_bytes(&run[0]);
        while let Some(next) = records.next_if(|next| bytes + encoded_bytes(next) <= max_run_bytes)
        {
            bytes += encoded_bytes(&next);
            run.push(next);
        }
        Some(run)
    })
}

fn encoded_bytes(record: &Rescued) -> usize {
    record::encoded_bytes(record.key.len(), record.value.len())
}

/// A run that was written and is not yet durable.
struct WrittenRun {
    place: Place,
    moves: Vec<Move>,
}

/// Where runs go: one segment after the other.
struct Output {
    tail: Option<Place>,
}

impl Output {
    async fn write_run<W: World>(
        &mut self,
        core: &Core<W>,
        records: Vec<Rescued>,
        need: Need,
    ) -> Result<WrittenRun, StoreError> {
        let body_bytes = records.iter().map(encoded_bytes).sum();
        let place = self.place_for(core, batch::batch_bytes(body_bytes), need).await?;
        let header = BatchHeader {
            place,
            kind: BatchKind::Run,
            number: 0,
            previous: 0,
            durable: 0,
            body_bytes: body_bytes as u32,
            records: records.len() as u32,
        };
        let mut buffer = core.world.buffer(header.batch_bytes());
        let encoded = records.iter().map(|rescued| Record {
            kind: RecordKind::Put,
            version: rescued.version,
            key: &rescued.key,
            value: &rescued.value,
        });
        let locations = encode_records(&header, encoded, &mut buffer);
        let file = {
            let mut segments = core.segments.borrow_mut();
            segments.unsettle(place.segment);
            segments.get(place.segment).file.clone()
        };
        file.write(place.offset_bytes.into(), buffer).await.map_err(StoreError::of_write)?;
        core.counters.compaction_bytes_written.add(header.batch_bytes() as u64);
        self.tail = Some(place.at(place.offset_bytes + header.batch_bytes() as u32));
        let moves = records.into_iter().zip(locations);
        let moves = moves.map(|(Rescued { key, from, .. }, to)| Move { key, from, to });
        Ok(WrittenRun { place, moves: moves.collect() })
    }

    async fn place_for<W: World>(
        &mut self,
        core: &Core<W>,
        batch_bytes: usize,
        need: Need,
    ) -> Result<Place, StoreError> {
        if let Some(tail) = self.tail {
            if tail.offset_bytes as usize + batch_bytes <= core.options.segment_bytes as usize {
                return Ok(tail);
            }
            core.segments.borrow_mut().seal(tail.segment);
            self.tail = None;
        }
        core.open_segment(SegmentState::Open, need).await
    }
}

/// Makes runs durable, then has the log say that the index points to them.
async fn relocate<W: World>(core: &Core<W>, runs: Vec<WrittenRun>) -> Result<(), StoreError> {
    let mut synced = None;
    for run in &runs {
        if synced != Some(run.place.segment) {
            let file = core.segments.borrow().get(run.place.segment).file.clone();
            let durable = file.sync().await.map_err(StoreError::of_write);
            if !canary::sings(Canary::BelieveFailedSync) {
                durable?;
            }
            synced = Some(run.place.segment);
        }
    }
    let mut last = None;
    for WrittenRun { place, moves } in runs {
        if let Health::Stopped(error) = &*core.health.borrow() {
            return Err(StoreError::Stopped(error.clone()));
        }
        let from = moves.iter().map(|one| one.from).collect();
        let encoded = Meta::Relocate { run: place, from }.encode();
        let relocation = Pending::Relocation { moves, run_segment: place.segment, encoded };
        last = Some(core.append(vec![relocation]));
    }
    match last {
        Some(done) => done.wait().await,
        None => Ok(()),
    }
}

/// Gives up runs that nothing points to.
fn abandon<W: World>(core: &Core<W>, runs: &[WrittenRun]) {
    let mut segments = core.segments.borrow_mut();
    runs.iter().for_each(|run| segments.settle(run.place.segment, 0));
}

/// A victim that still has live records holds ones that could not be read: it is left alone.
fn check_emptied<W: World>(core: &Core<W>, victims: &[u16]) {
    let mut segments = core.segments.borrow_mut();
    for &victim in victims {
        let slot = segments.get_mut(victim);
        if slot.live_bytes > 0 {
            slot.unreadable = true;
            core.counters.compaction_faults.add(1);
        }
    }
}

/// How far compaction may be: its debt grows with what is logged.
struct Pace {
    started_ns: u64,
    logged_before: u64,
    /// Victim bytes to work off for each byte logged.
    bytes_per_logged: f64,
    worked_bytes: u64,
}

impl Pace {
    fn new<W: World>(core: &Core<W>, victims: &[u16]) -> Self {
        let segments = core.segments.borrow();
        let live: u64 = victims.iter().map(|&victim| segments.get(victim).live_bytes).sum();
        let all = victims.len() as u64 * u64::from(segments.segment_bytes);
        let live_share = live as f64 / all as f64;
        // One victim gives back its dead share; reading it and writing its live records are both work.
        let work_per_victim = 1.0 + live_share;
        let dead_share = (1.0 - live_share).max(0.05);
        Self {
            started_ns: core.world.now_ns(),
            logged_before: core.counters.log_bytes_written.get(),
            bytes_per_logged: 1.25 * work_per_victim / dead_share,
            worked_bytes: 0,
        }
    }

    /// Notes work done, and waits while it is ahead of the debt.
    async fn worked<W: World>(&mut self, core: &Core<W>, bytes: u64) -> Result<(), StoreError> {
        self.worked_bytes += bytes;
        loop {
            core.world.yield_if_needed().await;
            match &*core.health.borrow() {
                Health::Stopped(error) => return Err(StoreError::Stopped(error.clone())),
                _ if core.is_closing() => return Err(StoreError::Closed),
                Health::Full(_) => return Ok(()),
                Health::Running => {}
            }
            let logged = core.counters.log_bytes_written.get() - self.logged_before;
            let elapsed_s = (core.world.now_ns() - self.started_ns) as f64 / 1e9;
            let allowed = logged as f64 * self.bytes_per_logged + elapsed_s * IDLE_BYTES_PER_S;
            if self.worked_bytes as f64 <= allowed || core.must_wait_for_space() {
                return Ok(());
            }
            core.world.sleep(PACE_SLEEP).await;
        }
    }
}
