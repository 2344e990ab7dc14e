//! The index that a checkpoint holds, if every chunk of it is whole. Not the log behind it.

use flywheel_disk::World;

use super::files::{Files, finding, read_leniently};
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::checkpoint::{Chunk, Element};
use crate::format::segment::CONTENT_AT;
use crate::format::superblock::Superblock;
use crate::index::TreeBuilder;
use crate::partitions::PartitionTable;
use crate::scrub::{Concern, Finding};
use crate::types::PartitionSpec;

/// What was loaded so far.
#[derive(Default)]
struct Loading {
    table: PartitionTable,
    partition: Option<(PartitionSpec, TreeBuilder)>,
    entries: u64,
    ended: bool,
}

/// Loads a checkpoint; where it breaks off, if it does.
pub(super) async fn load<W: World>(
    world: &W,
    files: &Files<W>,
    superblock: &Superblock,
) -> Result<Result<PartitionTable, Finding>, StoreError> {
    let mut loading = Loading { ended: superblock.checkpoint.is_empty(), ..Loading::default() };
    let mut number = 0;
    let mut broken_off: Option<Finding> = None;
    for &(segment, life) in &superblock.checkpoint {
        let Some(lived) = files.get(segment).filter(|lived| lived.life == life) else {
            let what = format!("life {life} of the checkpoint's segment is not there");
            return Ok(Err(finding(files.path(segment), 0, what, Concern::Checkpoint)));
        };
        let content = read_leniently(world, &lived.file, CONTENT_AT, u32::MAX).await;
        let mut at = 0;
        while at < content.len() && !loading.ended {
            let loaded = Chunk::decode(life, number, &content[at..]).map(|mut chunk| {
                let encoded_bytes = chunk.encoded_bytes;
                loading.take(&mut chunk).map(|()| encoded_bytes)
            });
            let bad = |damage: Damage| {
                let offset = u64::from(CONTENT_AT) + at as u64;
                let what = format!("chunk {number} of the checkpoint: {}", damage.what);
                finding(files.path(segment), offset, what, Concern::Checkpoint)
            };
            match loaded {
                Ok(Ok(encoded_bytes)) => {
                    broken_off = None;
                    at += encoded_bytes;
                    number += 1;
                }
                Ok(Err(damage)) => return Ok(Err(bad(damage))),
                // A chunk that did not fit begins the next segment.
                Err(damage) => {
                    broken_off.get_or_insert(bad(damage));
                    break;
                }
            }
            world.yield_if_needed().await;
        }
    }
    if let Some((spec, builder)) = loading.partition.take() {
        loading.table.restore(spec, builder.finish());
    }
    if loading.ended {
        return Ok(Ok(loading.table));
    }
    Ok(Err(broken_off.unwrap_or_else(|| {
        let segment = superblock.checkpoint.last().map_or(0, |&(segment, _)| segment);
        let what = format!("chunk {number} of the checkpoint: the end of the segment");
        finding(files.path(segment), superblock.segment_bytes.into(), what, Concern::Checkpoint)
    })))
}

impl Loading {
    fn take(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Damage> {
        while let Some(element) = chunk.next_element()? {
            match element {
                Element::Partition(spec) => {
                    let previous = self.partition.replace((spec, TreeBuilder::new()));
                    if let Some((spec, builder)) = previous {
                        self.table.restore(spec, builder.finish());
                    }
                }
                Element::Entry(key, location) => match &mut self.partition {
                    Some((_, builder)) if builder.accepts(key) => {
                        builder.push(key, location);
                        self.entries += 1;
                    }
                    _ => return Err(Damage::new("an entry out of order")),
                },
                // A segment of another life is told by the checksums of what is read there.
                Element::Segment(..) => {}
                Element::End(entries) if entries == self.entries => self.ended = true,
                Element::End(entries) => {
                    let loaded = self.entries;
                    return Err(Damage::new(format!("{entries} entries expected, found {loaded}")));
                }
            }
        }
        Ok(())
    }
}
