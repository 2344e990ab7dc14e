//! Where everything stands in the storage's one key space. Not what stands there.
//!
//! ```text
//!   feed 01 number version                             changes of items that global indexes follow
//!   feed 02 time number version                        items that end, by the second in which they do
//!   01 00                                              the catalog's head
//!   01 01 name                                         a table's record
//!   02 transaction                                     the ledger of transactions
//!   10 number key                                      items; entries of a global index
//!   11 number partition 00 sort                        items of a table with local indexes
//!   11 number partition index sort 00.. table's sort   entries of its local indexes
//! ```
//!
//! A `feed` is what the storage puts before appended records, `00 ...`; it adds their `version`. `number` is a
//! table's or a global index's own, four bytes, never used again. `key` is that of
//! `flywheel_item::key`, and `partition` its beginning. Items of a table with local indexes stand beside
//! their entries, so that both are in one partition of the storage and change together; what begins with
//! the same `11 number partition` is never separated.

use bytes::Bytes;
use flywheel_item::key::partition_len_bytes;

use crate::limits::{PARTITION_HEAD_BYTES, TABLE_PREFIX_BYTES};
use crate::transaction::TransactionName;

/// Changes of items, behind a feed's prefix.
const CHANGES: u8 = 0x01;

/// Items that end, behind a feed's prefix.
const ENDINGS: u8 = 0x02;

/// Where the tables' records stand: all in one partition.
const CATALOG: u8 = 0x01;

/// What was decided of transactions.
const LEDGER: u8 = 0x02;

/// Items that may be separated from each other anywhere.
const LOOSE: u8 = 0x10;

/// Items that stay with what has the same partition key.
const TOGETHER: u8 = 0x11;

/// The key of the catalog's head.
pub(crate) fn catalog_head() -> Bytes {
    Bytes::from_static(&[CATALOG, 0])
}

/// The key of a table's record.
pub(crate) fn table_record(name: &str) -> Bytes {
    [&[CATALOG, 1], name.as_bytes()].concat().into()
}

/// All records of tables: first key, and first behind.
pub(crate) fn table_records() -> (Bytes, Bytes) {
    (Bytes::from_static(&[CATALOG, 1]), Bytes::from_static(&[CATALOG, 2]))
}

/// The key of what was decided of a transaction.
pub(crate) fn ledger_record(name: &TransactionName) -> Bytes {
    [&[LEDGER], &name.entry[..]].concat().into()
}

/// What all those keys begin with.
pub(crate) fn ledger() -> Bytes {
    Bytes::from_static(&[LEDGER])
}

/// The transaction whose record stands at `key`; which attempt, the record says.
pub(crate) fn read_ledger(key: &[u8]) -> Option<TransactionName> {
    let entry = key.strip_prefix(&[LEDGER])?.try_into().ok()?;
    Some(TransactionName { entry, attempt: Default::default() })
}

/// What the keys of a table's items, or of a global index's entries, begin with.
pub(crate) fn table_prefix(number: u32, keeps_together: bool) -> [u8; TABLE_PREFIX_BYTES] {
    let tag = if keeps_together { TOGETHER } else { LOOSE };
    let [a, b, c, d] = number.to_be_bytes();
    [tag, a, b, c, d]
}

/// Under what a table's changes are appended.
pub(crate) fn changes_of(table: u32) -> Bytes {
    [&[CHANGES], &table.to_be_bytes()[..]].concat().into()
}

/// Where a feed's changes stand, those of all tables.
pub(crate) fn all_changes(feed: &[u8]) -> Bytes {
    [feed, &[CHANGES]].concat().into()
}

/// The table of a change that stands at `key` in a feed, and the version it was written under.
pub(crate) fn read_change(feed: &[u8], key: &[u8]) -> Option<(u32, u64)> {
    let rest = key.strip_prefix(feed)?.strip_prefix(&[CHANGES])?;
    let (number, version) = rest.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), u64::from_be_bytes(version.try_into().ok()?)))
}

/// Under what a table's items are appended that end at a second since 1970.
pub(crate) fn ending_at(seconds: u64, table: u32) -> Bytes {
    [&[ENDINGS], &seconds.to_be_bytes()[..], &table.to_be_bytes()].concat().into()
}

/// Where a feed's items stand that end before a second: first key, and first behind.
pub(crate) fn endings_before(feed: &[u8], seconds: u64) -> (Bytes, Bytes) {
    let start = [feed, &[ENDINGS]].concat();
    let end = [&start[..], &seconds.to_be_bytes()].concat();
    (start.into(), end.into())
}

/// The table of an ending that stands at `key` in a feed.
pub(crate) fn read_ending(feed: &[u8], key: &[u8]) -> Option<u32> {
    let rest = key.strip_prefix(feed)?.strip_prefix(&[ENDINGS])?;
    Some(u32::from_be_bytes(*rest.get(8..)?.first_chunk::<4>()?))
}

/// The table whose item stands at `key`.
pub(crate) fn table_number(key: &[u8]) -> Option<u32> {
    let (number, _) =
        key.strip_prefix(&[LOOSE]).or(key.strip_prefix(&[TOGETHER]))?.split_first_chunk()?;
    Some(u32::from_be_bytes(*number))
}

/// How many of a key's first bytes it shares with all keys that must stay in one partition with it: for
/// [`flywheel_shard::SplitOptions::keep_together`].
pub fn kept_together_bytes(key: &[u8]) -> usize {
    match key.first() {
        Some(&CATALOG) => 1,
        Some(&TOGETHER) => collection_bytes(key),
        _ => key.len(),
    }
}

/// How many of a key's first bytes it shares with all items, or entries of an index, that have the same partition key:
/// for [`flywheel_shard::SplitOptions::collection`].
pub fn collection_bytes(key: &[u8]) -> usize {
    if !matches!(key.first(), Some(&LOOSE | &TOGETHER)) {
        return key.len();
    }
    let head = TABLE_PREFIX_BYTES + PARTITION_HEAD_BYTES;
    let Some(&[high, low]) = key.get(head - 2..head) else { return key.len() };
    (head + partition_len_bytes([high, low])).min(key.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_together_is_kept_together() {
        assert_eq!(kept_together_bytes(&table_record("a")), 1);
        assert_eq!(kept_together_bytes(&catalog_head()), 1);
        let loose = [&table_prefix(7, false)[..], &[9; 30]].concat();
        assert_eq!(kept_together_bytes(&loose), loose.len());
        let collection = [&table_prefix(7, false)[..], &[9; 8], &[0, 3], b"abc"].concat();
        let item = [&collection[..], b"sort"].concat();
        assert_eq!(collection_bytes(&item), collection.len());
        assert_eq!(collection_bytes(&collection[..9]), 9, "no more than there is");
        assert_eq!(collection_bytes(b"other"), 5);
        let partition = [&table_prefix(7, true)[..], &[9; 8], &[0, 3], b"abc"].concat();
        let item = [&partition[..], &[0], b"sort"].concat();
        assert_eq!(kept_together_bytes(&item), partition.len());
        assert_eq!(kept_together_bytes(&item[..9]), 9, "a cut within the hash stands");
        assert_eq!(kept_together_bytes(b""), 0);
    }
}
