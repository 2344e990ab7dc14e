//! Writing down once more what recovery found and what may not be durable: a process that crashed, or
//! whose write or sync failed, may have left it where reads see it and the next power loss takes it. A
//! sync alone is not enough: one that has failed before may forget what it failed to write.
//!
//! The very bytes that stand there are written again, so that nothing can be torn that was whole.

use std::path::Path;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{File, World};

use super::Recovered;
use super::files::{corrupt, decode_head};
use crate::error::StoreError;
use crate::format::place::Place;
use crate::options::StoreOptions;
use crate::segments::segment_path;

/// Batches of the log that nothing calls durable yet, with all their bytes: at most those that were in
/// flight at once.
#[derive(Default)]
pub(super) struct Unproven {
    batches: Vec<(u64, Place, Vec<u8>)>,
}

impl Unproven {
    /// Takes in the next batch, and lets those go that are proven now.
    pub(super) fn add(&mut self, number: u64, place: Place, bytes: &[u8], proven: u64) {
        self.batches.retain(|(number, ..)| *number > proven);
        if number > proven {
            self.batches.push((number, place, bytes.to_vec()));
        }
    }
}

impl<W: World> Recovered<W> {
    /// Makes durable what everything from now on stands on: the superblock, the newest life's header,
    /// the log's unproven end.
    pub(crate) async fn restate(
        &mut self,
        world: &W,
        directory: &Path,
        options: &StoreOptions,
    ) -> Result<(), StoreError> {
        self.superblock.restate(world, directory).await?;
        self.restate_header(world, directory, options).await?;
        for (_, place, bytes) in std::mem::take(&mut self.unproven.batches) {
            let mut buffer = world.buffer(bytes.len());
            buffer.copy_from_slice(&bytes);
            let file = self.segments.get(place.segment).file.clone();
            file.write_durable(place.offset_bytes.into(), buffer).await?;
        }
        Ok(())
    }

    /// The next life names the newest one, which must then be found.
    async fn restate_header(
        &self,
        world: &W,
        directory: &Path,
        options: &StoreOptions,
    ) -> Result<(), StoreError> {
        let (segment, life) = self.segments.last_begun;
        if life == 0 {
            return Ok(());
        }
        let file = self.segments.get(segment).file.clone();
        let head = file.read(0, super::files::HEAD_BYTES).await?;
        let path = segment_path(directory, segment);
        let header = decode_head(&path, options, segment, &head)?;
        let found = header.map_or(0, |header| header.life);
        if found != life {
            let what = format!("life {life} was read first, then life {found}");
            return Err(corrupt(&path, 0, what));
        }
        let mut block = world.buffer(BLOCK_BYTES);
        block.copy_from_slice(&head[..BLOCK_BYTES]);
        Ok(file.write_durable(0, block).await?)
    }
}
