//! Tables and indexes from CREATING to ACTIVE, and from DELETING to nothing.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Sleeper, persist};
use crate::catalog::ChangeError;
use crate::catalog::record::{TableRecord, TableStatus};
use crate::storage::{Storage, StorageError};
use crate::table::{Metering, Table};
use crate::tables::Tables;

/// How often is looked whether requests that began before a change are done.
const LOOK: Duration = Duration::from_millis(2);

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    let catalog = tables.catalog();
    loop {
        let seen = catalog.changes();
        let mut waits = false;
        let all: Vec<Arc<Table>> = catalog.all().by_name().values().cloned().collect();
        for table in all {
            if is_settled(&table.record) {
                continue;
            }
            let (name, number) = (table.name().to_owned(), table.record.number);
            let record = table.record.clone();
            // Not kept: it would count as a request under way.
            drop(table);
            if catalog.has_earlier_requests(number) {
                waits = true;
                continue;
            }
            let settled = persist(&*sleeper, async || settle(&tables, &name, &record).await).await;
            if settled.is_none() {
                return;
            }
        }
        // Others are not to wait for a table that does.
        if waits {
            sleeper.sleep(LOOK).await;
        } else {
            catalog.changed(seen).await;
        }
    }
}

/// Whether there is nothing to do here. Entries of a new index are made where tables are followed.
fn is_settled(record: &TableRecord) -> bool {
    record.status == TableStatus::Active
        && record.global_indexes.iter().all(|index| match index.status {
            TableStatus::Active => true,
            TableStatus::Creating => index.is_backfilling && index.is_spread,
            TableStatus::Updating | TableStatus::Deleting => false,
        })
}

async fn settle<S: Storage>(
    tables: &Tables<S>,
    name: &str,
    record: &TableRecord,
) -> Result<(), StorageError> {
    let storage = tables.storage();
    let table = Table::new(record.clone(), Metering::default());
    if record.status == TableStatus::Deleting {
        storage.clear(table.prefix().to_vec().into()).await?;
        for index in &table.globals {
            storage.clear(index.prefix().to_vec().into()).await?;
        }
    } else {
        if record.status == TableStatus::Creating {
            storage.spread(table.prefix().to_vec().into()).await?;
        }
        for index in &table.globals {
            let prefix = index.prefix().to_vec().into();
            match index.status {
                TableStatus::Creating => storage.spread(prefix).await?,
                TableStatus::Deleting => storage.clear(prefix).await?,
                TableStatus::Active | TableStatus::Updating => {}
            }
        }
    }
    let number = record.number;
    let seen = record.version;
    let changed = tables.catalog().change(name, 0, |current, _| {
        // Of another table, or after another change, this says nothing.
        if (current.number, current.version) != (number, seen) {
            return Err(());
        }
        Ok(settled(current))
    });
    match changed.await {
        Ok(_) | Err(ChangeError::NoTable | ChangeError::Refused(())) => Ok(()),
        Err(ChangeError::Storage(error)) => Err(error),
    }
}

/// The record after what it asked for was done.
fn settled(mut record: TableRecord) -> Option<TableRecord> {
    if record.status == TableStatus::Deleting {
        return None;
    }
    record.status = TableStatus::Active;
    record.global_indexes.retain(|index| index.status != TableStatus::Deleting);
    for index in &mut record.global_indexes {
        index.is_spread = true;
        if !index.is_backfilling {
            index.status = TableStatus::Active;
        }
    }
    Some(record)
}
