//! The catalog's copy in memory: all tables, by name and by number. Not how it comes to be the newest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::table::Table;

/// All tables, by name.
pub(crate) type TablesByName = BTreeMap<String, Arc<Table>>;

/// Tables as they are at one moment. Cloned for each change, so that readers need no lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    by_name: TablesByName,
    by_number: BTreeMap<u32, Arc<Table>>,
}

impl Known {
    pub fn by_name(&self) -> &TablesByName {
        &self.by_name
    }

    /// The table of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Table>> {
        self.by_name.get(name)
    }

    /// The table of that number.
    pub fn numbered(&self, number: u32) -> Option<&Arc<Table>> {
        self.by_number.get(&number)
    }

    /// Takes a table in, unless a later one of its name, or a later form of it, is there.
    pub fn keep(&mut self, table: &Arc<Table>) {
        let order = |table: &Table| (table.record.number, table.record.version);
        if self.named(table.name()).is_some_and(|known| order(known) >= order(table)) {
            return;
        }
        let before = self.by_name.insert(table.name().to_owned(), Arc::clone(table));
        if let Some(before) = before {
            self.by_number.remove(&before.record.number);
        }
        self.by_number.insert(table.record.number, Arc::clone(table));
    }

    /// Forgets a table, unless another one has its name by now.
    pub fn forget(&mut self, name: &str, number: u32) {
        if self.named(name).is_some_and(|table| table.record.number == number) {
            self.by_name.remove(name);
            self.by_number.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::tests::plain;
    use crate::table::Metering;

    fn table(name: &str, number: u32, version: u64) -> Arc<Table> {
        Arc::new(Table::new(plain(name, number, version), Metering::default()))
    }

    fn numbers(known: &Known) -> Vec<(u32, &str, u64)> {
        let of = |(number, table): (&u32, &'_ Arc<Table>)| (*number, table.record.version);
        let by_number: Vec<(u32, u64)> = known.by_number.iter().map(of).collect();
        let by_name = known.by_name.iter();
        let mut all: Vec<(u32, &str, u64)> = by_name
            .map(|(name, table)| (table.record.number, name.as_str(), table.record.version))
            .collect();
        all.sort_unstable();
        let same: Vec<(u32, u64)> =
            all.iter().map(|(number, _, version)| (*number, *version)).collect();
        assert_eq!(by_number, same, "both maps hold the same tables");
        all
    }

    #[test]
    fn numbers_follow_what_becomes_of_tables() {
        let mut known = Known::default();
        known.keep(&table("a", 1, 1));
        known.keep(&table("b", 2, 1));
        known.keep(&table("a", 1, 3));
        known.keep(&table("a", 1, 2));
        assert_eq!(numbers(&known), [(1, "a", 3), (2, "b", 1)]);
        assert!(Arc::ptr_eq(known.numbered(1).expect("a"), known.named("a").expect("a")));
        // Made anew under a number of its own; what is late of the earlier one changes nothing.
        known.keep(&table("a", 5, 1));
        known.forget("a", 1);
        known.keep(&table("a", 1, 4));
        assert_eq!(numbers(&known), [(2, "b", 1), (5, "a", 1)]);
        known.forget("b", 2);
        assert!(known.numbered(2).is_none() && known.numbered(5).is_some());
    }
}
