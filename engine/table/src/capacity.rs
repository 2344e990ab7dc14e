//! Request units of what was done, and how they are told. Not whether there are any left.
//!
//! Source: developer guide, "DynamoDB read and write operations", "Managing indexes"; the index arms as
//! observed.

use std::collections::BTreeMap;

use flywheel_api::{Capacity, ConsumedCapacity};
use flywheel_capacity::units::{read_units, write_units};

use crate::change::EntryChange;
use crate::table::Table;

/// Units that an operation took of a table and of its indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Units {
    pub table: f64,
    pub locals: BTreeMap<String, f64>,
    pub globals: BTreeMap<String, f64>,
}

impl Units {
    /// Of a write that found an item of one size and left one of another.
    pub fn of_write(
        table: &Table,
        before_bytes: usize,
        after_bytes: usize,
        entries: &[EntryChange],
    ) -> Self {
        let mut units =
            Self { table: write_units(before_bytes.max(after_bytes)), ..Self::default() };
        for entry in entries {
            let (name, arm) = match entry.index {
                IndexPlace::Local(place) => (&table.locals[place].name, &mut units.locals),
                IndexPlace::Global(place) => (&table.globals[place].name, &mut units.globals),
            };
            let of = |bytes: Option<usize>| bytes.map_or(0.0, write_units);
            *arm.entry(name.clone()).or_default() +=
                of(entry.removed_bytes) + of(entry.written_bytes);
        }
        units
    }

    pub fn add(&mut self, other: &Self) {
        self.table += other.table;
        for (arm, others) in
            [(&mut self.locals, &other.locals), (&mut self.globals, &other.globals)]
        {
            for (name, units) in others {
                *arm.entry(name.clone()).or_default() += units;
            }
        }
    }

    /// Of the table and all of its indexes.
    pub fn total(&self) -> f64 {
        self.table + self.locals.values().sum::<f64>() + self.globals.values().sum::<f64>()
    }

    /// What a write in a transaction surely takes of its table.
    pub const LEAST_TRANSACTED_WRITE: f64 = 2.0;

    /// Of reading so many bytes in a transaction.
    pub fn of_transacted_read(size_bytes: usize) -> Self {
        Self { table: 2.0 * read_units(size_bytes, true), ..Self::default() }
    }

    /// The same in a transaction: twice as much of the table, and no more of its indexes.
    #[must_use]
    pub fn transacted(self) -> Self {
        Self { table: 2.0 * self.table, ..self }
    }

    /// As `ReturnConsumedCapacity` asked for it, of a transaction: which says what it was as well.
    pub fn told_of(
        &self,
        mode: Option<&str>,
        table_name: &str,
        transacted: Transacted,
    ) -> Option<ConsumedCapacity> {
        let mut told = self.told(mode, table_name)?;
        let arms = [told.local_secondary_indexes.as_mut(), told.global_secondary_indexes.as_mut()];
        let arms =
            arms.into_iter().flatten().flat_map(|arm| arm.values_mut()).chain(&mut told.table);
        for arm in arms {
            match transacted {
                Transacted::Read => arm.read_capacity_units = arm.capacity_units,
                Transacted::Write => arm.write_capacity_units = arm.capacity_units,
            }
        }
        match transacted {
            Transacted::Read => told.read_capacity_units = told.capacity_units,
            Transacted::Write => told.write_capacity_units = told.capacity_units,
        }
        Some(told)
    }

    /// As `ReturnConsumedCapacity` asked for it.
    pub fn told(&self, mode: Option<&str>, table_name: &str) -> Option<ConsumedCapacity> {
        let mut told = ConsumedCapacity {
            table_name: Some(table_name.to_owned()),
            capacity_units: Some(self.total()),
            ..ConsumedCapacity::default()
        };
        match mode {
            Some("TOTAL") => {}
            Some("INDEXES") => {
                told.table = Some(capacity(self.table));
                told.local_secondary_indexes = arm(&self.locals);
                told.global_secondary_indexes = arm(&self.globals);
            }
            _ => return None,
        }
        Some(told)
    }
}

/// What a transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transacted {
    Read,
    Write,
}

/// Which index of a table: by its place in the table's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexPlace {
    Local(usize),
    Global(usize),
}

fn capacity(units: f64) -> Capacity {
    Capacity { capacity_units: Some(units), ..Capacity::default() }
}

fn arm(units: &BTreeMap<String, f64>) -> Option<BTreeMap<String, Capacity>> {
    let arm = units.iter().map(|(name, units)| (name.clone(), capacity(*units)));
    (!units.is_empty()).then(|| arm.collect())
}
