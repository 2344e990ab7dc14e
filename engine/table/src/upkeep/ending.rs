//! Items that end: a write appends when its item will, and once that is past, the item is looked at again
//! and goes if it still says so. Items from before are found when the setting comes.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_api::ErrorCode;
use flywheel_item::Item;
use flywheel_item::key::{partition_hash, prefix_successor};
use flywheel_shard::{Direction, ScanRequest, Write as StorageWrite, WriteBatch};
use futures_util::future::try_join_all;

use super::{Sleeper, persist};
use crate::catalog::ChangeError;
use crate::catalog::record::TableRecord;
use crate::change::{Verdict, Write};
use crate::keys;
use crate::limits::{MAX_FOLLOWED_CHANGES, MAX_FOLLOWED_TOGETHER, MAX_PAGE_BYTES};
use crate::storage::{Storage, StorageError};
use crate::stored;
use crate::table::Table;
use crate::tables::Tables;

/// How often is looked for items that have ended.
const LOOK: Duration = Duration::from_secs(1);

/// An item whose end lies further back than this is kept: a guard against times in other units.
/// Source: developer guide, "Using time to live".
const OLDEST_SECONDS: u64 = 5 * 365 * 24 * 3600;

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    let mut finding = None;
    loop {
        let found = persist(&*sleeper, async || find(&tables, &mut finding).await);
        let Some(found) = found.await else { return };
        let ended = persist(&*sleeper, async || end(&tables).await);
        let Some(ended) = ended.await else { return };
        if !found && !ended {
            sleeper.sleep(LOOK).await;
        }
    }
}

/// Looks at items whose second is past; whether there were any.
async fn end<S: Storage>(tables: &Tables<S>) -> Result<bool, StorageError> {
    let now_seconds = tables.now_ms() / 1000;
    let mut any = false;
    for feed in tables.storage().feeds() {
        let (start, end) = keys::endings_before(&feed, now_seconds);
        let request = ScanRequest {
            start: Bound::Included(start),
            end: Bound::Excluded(end),
            direction: Direction::Forward,
            max_items: MAX_FOLLOWED_CHANGES,
            max_bytes: MAX_PAGE_BYTES,
        };
        let page = tables.storage().scan(request).await?;
        let (count, mut kept) = (page.items.len(), BTreeSet::new());
        for some in page.items.chunks(MAX_FOLLOWED_TOGETHER) {
            let ends = some.iter().filter_map(|(key, versioned)| {
                let table = keys::read_ending(&feed, key).and_then(|n| tables.numbered(n))?;
                let ended = end_item(tables, table, versioned.value.clone(), now_seconds);
                Some(async move { Ok::<_, StorageError>((!ended.await?).then(|| key.clone())) })
            });
            kept.extend(try_join_all(ends).await?.into_iter().flatten());
        }
        let done = page.items.into_iter().map(|(key, _)| key).filter(|key| !kept.contains(key));
        let writes: Vec<StorageWrite> =
            done.map(|key| StorageWrite { key, value: None, condition: None }).collect();
        any |= count > kept.len();
        if !writes.is_empty() {
            tables.storage().write(WriteBatch { writes }).await?;
        }
    }
    Ok(any)
}

/// Deletes an item if it has ended; whether that is settled. An item that a transaction holds is looked at
/// again.
async fn end_item<S: Storage>(
    tables: &Tables<S>,
    table: Arc<Table>,
    key: Bytes,
    now_seconds: u64,
) -> Result<bool, StorageError> {
    let owner = Arc::clone(&table);
    let decide = move |before: Option<&Item>| {
        let ending = before.and_then(|item| owner.ending_of(item));
        let oldest = now_seconds.saturating_sub(OLDEST_SECONDS);
        let has_ended = ending.is_some_and(|end| end < now_seconds && end >= oldest);
        Ok(if has_ended { Verdict::Delete } else { Verdict::Keep })
    };
    let deleted = tables.change(Write { table, key, looks: true, decide }).await;
    match deleted {
        Ok(_) => Ok(true),
        Err(error) => match error.code {
            ErrorCode::TransactionConflict | ErrorCode::Throttling => Ok(false),
            ErrorCode::ServiceUnavailable => Err(StorageError::Closed),
            _ => Err(StorageError::Fault(error.to_string())),
        },
    }
}

/// How far the items of a table have been looked at.
struct Finding {
    table: u32,
    behind: Bytes,
}

/// Notes the endings of items that were there before the setting, a page at a time; whether there were any
/// to be looked at.
async fn find<S: Storage>(
    tables: &Tables<S>,
    finding: &mut Option<Finding>,
) -> Result<bool, StorageError> {
    let all = tables.catalog().all();
    let wanting = all.values().find(|table| {
        let setting = table.record.time_to_live.as_ref();
        setting.is_some_and(|setting| setting.is_enabled && !setting.is_found) && table.serves()
    });
    let Some(table) = wanting.map(Arc::clone) else { return Ok(false) };
    drop(all);
    let number = table.record.number;
    // Those that began before the setting came may still write items whose endings nobody notes.
    if tables.catalog().has_earlier_requests(number) {
        return Ok(false);
    }
    let start = match finding.take().filter(|finding| finding.table == number) {
        Some(finding) => Bound::Excluded(finding.behind),
        None => Bound::Included(Bytes::copy_from_slice(table.prefix())),
    };
    if let Some(behind) = find_page(tables, &table, start).await? {
        *finding = Some(Finding { table: number, behind });
        return Ok(true);
    }
    let name = table.name().to_owned();
    drop(table);
    let change = |mut record: TableRecord, _| {
        if record.number != number {
            return Err(());
        }
        if let Some(setting) = &mut record.time_to_live {
            setting.is_found = true;
        }
        Ok(Some(record))
    };
    match tables.catalog().change(&name, 0, change).await {
        Err(ChangeError::Storage(error)) => Err(error),
        _ => Ok(true),
    }
}

/// Looks at one page of a table; where the next begins, if there is more.
async fn find_page<S: Storage>(
    tables: &Tables<S>,
    table: &Table,
    start: Bound<Bytes>,
) -> Result<Option<Bytes>, StorageError> {
    let feeds = tables.storage().feeds();
    let Some(feed) = feeds.first() else { return Ok(None) };
    let end = prefix_successor(table.prefix());
    let request = ScanRequest {
        start,
        end: end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.into())),
        direction: Direction::Forward,
        max_items: MAX_FOLLOWED_CHANGES,
        max_bytes: MAX_PAGE_BYTES,
    };
    let page = tables.storage().scan(request).await?;
    let mut puts = Vec::new();
    for (key, versioned) in page.items.iter().filter(|(key, _)| table.is_item(key)) {
        let Some(value) = tables.visible(key, versioned.value.clone()).await? else { continue };
        let item =
            stored::decode(&value).map_err(|error| StorageError::Fault(error.to_string()))?;
        if let Some(seconds) = table.ending_of(&item) {
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
