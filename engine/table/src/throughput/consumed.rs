//! What was taken of the capacity of all tables, and how often it was not enough: for metrics. Not limits.

use flywheel_capacity::operation::Operation as Kind;

use super::meters::Meters;
use crate::storage::Storage;
use crate::tables::Tables;

/// Of one table or global index, one kind of capacity, since the tables were opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumed {
    /// The table.
    pub table: String,
    /// The global index; `None` for the table itself and its local indexes.
    pub index: Option<String>,
    /// Whether it is of reads, and not of writes.
    pub is_read: bool,
    /// Request units.
    pub units: f64,
    /// Requests that were refused, of a batch each item.
    pub throttled: u64,
}

impl<S: Storage> Tables<S> {
    /// What was taken of each table and global index that there is.
    pub fn consumed(&self) -> Vec<Consumed> {
        let mut rows = Vec::new();
        for table in self.catalog().all().by_name().values() {
            let mut add = |index: Option<&str>, meters: &Meters| {
                rows.extend(meters.both().map(|(kind, meter)| Consumed {
                    table: table.name().to_owned(),
                    index: index.map(str::to_owned),
                    is_read: kind == Kind::Read,
                    units: meter.taken().as_f64(),
                    throttled: meter.throttled(),
                }));
            };
            add(None, &table.meters);
            table.globals.iter().for_each(|index| add(Some(&index.name), &index.meters));
        }
        rows
    }
}
