//! Leaf: up to 64 neighbouring keys and their locations in one heap block, edited in place.
//! Not the byte layout (`block`), and not how leaves are made, split or merged (`run`).
//!
//! An edit that the block's layout cannot take (a key outside the shared prefix, a letter among
//! packed digits, one item too many) is refused with [`NoRoom`]; the caller rebuilds the leaf.
//! The block is shared with snapshots and copied on the first write after one was taken.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow, Range};
use std::rc::Rc;

use super::Direction;
use super::block::{BYTES_MAX, Form, Header, ITEMS_MAX};
use super::digits::{self, Packed};
use super::heap;
use super::location::Location;

/// Slack that a block gets when it must grow: fewer copies against more memory.
const SLACK_BYTES: usize = 40;
/// Slack that a block may have before a removal shrinks it.
const SLACK_BYTES_MAX: usize = 4 * SLACK_BYTES;

/// Below both of these a leaf should be merged with a neighbour.
const UNDERFULL_ITEMS: usize = ITEMS_MAX / 4;
const UNDERFULL_BYTES: usize = BYTES_MAX / 4;

/// A sorted, packed run of items. Never empty between two operations of its chunk.
#[derive(Clone)]
pub struct Leaf(pub(super) Rc<[u8]>);

/// The leaf cannot take the key in place; it would be the item of this rank.
pub(super) struct NoRoom {
    pub(super) rank: usize,
}

/// The part of a new key that its leaf must store, already in the leaf's form.
enum Suffix<'k> {
    Raw(&'k [u8]),
    Digits(Packed),
}

impl Leaf {
    /// Takes a finished block.
    pub(super) fn from_block(block: &[u8]) -> Self {
        Self(Rc::from(block))
    }

    /// Takes the bytes of a page, if they are those of a leaf.
    #[must_use]
    pub fn from_page(block: &[u8]) -> Option<Self> {
        Header::is_sound(block).then(|| Self::from_block(block))
    }

    /// The bytes that its page is to hold.
    #[must_use]
    pub fn as_page(&self) -> &[u8] {
        &self.0[..self.used_bytes()]
    }

    /// Its lowest key.
    pub(crate) fn first_key(&self) -> Vec<u8> {
        self.key(0)
    }

    /// What it says of `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Location> {
        self.search(key).ok().map(|rank| self.location(rank))
    }

    pub(super) fn len(&self) -> usize {
        self.header().count
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.header().used
    }

    /// The sum of the items' record lengths.
    pub(super) fn record_bytes(&self) -> u64 {
        u64::from(self.header().record_bytes)
    }

    /// Heap bytes that the leaf takes, allocator overhead included.
    pub(super) fn heap_bytes(&self) -> usize {
        heap::rc_block_bytes(self.0.len())
    }

    /// Whether it would be better merged with a neighbour.
    pub(super) fn is_underfull(&self) -> bool {
        let header = self.header();
        header.count < UNDERFULL_ITEMS && header.used < UNDERFULL_BYTES
    }

    /// The rank of `key`, or the rank it would have.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let (block, header) = (&*self.0, self.header());
        let prefix = &block[header.prefix()];
        let Some(suffix) = key.strip_prefix(prefix) else {
            return Err(if key < prefix { 0 } else { header.count });
        };
        match header.form {
            Form::Raw => {
                search_by(header.count, |rank| block[header.suffix(block, rank)].cmp(suffix))
            }
            Form::Digits => {
                let sought = Packed::new(suffix, header.head_width);
                digits::search(block, header.heads(), &sought)
            }
        }
    }

    /// The ranks whose keys lie within the bounds; an empty range if the bounds cross.
    pub(super) fn ranks(&self, start: Bound<&[u8]>, end: Bound<&[u8]>) -> Range<usize> {
        let before = |key| self.search(key).unwrap_or_else(|rank| rank);
        let through = |key| self.search(key).map_or_else(|rank| rank, |rank| rank + 1);
        let start = match start {
            Bound::Unbounded => 0,
            Bound::Included(key) => before(key),
            Bound::Excluded(key) => through(key),
        };
        let end = match end {
            Bound::Unbounded => self.len(),
            Bound::Included(key) => through(key),
            Bound::Excluded(key) => before(key),
        };
        start..end.max(start)
    }

    pub(super) fn location(&self, rank: usize) -> Location {
        read_location(&self.0, &self.header(), rank)
    }

    /// Replaces the location of the item at `rank`; the replaced one.
    pub(super) fn set_location(&mut self, rank: usize, at: Location) -> Location {
        let block = Rc::make_mut(&mut self.0);
        let mut header = Header::read(block);
        let replaced = read_location(block, &header, rank);
        block[header.location(rank)].copy_from_slice(&at.to_bytes());
        header.record_bytes = header.record_bytes - replaced.len_bytes() + at.len_bytes();
        header.write(block);
        replaced
    }

    /// The full key at `rank`.
    pub(super) fn key(&self, rank: usize) -> Vec<u8> {
        let mut key = Vec::new();
        let _ = self.visit(rank..rank + 1, Direction::Forward, &mut key, &mut |_, _| {
            ControlFlow::Continue(())
        });
        key
    }

    /// Shows `f` the items of `ranks`, full keys spelled out in the caller's buffer.
    pub(super) fn visit(
        &self,
        ranks: Range<usize>,
        direction: Direction,
        key: &mut Vec<u8>,
        f: &mut dyn FnMut(&[u8], Location) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (block, header) = (&*self.0, self.header());
        key.clear();
        key.extend_from_slice(&block[header.prefix()]);
        let mut show = |rank| {
            key.truncate(header.prefix_len);
            match header.form {
                Form::Raw => key.extend_from_slice(&block[header.suffix(block, rank)]),
                Form::Digits => digits::unpack_onto(key, &block[header.head(rank)]),
            }
            f(key, read_location(block, &header, rank))
        };
        match direction {
            Direction::Forward => ranks.into_iter().try_for_each(&mut show),
            Direction::Backward => ranks.into_iter().rev().try_for_each(&mut show),
        }
    }

    /// Inserts or replaces in place; the replaced location.
    pub(super) fn insert(&mut self, key: &[u8], at: Location) -> Result<Option<Location>, NoRoom> {
        let rank = match self.search(key) {
            Ok(rank) => return Ok(Some(self.set_location(rank, at))),
            Err(rank) => rank,
        };
        let header = self.header();
        let suffix = self.admit(&header, key).ok_or(NoRoom { rank })?;
        let growth = header.item_len() + suffix.tail_len();
        if header.used + growth > BYTES_MAX {
            return Err(NoRoom { rank });
        }
        self.reserve(header.used, growth);
        insert_item(Rc::make_mut(&mut self.0), header, rank, &suffix, at);
        Ok(None)
    }

    /// Removes the item at `rank`. May leave the leaf empty or underfull.
    pub(super) fn remove(&mut self, rank: usize) -> Location {
        let block = Rc::make_mut(&mut self.0);
        let removed = remove_item(block, rank);
        let used = Header::read(block).used;
        if block.len() - used > SLACK_BYTES_MAX {
            self.reallocate(used, used + SLACK_BYTES);
        }
        removed
    }

    fn header(&self) -> Header {
        Header::read(&self.0)
    }

    /// The key's suffix if the leaf's layout has a place for one like it.
    fn admit<'k>(&self, header: &Header, key: &'k [u8]) -> Option<Suffix<'k>> {
        let suffix = key.strip_prefix(&self.0[header.prefix()])?;
        if header.count == ITEMS_MAX {
            return None;
        }
        match header.form {
            Form::Raw => Some(Suffix::Raw(suffix)),
            Form::Digits => {
                let packed = Packed::new(suffix, header.head_width);
                packed.exact.then_some(Suffix::Digits(packed))
            }
        }
    }

    /// Makes room for `growth` bytes behind `used`.
    fn reserve(&mut self, used: usize, growth: usize) {
        if used + growth > self.0.len() {
            self.reallocate(used, used + growth + SLACK_BYTES);
        }
    }

    fn reallocate(&mut self, used: usize, capacity: usize) {
        let mut block = Vec::with_capacity(heap::fill_rc_block(capacity));
        block.extend_from_slice(&self.0[..used]);
        block.resize(block.capacity(), 0);
        self.0 = Rc::from(block);
    }
}

impl Suffix<'_> {
    /// Bytes that it adds to the tail.
    fn tail_len(&self) -> usize {
        match self {
            Self::Raw(suffix) => suffix.len(),
            Self::Digits(_) => 0,
        }
    }
}

/// Binary search over ranks by how the item compares with what is sought.
fn search_by(count: usize, compare: impl Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        match compare(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

fn read_location(block: &[u8], header: &Header, rank: usize) -> Location {
    let encoded =
        block[header.location(rank)].first_chunk().expect("a location's range is its size");
    Location::from_bytes(*encoded)
}

/// Adds an item of this rank to a block whose slack is large enough.
fn insert_item(block: &mut [u8], old: Header, rank: usize, suffix: &Suffix<'_>, at: Location) {
    let tail_len = suffix.tail_len();
    let suffix_start = match suffix {
        Suffix::Raw(_) => old.suffix_start(block, rank),
        Suffix::Digits(_) => 0,
    };
    let mut new = old;
    new.count += 1;
    new.used += old.item_len() + tail_len;
    new.record_bytes += at.len_bytes();

    // From the back, because what moves makes room for what stands before it.
    let (head_at, location_at) = (old.head(rank).start, old.location(rank).start);
    let suffix_at = old.tail_at() + suffix_start;
    block.copy_within(suffix_at..old.used, suffix_at + old.item_len() + tail_len);
    block.copy_within(location_at..suffix_at, location_at + old.item_len());
    block.copy_within(head_at..location_at, head_at + old.head_width);

    match suffix {
        Suffix::Digits(packed) => block[new.head(rank)].copy_from_slice(packed.as_bytes()),
        Suffix::Raw(suffix) => {
            new.set_suffix_end(block, rank, suffix_start + tail_len);
            for later in rank + 1..new.count {
                new.set_suffix_end(block, later, new.suffix_end(block, later) + tail_len);
            }
            let suffix_at = new.suffix(block, rank);
            block[suffix_at].copy_from_slice(suffix);
        }
    }
    block[new.location(rank)].copy_from_slice(&at.to_bytes());
    new.write(block);
}

/// Takes the item of this rank out; the location it had.
fn remove_item(block: &mut [u8], rank: usize) -> Location {
    let old = Header::read(block);
    let removed = read_location(block, &old, rank);
    let suffix = match old.form {
        Form::Raw => old.suffix(block, rank),
        Form::Digits => old.used..old.used,
    };
    let mut new = old;
    new.count -= 1;
    new.used -= old.item_len() + suffix.len();
    new.record_bytes -= removed.len_bytes();

    if old.form == Form::Raw {
        for later in rank + 1..old.count {
            old.set_suffix_end(block, later, old.suffix_end(block, later) - suffix.len());
        }
    }
    let (head, location) = (old.head(rank), old.location(rank));
    block.copy_within(head.end..location.start, head.start);
    block.copy_within(location.end..suffix.start, location.start - old.head_width);
    block.copy_within(suffix.end..old.used, suffix.start - old.item_len());
    new.write(block);
    removed
}
