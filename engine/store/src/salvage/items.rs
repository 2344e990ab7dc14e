//! The items of a salvaged store, in key order, each read and proven or given up. Not who owns them: that
//! is for whoever knows all shards.

use std::ops::{Bound, ControlFlow};
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{File, World};
use futures_util::future::join_all;

use super::Salvage;
use crate::format::record::{Record, RecordKind};
use crate::format::round_up;
use crate::index::{Direction, Fetched, Location};
use crate::limits::{MAX_SALVAGE_PAGE_BYTES, MAX_SALVAGE_PAGE_ITEMS, MAX_SCRUB_LOOKS};
use crate::types::Version;

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Salvaged {
    /// It was read.
    Kept {
        /// The key.
        key: Bytes,
        /// Its version.
        version: Version,
        /// Its value.
        value: Bytes,
        /// Whether a newer version of it, or its deletion, may have been lost.
        doubtful: bool,
    },
    /// Its newest value cannot be read.
    Lost {
        /// The key.
        key: Bytes,
        /// Where its record should stand.
        file: String,
        /// Where in the file.
        offset_bytes: u64,
        /// What was expected and what was found.
        what: String,
    },
}

impl<W: World> Salvage<W> {
    /// The next items behind a key, in key order; none at the end. `behind` is [`Bound::Unbounded`] at
    /// first, then what came back with the last page.
    pub async fn page(&self, behind: &Bound<Bytes>) -> (Vec<Salvaged>, Bound<Bytes>) {
        let mut entries: Vec<(Bytes, Location)> = Vec::new();
        let mut bytes = 0;
        let start = behind.as_ref().map(|key| &**key);
        let mut list = |key: &[u8], location: Location| {
            bytes += location.len_bytes() as usize;
            entries.push((Bytes::copy_from_slice(key), location));
            match entries.len() >= MAX_SALVAGE_PAGE_ITEMS || bytes >= MAX_SALVAGE_PAGE_BYTES {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let all_warm = Fetched::default();
        let walked =
            self.table.visit(start, Bound::Unbounded, Direction::Forward, &all_warm, &mut list);
        walked.expect("a salvage holds the whole index in memory");
        let last = entries.last().map(|(key, _)| Bound::Excluded(key.clone()));
        let read = entries.into_iter().map(|(key, location)| self.read(key, location));
        (join_all(read).await, last.unwrap_or_else(|| behind.clone()))
    }

    async fn read(&self, key: Bytes, location: Location) -> Salvaged {
        let mut what = "its segment is missing, or which life it lives is not known".to_owned();
        if let Some((lived, place)) = self.files.place(location) {
            let offset = place.offset_bytes as usize;
            let from = offset & !(BLOCK_BYTES - 1);
            let end = round_up(offset + location.len_bytes() as usize, BLOCK_BYTES);
            let to = end.min(lived.file.size_bytes() as usize & !(BLOCK_BYTES - 1));
            for look in 0..if from < to { MAX_SCRUB_LOOKS } else { 0 } {
                if look > 0 {
                    self.world.sleep(Duration::from_millis(1)).await;
                }
                let block = match lived.file.read(from as u64, to - from).await {
                    Ok(block) => block,
                    Err(error) => {
                        what = error.to_string();
                        continue;
                    }
                };
                match Record::decode(place, &block[offset - from..]) {
                    Ok(record) if record.kind == RecordKind::Put && record.key == &*key => {
                        let doubtful = self.doubt.is_about(&key);
                        let value = Bytes::copy_from_slice(record.value);
                        return Salvaged::Kept { key, version: record.version, value, doubtful };
                    }
                    Ok(_) => what = "the record of another key stands here".into(),
                    Err(damage) => what = damage.what,
                }
            }
        }
        let file = self.files.path(location.segment());
        Salvaged::Lost { key, file, offset_bytes: location.offset_bytes().into(), what }
    }
}
