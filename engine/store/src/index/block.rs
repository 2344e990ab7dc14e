//! Block: how a leaf's bytes are laid out. Not how they are searched or edited: that is `leaf`.
//!
//! ```text
//! +--------+--------+---------------+-------------------+------+-------+
//! | header | prefix | head head ... | location location | tail | slack |
//! +--------+--------+---------------+-------------------+------+-------+
//! header    count u16 | prefix_len u16 | used u16 | form u8 | head_width u8 | record_bytes u32
//! prefix    what all the leaf's keys begin with, once
//! head      head_width bytes an item, in key order
//!   Digits  the key's suffix, two digits to a byte; there is no tail
//!   Raw     u16: where the key's suffix ends in the tail
//! location  6 bytes an item
//! tail      Raw only: the suffixes, end to end, in key order
//! slack     room to grow in place; `used` ends before it
//! ```
//!
//! Numbers are little endian: they never leave memory.

use std::mem::size_of;
use std::ops::Range;

use super::digits;
use super::location::Location;
use super::separator::common_prefix_len;

/// A leaf holds at most this many items.
pub(super) const ITEMS_MAX: usize = 64;
/// A leaf of more than one item uses at most this many bytes.
pub(super) const BYTES_MAX: usize = 16 << 10;
/// The longest key, in bytes.
pub(super) const KEY_MAX: usize = 4096;

const COUNT_AT: usize = 0;
const PREFIX_LEN_AT: usize = COUNT_AT + size_of::<u16>();
const USED_AT: usize = PREFIX_LEN_AT + size_of::<u16>();
const FORM_AT: usize = USED_AT + size_of::<u16>();
const HEAD_WIDTH_AT: usize = FORM_AT + size_of::<u8>();
const RECORD_BYTES_AT: usize = HEAD_WIDTH_AT + size_of::<u8>();
const HEADER_LEN: usize = RECORD_BYTES_AT + size_of::<u32>();

/// A raw item's head: where its suffix ends.
const RAW_HEAD_WIDTH: usize = size_of::<u16>();

const _: () = {
    assert!(BYTES_MAX <= u16::MAX as usize, "`used` and the raw heads are u16");
    // A single item may exceed `BYTES_MAX` only in theory: its key is all prefix.
    assert!(HEADER_LEN + KEY_MAX + RAW_HEAD_WIDTH + Location::ENCODED_LEN <= BYTES_MAX);
    assert!(ITEMS_MAX as u64 * Location::LEN_MAX as u64 <= u32::MAX as u64, "record_bytes is u32");
    assert!(HEADER_LEN >= size_of::<u64>(), "`digits::search` reads words that end in a head");
    assert!(digits::WIDTH_MAX <= u8::MAX as usize, "head_width is u8");
};

/// How suffixes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Any bytes, of any lengths.
    Raw = 0,
    /// ASCII digits only, padded to one width.
    Digits = 1,
}

/// A block's header, and every place that follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Items in the leaf.
    pub(super) count: usize,
    /// Bytes that all its keys begin with.
    pub(super) prefix_len: usize,
    /// Bytes in use, header included.
    pub(super) used: usize,
    pub(super) form: Form,
    /// Bytes of a head.
    pub(super) head_width: usize,
    /// The sum of the items' `Location::len_bytes`.
    pub(super) record_bytes: u32,
}

impl Header {
    /// Reads the front of a block.
    pub(super) fn read(block: &[u8]) -> Self {
        let header: &[u8; HEADER_LEN] =
            block.first_chunk().expect("a block begins with its header");
        let short = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let [.., a, b, c, d] = *header;
        Self {
            count: short(COUNT_AT),
            prefix_len: short(PREFIX_LEN_AT),
            used: short(USED_AT),
            form: if header[FORM_AT] == Form::Digits as u8 { Form::Digits } else { Form::Raw },
            head_width: usize::from(header[HEAD_WIDTH_AT]),
            record_bytes: u32::from_le_bytes([a, b, c, d]),
        }
    }

    /// Whether a block, all of whose bytes are in use, can be a leaf's: everything in it lies in it.
    pub(super) fn is_sound(block: &[u8]) -> bool {
        if block.len() < HEADER_LEN {
            return false;
        }
        let header = Self::read(block);
        let is_digits = block[FORM_AT] == Form::Digits as u8;
        let width_fits = match header.form {
            Form::Digits => (1..=digits::WIDTH_MAX).contains(&header.head_width),
            Form::Raw => header.head_width == RAW_HEAD_WIDTH && block[FORM_AT] == Form::Raw as u8,
        };
        if !(1..=ITEMS_MAX).contains(&header.count)
            || header.used != block.len()
            || !width_fits
            || header.tail_at() > block.len()
        {
            return false;
        }
        let tail_len = block.len() - header.tail_at();
        let ends = || (0..header.count).map(|rank| header.suffix_end(block, rank));
        if is_digits {
            tail_len == 0
        } else {
            ends().is_sorted() && ends().next_back() == Some(tail_len)
        }
    }

    /// Writes itself to the front of a block.
    pub(super) fn write(&self, block: &mut [u8]) {
        let mut short = |at: usize, value: usize| {
            block[at..at + size_of::<u16>()].copy_from_slice(&(value as u16).to_le_bytes());
        };
        short(COUNT_AT, self.count);
        short(PREFIX_LEN_AT, self.prefix_len);
        short(USED_AT, self.used);
        block[FORM_AT] = self.form as u8;
        block[HEAD_WIDTH_AT] = self.head_width as u8;
        block[RECORD_BYTES_AT..HEADER_LEN].copy_from_slice(&self.record_bytes.to_le_bytes());
    }

    /// The tightest layout for `keys`, which ascend and are not empty. `used` may exceed
    /// [`BYTES_MAX`]: then the keys need more than one leaf.
    pub(super) fn plan<'k>(keys: impl ExactSizeIterator<Item = &'k [u8]> + Clone) -> Self {
        let count = keys.len();
        let first = keys.clone().next().expect("a leaf has an item");
        let last = keys.clone().last().expect("a leaf has an item");
        // Whatever the first and the last share, those between them share too.
        let prefix_len = common_prefix_len(first, last);

        let (mut longest, mut total, mut all_digits) = (0, 0, true);
        for key in keys {
            let suffix = &key[prefix_len..];
            longest = longest.max(suffix.len());
            total += suffix.len();
            all_digits = all_digits && suffix.iter().all(u8::is_ascii_digit);
        }
        let width = digits::packed_width(longest);
        let raw_bytes = count * RAW_HEAD_WIDTH + total;
        // One long number among short ones would pad them all. A lone key has no suffix to pack.
        let fits = (1..=digits::WIDTH_MAX).contains(&width) && count * width <= raw_bytes;
        let pack = all_digits && fits;
        let (form, head_width) =
            if pack { (Form::Digits, width) } else { (Form::Raw, RAW_HEAD_WIDTH) };
        let tail_len = if pack { 0 } else { total };
        let mut header = Self { count, prefix_len, used: 0, form, head_width, record_bytes: 0 };
        header.used = header.tail_at() + tail_len;
        header
    }

    /// Whether one leaf may hold what was planned.
    pub(super) fn fits_one_leaf(&self) -> bool {
        self.count == 1 || (self.count <= ITEMS_MAX && self.used <= BYTES_MAX)
    }

    /// Where the shared prefix lies.
    pub(super) fn prefix(&self) -> Range<usize> {
        HEADER_LEN..HEADER_LEN + self.prefix_len
    }

    /// Bytes that an item takes, its part of the tail aside.
    pub(super) fn item_len(&self) -> usize {
        self.head_width + Location::ENCODED_LEN
    }

    /// Where the heads lie.
    pub(super) fn heads(&self) -> Range<usize> {
        let start = self.prefix().end;
        start..start + self.count * self.head_width
    }

    /// Where head `rank` lies.
    pub(super) fn head(&self, rank: usize) -> Range<usize> {
        let start = self.heads().start + rank * self.head_width;
        start..start + self.head_width
    }

    /// Where location `rank` lies.
    pub(super) fn location(&self, rank: usize) -> Range<usize> {
        let start = self.heads().end + rank * Location::ENCODED_LEN;
        start..start + Location::ENCODED_LEN
    }

    /// Where the suffixes of a raw leaf begin.
    pub(super) fn tail_at(&self) -> usize {
        self.location(self.count).start
    }

    /// Raw: where suffix `rank` starts, counted from the tail's beginning: where the one before it
    /// ends.
    pub(super) fn suffix_start(&self, block: &[u8], rank: usize) -> usize {
        rank.checked_sub(1).map_or(0, |before| self.suffix_end(block, before))
    }

    /// Raw: where suffix `rank` ends, counted from the tail's beginning.
    pub(super) fn suffix_end(&self, block: &[u8], rank: usize) -> usize {
        let head = &block[self.head(rank)];
        usize::from(u16::from_le_bytes([head[0], head[1]]))
    }

    /// Raw: sets where suffix `rank` ends.
    pub(super) fn set_suffix_end(&self, block: &mut [u8], rank: usize, end: usize) {
        block[self.head(rank)].copy_from_slice(&(end as u16).to_le_bytes());
    }

    /// Raw: where suffix `rank` lies in the block.
    pub(super) fn suffix(&self, block: &[u8], rank: usize) -> Range<usize> {
        let tail_at = self.tail_at();
        tail_at + self.suffix_start(block, rank)..tail_at + self.suffix_end(block, rank)
    }
}
