//! Goes through whole tables from time to time, slowly, for what no write has told: which items end before the
//! next sweep is done, and how much of what stands together are items, how much entries of local indexes.
//!
//! A sweep notes the ends up to twice the time between sweeps after its beginning, and a write those up to as
//! long after it. So whatever ends was noted in time: an end is at most that far ahead when the last sweep
//! before it begins, and that sweep either sees the item, or the item was written since and noted itself. A
//! sweep that comes late finds what has ended meanwhile.

use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_item::key::partition_hash;
use flywheel_shard::WriteBatch;
use futures_util::future::try_join_all;

use super::{Sleeper, page_of, persist};
use crate::catalog::ChangeError;
use crate::catalog::record::{SweepRecord, TableRecord};
use crate::keys;
use crate::limits::{MAX_COUNTED_KEYS, MAX_ENDING_AHEAD_MS, SWEEP_EVERY_MS};
use crate::storage::{Storage, StorageError};
use crate::stored;
use crate::table::Table;
use crate::tables::Tables;

/// How often is looked for tables to be swept.
const LOOK: Duration = Duration::from_secs(1);

/// What requests are given between two pages: at the most some 25,000 keys are looked at in a second.
const PAUSE: Duration = Duration::from_millis(20);

/// How often is looked how much tables have grown, in milliseconds.
const MEASURE_EVERY_MS: u64 = 60_000;

/// A sweep under way.
struct Sweep {
    table: u32,
    /// The attribute that says when items end.
    ending: Option<String>,
    behind: Option<Bytes>,
    found: SweepRecord,
}

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    let (mut sweep, mut measured_ms) = (None, 0);
    loop {
        let step = persist(&*sleeper, async || match &mut sweep {
            Some(begun) => go_on(&tables, begun).await,
            None => {
                sweep = begin(&tables, &mut measured_ms).await?;
                Ok(sweep.is_none())
            }
        });
        let Some(is_over) = step.await else { return };
        let pause = if sweep.is_some() && !is_over { PAUSE } else { LOOK };
        if is_over {
            sweep = None;
        }
        sleeper.sleep(pause).await;
    }
}

/// A sweep of some table that is due for one.
async fn begin<S: Storage>(
    tables: &Tables<S>,
    measured_ms: &mut u64,
) -> Result<Option<Sweep>, StorageError> {
    let now_ms = tables.now_ms();
    let is_measured = now_ms >= *measured_ms + MEASURE_EVERY_MS;
    if is_measured {
        *measured_ms = now_ms;
    }
    let mut all: Vec<Arc<Table>> = tables.catalog().all().by_name().values().cloned().collect();
    // New settings first, then whatever has waited longest: a large table is not to keep others from their turn.
    all.sort_by_key(|table| {
        let setting = table.record.time_to_live.as_ref().filter(|setting| setting.is_enabled);
        let is_found = setting.is_none_or(|setting| setting.is_found);
        (is_found, table.record.sweep.as_ref().map(|sweep| sweep.began_ms))
    });
    for table in all {
        if !table.serves() {
            continue;
        }
        let is_due = is_due(&table, now_ms) || (is_measured && has_grown(tables, &table).await?);
        // Those that began before a setting came may still write items whose ends nobody notes.
        let number = table.record.number;
        if is_due && !tables.catalog().has_earlier_requests(number) {
            return Ok(Some(Sweep {
                table: number,
                ending: table.ending_attribute().map(str::to_owned),
                behind: None,
                found: SweepRecord::of(&table, now_ms),
            }));
        }
    }
    Ok(None)
}

/// Whether the last sweep of a table says too little by now.
fn is_due(table: &Table, now_ms: u64) -> bool {
    let swept = table.record.sweep.as_ref().map(|sweep| sweep.began_ms);
    let is_old = swept.is_none_or(|began_ms| now_ms >= began_ms + SWEEP_EVERY_MS);
    let setting = table.record.time_to_live.as_ref().filter(|setting| setting.is_enabled);
    match setting {
        Some(setting) => is_old || !setting.is_found,
        None => is_old && !table.locals.is_empty(),
    }
}

/// Whether a table with local indexes came to be twice as large as it was swept.
async fn has_grown<S: Storage>(tables: &Tables<S>, table: &Table) -> Result<bool, StorageError> {
    let swept = table.record.sweep.as_ref().map_or(0, |sweep| sweep.total().keys);
    if table.locals.is_empty() {
        return Ok(false);
    }
    let whole = tables.storage().measure(table.prefix().to_vec().into()).await?;
    Ok(whole.items > MAX_COUNTED_KEYS as u64 && whole.items / 2 > swept)
}

/// Sweeps a page; whether that was the last.
async fn go_on<S: Storage>(tables: &Tables<S>, sweep: &mut Sweep) -> Result<bool, StorageError> {
    let table = tables.catalog().numbered(sweep.table).filter(|table| table.serves());
    let Some(table) = table else { return Ok(true) };
    if table.ending_attribute() != sweep.ending.as_deref() {
        return Ok(true);
    }
    let start = match &sweep.behind {
        Some(behind) => Bound::Excluded(behind.clone()),
        None => Bound::Included(Bytes::copy_from_slice(table.prefix())),
    };
    let mut found = sweep.found.clone();
    if let Some(behind) = page(tables, &table, start, &mut found).await? {
        (sweep.behind, sweep.found) = (Some(behind), found);
        return Ok(false);
    }
    let name = table.name().to_owned();
    drop(table);
    let change = |mut record: TableRecord, _| {
        if record.number != sweep.table {
            return Err(());
        }
        if let Some(setting) = &mut record.time_to_live
            && setting.is_enabled
            && sweep.ending.as_ref() == Some(&setting.attribute)
        {
            setting.is_found = true;
        }
        record.sweep = Some(found.clone());
        Ok(Some(record))
    };
    match tables.catalog().change(&name, 0, change).await {
        Err(ChangeError::Storage(error)) => Err(error),
        _ => Ok(true),
    }
}

/// Looks at one page of a table; where the next begins, if there is more.
async fn page<S: Storage>(
    tables: &Tables<S>,
    table: &Table,
    start: Bound<Bytes>,
    found: &mut SweepRecord,
) -> Result<Option<Bytes>, StorageError> {
    let feeds = tables.storage().feeds();
    let Some(feed) = feeds.first() else { return Ok(None) };
    let page = tables.storage().scan(page_of(table.prefix(), start)).await?;
    let noted_to = (found.began_ms + MAX_ENDING_AHEAD_MS) / 1000;
    let mut puts = Vec::new();
    for (key, versioned) in &page.items {
        found.add(key, versioned.value.len());
        if table.ending_attribute().is_none() || !table.is_item(key) {
            continue;
        }
        let Some(value) = tables.visible(key, versioned.value.clone()).await? else { continue };
        let item =
            stored::decode(&value).map_err(|error| StorageError::Fault(error.to_string()))?;
        if let Some(seconds) = table.ending_of(&item).filter(|seconds| *seconds <= noted_to) {
            // Versions of several shards may be equal: the key tells these apart.
            let version = versioned.version.to_be_bytes();
            let stem = keys::ending_at(seconds, table.record.number);
            let place = [feed, &stem[..], &version, &partition_hash(key).to_be_bytes()].concat();
            puts.push(tables.storage().write(WriteBatch::put(place.into(), key.clone())));
        }
    }
    try_join_all(puts).await?;
    Ok(page.items.last().map(|(last, _)| last.clone()).filter(|_| page.more))
}
