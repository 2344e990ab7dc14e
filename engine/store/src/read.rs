//! Reads of single keys: from the cache, or with exactly one read of the disk; absent keys cost none. Where
//! the index does not fit its memory, one read more.
//! Not scans: see `scan`.

use bytes::Bytes;
use flywheel_disk::World;

use crate::core::Core;
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind};
use crate::index::{Location, Page};
use crate::pins::Pin;
use crate::segment_reader::read_around;
use crate::segments::segment_path;
use crate::types::Versioned;

/// What is known of a key without reading the disk.
pub enum Peek {
    /// Its newest durable version, from the cache.
    Cached(Versioned),
    /// It has no value.
    Absent,
    /// The answer must be read: see [`Store::read`](crate::Store::read).
    OnDisk(OnDisk),
}

/// What stood on the disk when the index was asked. It stays there while this is held.
pub struct OnDisk {
    what: Wanted,
    pin: Pin,
}

/// What a key's answer needs first.
enum Wanted {
    /// Its newest durable version.
    Record(Location),
    /// The page of the index that says where that is, or that there is none.
    Page(Page),
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
            Ok(None) => {
                self.counters.absent_reads.add(1);
                Peek::Absent
            }
            Ok(Some(at)) => Peek::OnDisk(OnDisk { what: Wanted::Record(at), pin: self.pins.pin() }),
            Err(page) => Peek::OnDisk(OnDisk { what: Wanted::Page(page), pin: self.pages.pin() }),
        })
    }

    pub(crate) async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        match self.peek(key)? {
            Peek::Cached(versioned) => Ok(Some(versioned)),
            Peek::Absent => Ok(None),
            Peek::OnDisk(place) => self.read(key, place).await,
        }
    }

    pub(crate) async fn read(
        &self,
        key: &[u8],
        place: OnDisk,
    ) -> Result<Option<Versioned>, StoreError> {
        let OnDisk { mut what, mut pin } = place;
        loop {
            let page = match what {
                Wanted::Record(location) => {
                    let versioned = self.fetch(key, location, pin).await?;
                    self.remember(key, location, &versioned);
                    return Ok(Some(versioned));
                }
                Wanted::Page(page) => page,
            };
            self.index_room().await;
            let leaf = self.read_page(page).await?;
            self.install(page, &leaf);
            // The index may have changed while the page was read: what it says now counts.
            what = match self.index_of(key)? {
                Ok(Some(location)) => Wanted::Record(location),
                Ok(None) => {
                    self.counters.absent_reads.add(1);
                    return Ok(None);
                }
                Err(page) => Wanted::Page(page),
            };
            pin = match what {
                Wanted::Record(_) => self.pins.pin(),
                Wanted::Page(_) => self.pages.pin(),
            };
        }
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
        let pass = self.reads.enter().await;
        let length_bytes = location.len_bytes();
        let (block, skipped) = read_around(&*file, place.offset_bytes, length_bytes).await?;
        drop(pass);
        drop(pin);
        self.counters.read_ios.add(1);
        self.counters.read_bytes.add(block.len() as u64);
        self.decode(key, place, &block[skipped..])
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
        if partition.index.get(key) == Ok(Some(location)) {
            let key = Bytes::copy_from_slice(key);
            self.cache.borrow_mut().insert(partition.cache_tag, key, versioned.clone());
        }
    }
}
