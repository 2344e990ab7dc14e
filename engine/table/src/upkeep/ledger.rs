//! The ledger's upkeep: what a crash left of transactions is carried out when the tables are opened, and
//! records that nobody needs any more go.

use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_item::key::prefix_successor;
use flywheel_shard::{Condition, Direction, ScanRequest, WriteBatch};
use futures_util::future::{try_join, try_join_all};

use super::{Sleeper, persist};
use crate::keys;
use crate::limits::{MAX_FOLLOWED_CHANGES, MAX_PAGE_BYTES};
use crate::storage::{Storage, StorageError};
use crate::tables::Tables;
use crate::transaction::TransactionName;
use crate::transaction::ledger::{Decision, Record};
use crate::transaction::settle::unreadable;

/// How often is looked for records that may go.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    if persist(&*sleeper, async || recover(&tables).await).await.is_none() {
        return;
    }
    loop {
        while let Some((name, keys)) = tables.transactions().take_left() {
            let settled = persist(&*sleeper, async || {
                match tables.settle_left(name, &keys).await {
                    // Its items stay held; others are not to wait for it.
                    Err(StorageError::Refused(_)) => Ok(()),
                    settled => settled,
                }
            });
            if settled.await.is_none() {
                return;
            }
        }
        let done = tables.transactions().take_done(tables.now_ms(), MAX_FOLLOWED_CHANGES);
        if done.is_empty() {
            sleeper.sleep(LOOK).await;
            continue;
        }
        let forgotten = persist(&*sleeper, async || {
            let (of_tokens, others) = done.iter().partition::<Vec<_>, _>(|it| it.has_token());
            // Nobody ever has their entries again.
            let others = others.into_iter().map(keys::ledger_record).collect();
            let forgets = of_tokens.into_iter().map(|name| forget(&tables, name));
            try_join(tables.storage().delete(others), try_join_all(forgets)).await.map(|_| ())
        });
        if forgotten.await.is_none() {
            return;
        }
    }
}

/// Takes a token's record away, if it is still one that may go.
async fn forget<S: Storage>(
    tables: &Tables<S>,
    name: &TransactionName,
) -> Result<(), StorageError> {
    let key = keys::ledger_record(name);
    // Another attempt may have taken its place.
    let Some(found) = tables.storage().get(key.clone()).await? else { return Ok(()) };
    let record = Record::decode(found.value).ok_or_else(|| unreadable(name))?;
    if record.attempt != name.attempt || tables.now_ms() < record.kept_until_ms(name) {
        return Ok(());
    }
    let delete = WriteBatch::delete(key).when(Condition::VersionIs(found.version));
    tables.storage().write(delete).await.map(|_| ())
}

/// Applies what is committed, and notes of each record when it may go.
async fn recover<S: Storage>(tables: &Tables<S>) -> Result<(), StorageError> {
    let mut start = Bound::Included(keys::ledger());
    let end = prefix_successor(&keys::ledger());
    let end = end.map_or(Bound::Unbounded, |end| Bound::Excluded(Bytes::from(end)));
    loop {
        let request = ScanRequest {
            start,
            end: end.clone(),
            direction: Direction::Forward,
            max_items: MAX_FOLLOWED_CHANGES,
            max_bytes: MAX_PAGE_BYTES,
        };
        let page = tables.storage().scan(request).await?;
        for (key, versioned) in &page.items {
            let Some(name) = keys::read_ledger(key) else { continue };
            let record =
                Record::decode(versioned.value.clone()).ok_or_else(|| unreadable(&name))?;
            let name = record.name(name);
            // Of this process: whoever carries it out ends it.
            if tables.transactions().stage(&name).is_some() {
                continue;
            }
            if record.decision == Decision::Committed
                && let Err(error) = tables.apply_all(name, &record.places).await
            {
                match error {
                    // Kept, with its items held; others are not to wait for it.
                    StorageError::Refused(_) => continue,
                    error => return Err(error),
                }
            }
            tables.transactions().done(name, record.kept_until_ms(&name));
        }
        match page.items.last() {
            Some((last, _)) if page.more => start = Bound::Excluded(last.clone()),
            _ => return Ok(()),
        }
    }
}
