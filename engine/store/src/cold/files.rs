//! Page files: chunks of pages, each written once from its beginning to its end, read in any order, and
//! used anew when nothing in it counts any more. Not which pages count: that is the index's.
//!
//! ```text
//! index-00000   | chunk | chunk | chunk | ...            8 MiB, or as long as a segment
//! chunk         | page page ... zeros | page page ...    writes of whole blocks, one behind the other
//! page          a record without a key, whose value is the leaf's block
//! ```
//!
//! A page's checksum starts from its place, and the place names how often its chunk was written: a page of
//! an earlier time never passes for a later one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskError, DiskFault, File, World};

use crate::error::StoreError;
use crate::format::place::Place;
use crate::format::record::{Record, RecordKind, encoded_bytes};
use crate::format::{Damage, round_up};
use crate::index::{Leaf, Location, Page};
use crate::limits::{
    MAX_PAGE_CHUNK_BYTES, MAX_PAGE_FILE_BYTES, MAX_PAGE_READINGS, MIN_PAGE_CHUNK_BYTES,
};
use crate::pins::{Pin, Pins};
use crate::segment_reader::read_around;
use crate::stats::Counters;

/// Full chunks beyond which the oldest may be cleaned.
const MIN_FULL_CHUNKS: usize = 4;

/// What the names of page files begin with.
const PREFIX: &str = "index-";

/// The page files of one store.
pub(crate) struct PageFiles<W: World> {
    world: W,
    directory: PathBuf,
    file_bytes: u32,
    chunk_bytes: u32,
    chunks: RefCell<Chunks<W>>,
    /// Who may still read pages that no longer count.
    pins: Pins,
}

struct Chunks<W: World> {
    files: Vec<Rc<W::File>>,
    all: Vec<Chunk>,
    free: Vec<u32>,
    /// The chunk that is being written, and where the next page goes.
    open: Option<(u32, u32)>,
    /// Written to the end; the oldest first.
    full: VecDeque<u32>,
    /// Nothing in them counts; readers of these epochs may still be at it.
    emptied: VecDeque<(u32, u64)>,
}

#[derive(Default)]
struct Chunk {
    /// How often it was begun.
    generation: u32,
    /// Where its pages stand.
    pages: Vec<Location>,
}

/// A chunk's pages.
pub(crate) struct ReadChunk {
    pub(crate) leaves: Vec<(Page, Leaf)>,
    /// All of them could be read.
    pub(crate) is_whole: bool,
}

/// Removes the page files that an earlier process left, of these names of files.
pub(crate) async fn remove_leftovers<W: World>(
    world: &W,
    directory: &Path,
    names: &[String],
) -> Result<(), DiskError> {
    for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
        world.remove(&directory.join(name)).await?;
    }
    Ok(())
}

impl<W: World> PageFiles<W> {
    /// No files yet.
    pub(crate) fn new(world: W, directory: &Path, segment_bytes: u32) -> Self {
        let most_bytes = segment_bytes.min(MAX_PAGE_FILE_BYTES);
        let eighth_bytes = most_bytes / 8;
        let chunk_bytes = eighth_bytes.clamp(MIN_PAGE_CHUNK_BYTES, MAX_PAGE_CHUNK_BYTES)
            & !(BLOCK_BYTES as u32 - 1);
        Self {
            world,
            directory: directory.to_owned(),
            file_bytes: most_bytes - most_bytes % chunk_bytes,
            chunk_bytes,
            chunks: RefCell::new(Chunks {
                files: Vec::new(),
                all: Vec::new(),
                free: Vec::new(),
                open: None,
                full: VecDeque::new(),
                emptied: VecDeque::new(),
            }),
            pins: Pins::default(),
        }
    }

    /// The most that one write takes.
    pub(crate) fn chunk_bytes(&self) -> u64 {
        u64::from(self.chunk_bytes)
    }

    /// Memory for where pages stand.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let chunks = self.chunks.borrow();
        let page_lists =
            chunks.all.iter().map(|chunk| chunk.pages.capacity() * size_of::<Location>());
        (page_lists.sum::<usize>() + chunks.all.capacity() * size_of::<Chunk>()) as u64
    }

    /// Bytes of all page files.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.chunks.borrow().files.len() as u64 * u64::from(self.file_bytes)
    }

    /// Reads what a page holds.
    pub(crate) async fn read(&self, page: Page) -> Result<Leaf, StoreError> {
        let at = page.location();
        let place = Place {
            segment: at.segment(),
            life: page.generation().get().into(),
            offset_bytes: at.offset_bytes(),
        };
        let file = self.file(place.segment);
        let (block, skipped) = read_around(&*file, at.offset_bytes(), at.len_bytes()).await?;
        decode(place, &block[skipped..]).map_err(|damage| self.corrupt(place, damage))
    }

    /// Reads what a page holds, several times if need be: who calls this must stop without it.
    pub(crate) async fn read_surely(&self, page: Page) -> Result<Leaf, StoreError> {
        let mut readings = 1;
        loop {
            match self.read(page).await {
                Err(_) if readings < MAX_PAGE_READINGS => readings += 1,
                read => return read,
            }
        }
    }

    /// Writes leaves: a page for each, in their order.
    pub(crate) async fn write(
        &self,
        leaves: &[Leaf],
        counters: &Counters,
    ) -> Result<Vec<Page>, DiskError> {
        let mut pages = Vec::with_capacity(leaves.len());
        let mut rest = leaves;
        while !rest.is_empty() {
            let (chunk, from_bytes) = self.open_chunk(page_bytes(&rest[0])).await?;
            let mut end_bytes = from_bytes;
            let fits = |leaf: &&Leaf| {
                end_bytes += page_bytes(leaf);
                end_bytes <= self.chunk_bytes
            };
            let count = rest.iter().take_while(fits).count();
            let (run, behind) = rest.split_at(count);
            let bytes: u32 = run.iter().map(page_bytes).sum();
            counters.index_bytes_written.add(round_up(bytes as usize, BLOCK_BYTES) as u64);
            pages.extend(self.write_run(chunk, from_bytes, run).await?);
            rest = behind;
        }
        Ok(pages)
    }

    /// The oldest full chunk, if they are more than twice as large as what they can hold that counts.
    pub(crate) fn oldest_if_crowded(&self, content_bytes: u64) -> Option<u32> {
        let enough = (2 * content_bytes).div_ceil(self.chunk_bytes()) as usize;
        let chunks = self.chunks.borrow();
        let is_crowded = chunks.full.len() > enough.max(MIN_FULL_CHUNKS);
        chunks.full.front().copied().filter(|_| is_crowded)
    }

    /// Reads all pages of a full chunk.
    pub(crate) async fn read_chunk(&self, chunk: u32) -> Result<ReadChunk, DiskError> {
        let pages = self.chunks.borrow().all[chunk as usize].pages.clone();
        let base = self.place_of(chunk, 0);
        let generation = self.generation_of(chunk);
        let file = self.file(base.segment);
        let block = file.read(base.offset_bytes.into(), self.chunk_bytes as usize).await?;
        let mut leaves = Vec::with_capacity(pages.len());
        for at in &pages {
            let bytes = &block[(at.offset_bytes() - base.offset_bytes) as usize..];
            let leaf = decode(base.at(at.offset_bytes()), bytes);
            leaves.extend(leaf.ok().map(|leaf| (Page::new(*at, generation), leaf)));
        }
        Ok(ReadChunk { is_whole: leaves.len() == pages.len(), leaves })
    }

    /// Keeps all pages readable that the index names now.
    pub(crate) fn pin(&self) -> Pin {
        self.pins.pin()
    }

    /// Nothing in a full chunk counts any more; it is free once nobody reads it.
    pub(crate) fn let_go(&self, chunk: u32) {
        let epoch = self.pins.end_epoch();
        let mut chunks = self.chunks.borrow_mut();
        chunks.full.retain(|&full| full != chunk);
        chunks.emptied.push_back((chunk, epoch));
    }

    /// Something in it still counts and cannot be read: it is never used again.
    pub(crate) fn give_up(&self, chunk: u32) {
        self.chunks.borrow_mut().full.retain(|&full| full != chunk);
    }

    /// Frees what no reader is at any more.
    pub(crate) fn reuse(&self) {
        let chunks = &mut *self.chunks.borrow_mut();
        while let Some(&(chunk, epoch)) = chunks.emptied.front()
            && self.pins.passed(epoch)
        {
            chunks.emptied.pop_front();
            chunks.all[chunk as usize].pages = Vec::new();
            chunks.free.push(chunk);
        }
    }

    fn chunks_per_file(&self) -> u32 {
        self.file_bytes / self.chunk_bytes
    }

    /// So many bytes into a chunk, as it is now.
    fn place_of(&self, chunk: u32, bytes: u32) -> Place {
        let per_file = self.chunks_per_file();
        Place {
            segment: (chunk / per_file) as u16,
            life: self.generation_of(chunk).get().into(),
            offset_bytes: chunk % per_file * self.chunk_bytes + bytes,
        }
    }

    /// How often a chunk was begun, which it was once at least.
    fn generation_of(&self, chunk: u32) -> NonZeroU32 {
        let generation = self.chunks.borrow().all[chunk as usize].generation;
        NonZeroU32::new(generation).expect("pages stand in chunks that were begun")
    }

    fn file(&self, number: u16) -> Rc<W::File> {
        self.chunks.borrow().files[usize::from(number)].clone()
    }

    /// The chunk that takes so many bytes more, and where they go.
    async fn open_chunk(&self, bytes: u32) -> Result<(u32, u32), DiskError> {
        loop {
            {
                let chunks = &mut *self.chunks.borrow_mut();
                if let Some((chunk, from_bytes)) = chunks.open {
                    if from_bytes + bytes <= self.chunk_bytes {
                        return Ok((chunk, from_bytes));
                    }
                    chunks.open = None;
                    chunks.full.push_back(chunk);
                }
                if let Some(chunk) = chunks.free.pop() {
                    let begun = &mut chunks.all[chunk as usize];
                    begun.generation += 1;
                    chunks.open = Some((chunk, 0));
                    continue;
                }
            }
            self.grow().await?;
        }
    }

    /// Creates another file.
    async fn grow(&self) -> Result<(), DiskError> {
        let number = self.chunks.borrow().files.len();
        let path = page_path(&self.directory, number);
        if number > usize::from(u16::MAX) {
            let what = "65536 page files are the most that a shard can have";
            return Err(DiskError::new(DiskFault::NoSpace, "growing the index", &path, what));
        }
        let file = self.world.create(&path, self.file_bytes.into()).await?;
        let chunks = &mut *self.chunks.borrow_mut();
        chunks.files.push(Rc::new(file));
        let first = chunks.all.len() as u32;
        let count = self.chunks_per_file();
        chunks.all.extend((0..count).map(|_| Chunk::default()));
        chunks.free.extend((first..first + count).rev());
        Ok(())
    }

    /// Writes leaves that fit the open chunk.
    async fn write_run(
        &self,
        chunk: u32,
        from_bytes: u32,
        run: &[Leaf],
    ) -> Result<Vec<Page>, DiskError> {
        let used_bytes: u32 = run.iter().map(page_bytes).sum();
        let written_bytes = round_up(used_bytes as usize, BLOCK_BYTES);
        let base = self.place_of(chunk, from_bytes);
        let mut buffer = self.world.buffer(written_bytes);
        let (mut at, mut pages) = (0, Vec::with_capacity(run.len()));
        for leaf in run {
            let place = base.at(base.offset_bytes + at as u32);
            let len_bytes = record_of(leaf).encode(place, &mut buffer[at..]);
            pages.push(Location::new(place.segment, place.offset_bytes, len_bytes as u32));
            at += len_bytes;
        }
        let file = {
            let chunks = &mut *self.chunks.borrow_mut();
            // Taken even if the write fails: what stands there then is not known.
            chunks.open = Some((chunk, from_bytes + written_bytes as u32));
            chunks.files[usize::from(base.segment)].clone()
        };
        file.write(base.offset_bytes.into(), buffer).await?;
        self.chunks.borrow_mut().all[chunk as usize].pages.extend_from_slice(&pages);
        let generation = self.generation_of(chunk);
        Ok(pages.into_iter().map(|at| Page::new(at, generation)).collect())
    }

    fn corrupt(&self, place: Place, damage: Damage) -> StoreError {
        StoreError::Corrupt {
            file: page_path(&self.directory, place.segment.into()).display().to_string(),
            offset_bytes: place.offset_bytes.into(),
            what: format!(
                "{}: a page of the index, made anew when the store is opened",
                damage.what
            ),
        }
    }
}

fn page_path(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("{PREFIX}{number:05}"))
}

fn page_bytes(leaf: &Leaf) -> u32 {
    encoded_bytes(0, leaf.as_page().len()) as u32
}

fn record_of(leaf: &Leaf) -> Record<'_> {
    Record { kind: RecordKind::Put, version: 0, key: &[], value: leaf.as_page() }
}

fn decode(place: Place, bytes: &[u8]) -> Result<Leaf, Damage> {
    let record = Record::decode(place, bytes)?;
    Leaf::from_page(record.value).ok_or_else(|| Damage::new("a leaf of the index expected"))
}
