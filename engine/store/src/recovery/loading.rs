//! Loading the newest checkpoint: the index as it was at one batch of the log. Not the log behind it:
//! see `chain`.

use flywheel_disk::World;

use super::Replay;
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::checkpoint::{Chunk, Element};
use crate::format::place::Place;
use crate::format::segment::CONTENT_AT;
use crate::format::superblock::Superblock;
use crate::index::TreeBuilder;
use crate::segment_reader::read_range;
use crate::segments::SegmentState;
use crate::types::PartitionSpec;

impl<W: World> Replay<'_, W> {
    pub(super) async fn load_checkpoint(
        &mut self,
        superblock: &Superblock,
    ) -> Result<(), StoreError> {
        let mut loading: Option<(PartitionSpec, TreeBuilder)> = None;
        let mut number = 0;
        let mut ended = superblock.checkpoint.is_empty();
        let mut broken_off = None;
        for &(segment, life) in &superblock.checkpoint {
            let content = self.read_checkpoint_segment(segment, life).await?;
            let mut at = 0;
            while at < content.len() && !ended {
                let place = Place { segment, life, offset_bytes: CONTENT_AT + at as u32 };
                let mut chunk = match Chunk::decode(life, number, &content[at..]) {
                    Ok(chunk) => chunk,
                    // A chunk that did not fit begins the next segment.
                    Err(damage) => {
                        broken_off.get_or_insert((number, place, damage));
                        break;
                    }
                };
                // The break was where it should be: the next segment went on with the same chunk.
                broken_off = None;
                at += chunk.encoded_bytes;
                number += 1;
                ended = self
                    .load_chunk(&mut chunk, &mut loading)
                    .map_err(|damage| self.corrupt(place, damage))?;
                if let Some(spill) = &mut self.spill {
                    let tree = loading.as_mut().map(|(_, builder)| builder.tree_mut());
                    spill.relieve(&self.table, tree).await?;
                }
                self.report();
                self.world.yield_if_needed().await;
            }
        }
        if let Some((spec, builder)) = loading {
            self.table.borrow_mut().restore(spec, builder.finish());
        }
        if ended {
            return Ok(());
        }
        let (after, place, damage) = broken_off.unwrap_or_else(|| {
            let (segment, life) = *superblock.checkpoint.last().expect("not ended, so not empty");
            let place = Place { segment, life, offset_bytes: self.segments.segment_bytes };
            (number, place, Damage::new("the end of the segment"))
        });
        let what = format!("the checkpoint breaks off after {after} chunks: {}", damage.what);
        Err(self.corrupt(place, Damage::new(what)))
    }

    async fn read_checkpoint_segment(
        &mut self,
        segment: u16,
        life: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let place = Place { segment, life, offset_bytes: 0 };
        let known = self.segments.all.get(usize::from(segment)).map(|slot| slot.life);
        if known != Some(life) {
            let what = format!("life {life} of the checkpoint's segment expected, found {known:?}");
            return Err(self.corrupt(place, Damage::new(what)));
        }
        self.segments.get_mut(segment).state = SegmentState::Checkpoint;
        let file = self.segments.get(segment).file.clone();
        Ok(read_range(&*file, CONTENT_AT, self.segments.segment_bytes).await?)
    }

    /// Loads a chunk's elements; says whether the last was the end.
    fn load_chunk(
        &mut self,
        chunk: &mut Chunk<'_>,
        loading: &mut Option<(PartitionSpec, TreeBuilder)>,
    ) -> Result<bool, Damage> {
        while let Some(element) = chunk.next_element()? {
            match element {
                Element::Partition(spec) => {
                    let previous = loading.replace((spec, TreeBuilder::new()));
                    if let Some((spec, builder)) = previous {
                        self.table.borrow_mut().restore(spec, builder.finish());
                    }
                }
                Element::Entry(key, location) => {
                    let Some((_, builder)) = loading else {
                        return Err(Damage::new("an entry before any partition"));
                    };
                    if !builder.accepts(key) {
                        return Err(Damage::new("the entries of a partition do not ascend"));
                    }
                    builder.push(key, location);
                    self.progress.loaded_entries += 1;
                }
                Element::Segment(segment, life) => {
                    // Recycled since is fine: then the log says where its records went.
                    let found = self.segments.all.get(usize::from(segment)).map(|slot| slot.life);
                    if found.is_none_or(|found| found < life) {
                        return Err(Damage::new(format!(
                            "segment {segment} in life {life} or later expected, found {found:?}"
                        )));
                    }
                }
                Element::End(entries) if entries == self.progress.loaded_entries => {
                    return Ok(true);
                }
                Element::End(entries) => {
                    let loaded = self.progress.loaded_entries;
                    return Err(Damage::new(format!("{entries} entries expected, found {loaded}")));
                }
            }
        }
        Ok(false)
    }
}
