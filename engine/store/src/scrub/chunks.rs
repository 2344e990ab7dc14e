//! The newest checkpoint, looked at chunk by chunk. Not loaded: see `recovery`.

use flywheel_disk::{File, World};

use super::finding::Concern;
use super::pass::Pass;
use super::window::Window;
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::checkpoint::{Chunk, Element};
use crate::format::place::Place;
use crate::format::segment::CONTENT_AT;
use crate::limits::{MAX_RUN_READ_BYTES, MAX_SCRUB_LOOKS, MAX_SCRUB_READ_BYTES};

/// What one walk over a checkpoint came to.
enum Walked {
    Whole,
    Damaged(Place, String),
    /// A newer one took its place meanwhile.
    Superseded,
}

impl<W: World> Pass<'_, W> {
    /// Looks at the newest checkpoint. One that is always superseded is always fresh.
    pub(super) async fn checkpoint(&mut self) -> Result<(), StoreError> {
        let (mut damaged, mut damaged_times) = (None, 0);
        for _ in 0..MAX_SCRUB_LOOKS {
            match self.walk_checkpoint().await? {
                Walked::Whole => {
                    (0..damaged_times).for_each(|_| self.transient());
                    return Ok(());
                }
                Walked::Damaged(place, what) => {
                    damaged = Some((place, what));
                    damaged_times += 1;
                }
                Walked::Superseded => (damaged, damaged_times) = (None, 0),
            }
        }
        if let Some((place, what)) = damaged {
            let file = self.segment_file(place.segment);
            self.found(file, place.offset_bytes.into(), what, Concern::Checkpoint);
        }
        Ok(())
    }

    async fn walk_checkpoint(&mut self) -> Result<Walked, StoreError> {
        let (generation, segments) = {
            let newest = self.core.superblock.borrow();
            (newest.generation, newest.checkpoint.clone())
        };
        let core = self.core;
        let is_newest = move || core.superblock.borrow().generation == generation;
        let mut number = 0;
        let mut broken_off = None;
        for &(segment, life) in &segments {
            let mut place = Place { segment, life, offset_bytes: CONTENT_AT };
            let file = self.core.segments.borrow().get(segment).file.clone();
            let mut window = Window::new(CONTENT_AT);
            while place.offset_bytes < self.core.options.segment_bytes {
                window.forget(place.offset_bytes);
                let filled = self.fill(&*file, &mut window).await?;
                if !is_newest() {
                    return Ok(Walked::Superseded);
                }
                if let Err(what) = filled {
                    return Ok(Walked::Damaged(place.at(window.end()), what));
                }
                match judge_chunk(life, number, window.from(place.offset_bytes)) {
                    Ok((_, true)) => return Ok(Walked::Whole),
                    Ok((encoded_bytes, false)) => {
                        broken_off = None;
                        place.offset_bytes += encoded_bytes;
                        number += 1;
                    }
                    // A chunk that did not fit begins the next segment.
                    Err(damage) => {
                        broken_off.get_or_insert((place, damage.what));
                        break;
                    }
                }
                self.core.world.yield_if_needed().await;
            }
        }
        if segments.is_empty() {
            return Ok(Walked::Whole);
        }
        let (place, what) = broken_off.unwrap_or_else(|| {
            let &(segment, life) = segments.last().expect("looked at above");
            let end = self.core.options.segment_bytes;
            (Place { segment, life, offset_bytes: end }, "the end of the segment".into())
        });
        Ok(Walked::Damaged(place, format!("chunk {number} of the checkpoint: {what}")))
    }

    /// Reads on until the window holds the longest chunk there can be, or the segment's end.
    async fn fill<F: File>(
        &mut self,
        file: &F,
        window: &mut Window,
    ) -> Result<Result<(), String>, StoreError> {
        let end = self.core.options.segment_bytes;
        let to = (window.start() + MAX_RUN_READ_BYTES as u32).min(end);
        while window.end() < to {
            let length = ((to - window.end()) as usize).min(MAX_SCRUB_READ_BYTES);
            let read = file.read(window.end().into(), length).await;
            self.worked(length as u64).await?;
            match read {
                Ok(block) => window.append(&block),
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
        Ok(Ok(()))
    }
}

/// The length of the chunk that should stand here, and whether it is the last.
fn judge_chunk(life: u64, number: u32, bytes: &[u8]) -> Result<(u32, bool), Damage> {
    let mut chunk = Chunk::decode(life, number, bytes)?;
    let mut is_last = false;
    while let Some(element) = chunk.next_element()? {
        is_last = matches!(element, Element::End(_));
    }
    Ok((chunk.encoded_bytes as u32, is_last))
}
