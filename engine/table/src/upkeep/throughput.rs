//! Capacity over time: what is out on lease to cores that went quiet comes back, to be used by others, and tables on
//! demand grow. What a table has grown to is kept in its record, and told as its warm throughput.

use std::time::Duration;

use flywheel_capacity::operation::Operation as Kind;

use super::Sleeper;
use crate::catalog::ChangeError;
use crate::catalog::record::{TableRecord, WarmRecord};
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::throughput::Throttling;
use crate::throughput::meters::Meters;

/// How often all is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// For ever; for whoever runs it to end it.
pub(super) async fn run<S: Storage>(tables: &Tables<S>, sleeper: &impl Sleeper) {
    if tables.options().throttling == Throttling::Never {
        std::future::pending::<()>().await;
    }
    loop {
        sleeper.sleep(LOOK).await;
        let now_ns = (tables.options().monotonic_ns)();
        if tables.options().throttling.has_partition_limits() {
            for (.., served) in tables.storage().consumptions() {
                served.hand_in_idle(now_ns);
            }
        }
        for table in tables.catalog().all().by_name().values() {
            hand_in(table, now_ns);
            if grow(tables, table, now_ns) {
                // What cannot be kept now is found again at the next look.
                let _ = keep(tables, table).await;
            }
        }
    }
}

fn all_meters(table: &Table) -> impl Iterator<Item = &Meters> {
    table.globals.iter().map(|index| &index.meters).chain([&table.meters])
}

fn hand_in(table: &Table, now_ns: u64) {
    for (_, meter) in all_meters(table).flat_map(Meters::both) {
        meter.hand_in_idle(now_ns);
    }
}

/// Whether the table or an index of it has grown beyond what its record says.
fn grow<S: Storage>(tables: &Tables<S>, table: &Table, now_ns: u64) -> bool {
    if !tables.options().throttling.has_partition_limits() || !table.record.billing.is_on_demand {
        return false;
    }
    let now_ms = tables.now_ms();
    all_meters(table).for_each(|meters| meters.grow(now_ns, now_ms));
    let indexes = table.globals.iter().zip(&table.record.global_indexes);
    let of_indexes = indexes.map(|(index, record)| (&index.meters, &record.warm));
    of_indexes
        .chain([(&table.meters, &table.record.billing.warm)])
        .any(|(meters, warm)| grown(meters, warm.clone()) != *warm)
}

/// What stands in a record of what it has grown to. A new one's is not written down: everybody begins with it.
fn grown(meters: &Meters, warm: WarmRecord) -> WarmRecord {
    let arm = |kind: Kind, known: Option<i64>| {
        let units = meters.grown_units(kind)?;
        Some(known.unwrap_or_default().max(units))
    };
    WarmRecord {
        read_units: arm(Kind::Read, warm.read_units).or(warm.read_units),
        write_units: arm(Kind::Write, warm.write_units).or(warm.write_units),
    }
}

async fn keep<S: Storage>(tables: &Tables<S>, table: &Table) -> Result<(), ChangeError<()>> {
    let change = |mut record: TableRecord, _| {
        // By another table of the name nothing was grown.
        if record.number != table.record.number {
            return Err(());
        }
        record.billing.warm = grown(&table.meters, record.billing.warm);
        for index in &mut record.global_indexes {
            let known = table.globals.iter().find(|known| known.name == index.name);
            if let Some(known) = known {
                index.warm = grown(&known.meters, std::mem::take(&mut index.warm));
            }
        }
        Ok(Some(record))
    };
    tables.catalog().change(table.name(), 0, change).await.map(|_| ())
}
