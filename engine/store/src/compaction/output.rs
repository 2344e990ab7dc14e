//! Output: runs of records in key order, written beside the log, and the relocations that make them
//! count. Not which records: see `rescue`.

use flywheel_disk::canary::{self, Canary};
use flywheel_disk::{File, World};

use super::rescue::Rescued;
use crate::core::{Core, Health};
use crate::error::StoreError;
use crate::format::batch::{self, BatchHeader, BatchKind, encode_records};
use crate::format::meta::Meta;
use crate::format::place::Place;
use crate::format::record::{self, Record, RecordKind};
use crate::log::{Move, Pending};
use crate::segments::SegmentState;
use crate::space::Need;

/// Cuts records into runs of at most so many bytes, or of one larger record.
pub(super) fn runs(
    records: Vec<Rescued>,
    max_run_bytes: usize,
) -> impl Iterator<Item = Vec<Rescued>> {
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
pub(super) struct WrittenRun {
    place: Place,
    moves: Vec<Move>,
}

/// Where runs go: one segment after the other.
#[derive(Default)]
pub(super) struct Output {
    tail: Option<Place>,
}

impl Output {
    pub(super) async fn write_run<W: World>(
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
        let place = core.open_segment(SegmentState::Open, need).await?;
        core.segments.borrow_mut().get_mut(place.segment).holds_runs = true;
        Ok(place)
    }
}

/// Makes runs durable, then has the log say that the index points to them.
pub(super) async fn relocate<W: World>(
    core: &Core<W>,
    runs: Vec<WrittenRun>,
) -> Result<(), StoreError> {
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
pub(super) fn abandon<W: World>(core: &Core<W>, runs: &[WrittenRun]) {
    let mut segments = core.segments.borrow_mut();
    runs.iter().for_each(|run| segments.settle(run.place.segment, 0));
}
