//! Reads of single keys: from the cache, or with exactly one read of the disk; absent keys cost none.
//! Not scans: see `scan`.

use bytes::Bytes;
use flywheel_disk::{File, World};

use crate::core::Core;
use crate::error::StoreError;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::format::{Damage, round_up};
use crate::index::Location;
use crate::pins::Pin;
use crate::segments::segment_path;
use crate::types::Versioned;

/// What is known of a key without reading the disk.
pub enum Peek {
    /// Its newest durable version, from the cache.
    Cached(Versioned),
    /// It has no value.
    Absent,
    /// It has a value that must be read: see [`Store::read`](crate::Store::read).
    OnDisk(OnDisk),
}

/// Where a key's newest durable version stood when the index was asked. It stays there while this is held.
pub struct OnDisk {
    location: Location,
    pin: Pin,
}

impl<W: World> Core<W> {
    pub(crate) fn peek(&self, key: &[u8]) -> Result<Peek, StoreError> {
        let table = self.table.borrow();
        let partition = table.find(key).ok_or(StoreError::NotOwned)?;
        self.counters.reads.add(1);
        if let Some(cached) = self.cache.borrow().get(partition.cache_tag, key) {
            self.counters.cache_hits.add(1);
            return Ok(Peek::Cached(cached.clone()));
        }
        Ok(match partition.index.get(key) {
            Some(location) => Peek::OnDisk(OnDisk { location, pin: self.pins.pin() }),
            None => {
                self.counters.absent_reads.add(1);
                Peek::Absent
            }
        })
    }

    pub(crate) async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        match self.peek(key)? {
            Peek::Cached(versioned) => Ok(Some(versioned)),
            Peek::Absent => Ok(None),
            Peek::OnDisk(place) => self.read(key, place).await.map(Some),
        }
    }

    pub(crate) async fn read(&self, key: &[u8], place: OnDisk) -> Result<Versioned, StoreError> {
        let versioned = self.fetch(key, place.location, place.pin).await?;
        self.remember(key, place.location, &versioned);
        Ok(versioned)
    }

    /// Reads the record of `key` at `location`. `pin` was taken when the index said so.
    pub(crate) async fn fetch(
        &self,
        key: &[u8],
        location: Location,
        pin: Pin,
    ) -> Result<Versioned, StoreError> {
        let (file, place) = {
            let segments = self.segments.borrow();
            let place = segments.place(location.segment(), location.offset_bytes());
            (segments.get(location.segment()).file.clone(), place)
        };
        let alignment = file.read_alignment_bytes();
        let from = place.offset_bytes as usize & !(alignment - 1);
        let end = place.offset_bytes as usize + location.len_bytes() as usize;
        let to = round_up(end, alignment).min(file.size_bytes() as usize);
        let pass = self.reads.enter().await;
        let block = file.read(from as u64, to - from).await?;
        drop(pass);
        drop(pin);
        self.counters.read_ios.add(1);
        self.counters.read_bytes.add((to - from) as u64);
        self.decode(key, place, &block[place.offset_bytes as usize - from..])
    }

    /// Decodes the record of `key` that must stand at `place`.
    pub(crate) fn decode(
        &self,
        key: &[u8],
        place: Place,
        bytes: &[u8],
    ) -> Result<Versioned, StoreError> {
        let record = Record::decode(place, bytes).map_err(|damage| self.corrupt(place, damage))?;
        if record.kind != RecordKind::Put || record.key != key {
            let what = "the record of another key stands here";
            return Err(self.corrupt(place, Damage::new(what)));
        }
        Ok(Versioned { version: record.version, value: Bytes::copy_from_slice(record.value) })
    }

    pub(crate) fn corrupt(&self, place: Place, damage: Damage) -> StoreError {
        StoreError::Corrupt {
            file: segment_path(&self.directory, place.segment).display().to_string(),
            offset_bytes: place.offset_bytes.into(),
            what: damage.what,
        }
    }

    /// Caches what was read, unless the key has changed or moved meanwhile.
    fn remember(&self, key: &[u8], location: Location, versioned: &Versioned) {
        let table = self.table.borrow();
        let Some(partition) = table.find(key) else { return };
        if partition.index.get(key) == Some(location) {
            let key = Bytes::copy_from_slice(key);
            self.cache.borrow_mut().insert(partition.cache_tag, key, versioned.clone());
        }
    }
}
