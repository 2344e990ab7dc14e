//! Items that end: a write appends when its item will, if that is soon, and once it is past, the item is looked
//! at again and goes if it still says so. Not finding the others: see `sweep`.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_api::ErrorCode;
use flywheel_item::Item;
use flywheel_shard::{Direction, ScanRequest, Write as StorageWrite, WriteBatch};
use futures_util::future::try_join_all;

use super::{Sleeper, persist};
use crate::change::{Verdict, Write};
use crate::keys;
use crate::limits::{MAX_FOLLOWED_CHANGES, MAX_FOLLOWED_TOGETHER, MAX_PAGE_BYTES};
use crate::storage::{Storage, StorageError};
use crate::table::Table;
use crate::tables::Tables;

/// How often is looked for items that have ended.
const LOOK: Duration = Duration::from_secs(1);

/// An item whose end lies further back than this is kept: a guard against times in other units.
/// Source: developer guide, "Using time to live".
const OLDEST_SECONDS: u64 = 5 * 365 * 24 * 3600;

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    loop {
        let ended = persist(&*sleeper, async || end(&tables).await);
        let Some(ended) = ended.await else { return };
        if !ended {
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
                let table =
                    keys::read_ending(&feed, key).and_then(|n| tables.catalog().numbered(n))?;
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
    let deleted =
        tables.change_as(Write { table, key, brings_bytes: 0, looks: true, decide }, None).await;
    match deleted {
        Ok(_) => Ok(true),
        Err(error) => match error.code {
            ErrorCode::TransactionConflict | ErrorCode::Throttling => Ok(false),
            ErrorCode::ServiceUnavailable => Err(StorageError::Closed),
            _ => Err(StorageError::Fault(error.to_string())),
        },
    }
}
