//! Request units that each operation takes, by the sizes that it counts. Not what an item's size is, nor
//! whether there are any units left.
//!
//! | Operation | Units |
//! |---|---|
//! | read of one item | its size in 4 KB, rounded up, at least 1; x 1/2 eventual, x 1 strong, x 2 in a transaction |
//! | write of one item | the larger of before and after in 1 KB, rounded up, at least 1; x 2 in a transaction |
//! | batch | the sum of its items', each rounded by itself |
//! | Query, Scan | sizes of all that was evaluated, filtered or not, summed and then rounded once |
//! | index, by a write | an entry each that goes and that comes; none if nothing of it changes; never x 2 |
//!
//! Source: developer guide, "DynamoDB read and write operations" and "Managing indexes"; the index arms as
//! observed. A KB is 1,024 bytes.

use crate::tokens::Tokens;

/// Bytes of one read unit.
pub const READ_UNIT_BYTES: usize = 4 << 10;

/// Bytes of one write unit.
pub const WRITE_UNIT_BYTES: usize = 1 << 10;

/// Units of reading so many bytes at once: half as many if the read need not be consistent. What is not there
/// counts as something small.
#[must_use]
pub fn read_units(size_bytes: usize, is_consistent: bool) -> f64 {
    let units = size_bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if is_consistent { units } else { units / 2.0 }
}

/// Units of writing so many bytes at once.
#[must_use]
pub fn write_units(size_bytes: usize) -> f64 {
    size_bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

/// How sure a read must be of what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// May miss the newest writes; half the price.
    Eventual,
    /// Sees all that was acknowledged.
    Strong,
    /// Of one moment with the other reads of its transaction; twice the price.
    Transactional,
}

/// Of reading so many bytes at once: one item, or a page of a Query or Scan, whose evaluated sizes are summed
/// before. 0 bytes, an item that is not there or a page of nothing, count as something small.
#[must_use]
pub fn of_read(size_bytes: usize, consistency: Consistency) -> Tokens {
    let strong = whole(size_bytes, READ_UNIT_BYTES);
    match consistency {
        Consistency::Eventual => strong.part(1, 2),
        Consistency::Strong => strong,
        Consistency::Transactional => strong.twice(),
    }
}

/// Of a batch of reads, or of a transaction's: each item by itself, `None` for those that are not there.
#[must_use]
pub fn of_reads(
    sizes_bytes: impl IntoIterator<Item = Option<usize>>,
    consistency: Consistency,
) -> Tokens {
    sizes_bytes.into_iter().map(|size| of_read(size.unwrap_or(0), consistency)).sum()
}

/// Of a write that found an item of one size and left one of another, `None` where there was or is none: Put,
/// Update and Delete alike, and a batch's by themselves.
#[must_use]
pub fn of_write(before_bytes: Option<usize>, after_bytes: Option<usize>) -> Tokens {
    whole(before_bytes.max(after_bytes).unwrap_or(0), WRITE_UNIT_BYTES)
}

/// Of a write whose condition did not hold: as much as if it had, with what it would have left, as far as
/// that is known; `None` of a Delete, and of an Update that was not carried out.
#[must_use]
pub fn of_failed_condition(existing_bytes: Option<usize>, wanted_bytes: Option<usize>) -> Tokens {
    of_write(existing_bytes, wanted_bytes)
}

/// Of one action of a transaction, or of its condition alone, of the table only: twice a write.
#[must_use]
pub fn of_transacted_write(before_bytes: Option<usize>, after_bytes: Option<usize>) -> Tokens {
    of_write(before_bytes, after_bytes).twice()
}

/// What a write does to an item's entry in one index, in bytes of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryChange {
    /// There is none, before or after; or not a byte of it changes, as if only attributes did that the index
    /// does not hold, or the same item was written again.
    Unchanged,
    /// It comes.
    Added {
        /// Its size.
        after_bytes: usize,
    },
    /// It goes.
    Removed {
        /// Its size.
        before_bytes: usize,
    },
    /// It stays where it is and holds something else.
    Replaced {
        /// Its size before.
        before_bytes: usize,
        /// And after.
        after_bytes: usize,
    },
    /// Its key changes: one goes, another comes.
    Moved {
        /// Size of the one that goes.
        before_bytes: usize,
        /// Size of the one that comes.
        after_bytes: usize,
    },
}

/// Of what a write does to one index. In a transaction the same.
#[must_use]
pub fn of_entry_change(change: EntryChange) -> Tokens {
    match change {
        EntryChange::Unchanged => Tokens::ZERO,
        EntryChange::Added { after_bytes } => of_write(None, Some(after_bytes)),
        EntryChange::Removed { before_bytes } => of_write(Some(before_bytes), None),
        EntryChange::Replaced { before_bytes, after_bytes } => {
            of_write(Some(before_bytes), Some(after_bytes))
        }
        EntryChange::Moved { before_bytes, after_bytes } => {
            of_write(Some(before_bytes), None) + of_write(None, Some(after_bytes))
        }
    }
}

fn whole(size_bytes: usize, unit_bytes: usize) -> Tokens {
    Tokens::units(size_bytes.div_ceil(unit_bytes).max(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_step_at_the_edges_of_sizes() {
        let writes = [(0, 1.0), (1, 1.0), (1024, 1.0), (1025, 2.0), (409_600, 400.0)];
        for (size_bytes, units) in writes {
            assert_eq!(write_units(size_bytes), units, "{size_bytes}");
            assert_eq!(of_write(None, Some(size_bytes)).as_f64(), units, "{size_bytes}");
        }
        let reads = [(0, 1.0), (4096, 1.0), (4097, 2.0), (409_600, 100.0)];
        for (size_bytes, units) in reads {
            assert_eq!(read_units(size_bytes, true), units, "{size_bytes}");
            assert_eq!(read_units(size_bytes, false), units / 2.0, "{size_bytes}");
            let of = |consistency| of_read(size_bytes, consistency).as_f64();
            assert_eq!(of(Consistency::Strong), units, "{size_bytes}");
            assert_eq!(of(Consistency::Eventual), units / 2.0, "{size_bytes}");
            assert_eq!(of(Consistency::Transactional), units * 2.0, "{size_bytes}");
        }
    }

    #[test]
    fn a_write_counts_the_larger_of_before_and_after() {
        let of = |before, after| of_write(before, after).whole_units();
        assert_eq!(of(Some(3000), Some(100)), 3);
        assert_eq!(of(Some(100), Some(3000)), 3);
        assert_eq!(of(Some(5000), None), 5, "what was deleted");
        assert_eq!(of(None, None), 1, "deleted, and was not there");
        assert_eq!(of_failed_condition(None, None).whole_units(), 1);
        assert_eq!(of_failed_condition(Some(2500), None).whole_units(), 3);
        assert_eq!(of_failed_condition(Some(300 << 10), Some(310 << 10)).whole_units(), 310);
        assert_eq!(of_transacted_write(None, None).whole_units(), 2, "a condition alone");
        assert_eq!(of_transacted_write(Some(1025), Some(1)).whole_units(), 4);
    }

    #[test]
    fn a_batch_rounds_each_item_and_a_query_once() {
        let sizes = [1536, 6656];
        let batch = of_reads(sizes.map(Some), Consistency::Strong);
        assert_eq!(batch.whole_units(), 3, "4 KB and 8 KB");
        assert_eq!(of_read(sizes.iter().sum(), Consistency::Strong).whole_units(), 2, "8 KB");
        let missing = of_reads([None, Some(1)], Consistency::Eventual);
        assert_eq!(missing, Tokens::units(1), "two halves");
    }

    #[test]
    fn an_index_is_charged_for_what_changes_in_it() {
        let of = |change| of_entry_change(change).whole_units();
        assert_eq!(of(EntryChange::Unchanged), 0);
        assert_eq!(of(EntryChange::Added { after_bytes: 1024 }), 1);
        assert_eq!(of(EntryChange::Removed { before_bytes: 1025 }), 2);
        assert_eq!(of(EntryChange::Replaced { before_bytes: 1025, after_bytes: 10 }), 2);
        assert_eq!(of(EntryChange::Moved { before_bytes: 100, after_bytes: 100 }), 2);
        assert_eq!(of(EntryChange::Moved { before_bytes: 100, after_bytes: 2000 }), 3);
    }
}
