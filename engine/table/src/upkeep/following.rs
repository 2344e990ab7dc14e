//! Global indexes follow their tables: each change that a write appended is made in the indexes, and then
//! taken from the feed. Entries of items that were there before an index are made here as well.
//!
//! A change is not done over again as it was: the item is read as it is now, its entries are put, and those
//! of what it was before go. So it does not matter how often a change is followed, nor in which order those
//! of two feeds are, if an item has moved; only two at the same time must not be, and one loop does it all.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::{Item, codec};
use flywheel_shard::canary::{self, Canary};
use flywheel_shard::{Write, WriteBatch};
use futures_util::future::{join, join_all, select, select_all, try_join_all};
use futures_util::stream::{self, StreamExt};

use super::{Sleeper, at_most, page_of, persist};
use crate::catalog::record::{GlobalIndexRecord, TableRecord, TableStatus};
use crate::keys;
use crate::limits::{MAX_FOLLOWED_TOGETHER, MAX_TABLE_ROUNDS};
use crate::storage::{Storage, StorageError};
use crate::stored::{self, ChangeRecord};
use crate::table::{GlobalIndex, Source, Table};
use crate::tables::Tables;

/// How long is waited for changes before tables are looked at for new indexes.
const LOOK: Duration = Duration::from_millis(50);

/// How often is looked who has waited for too long. It goes on where following cannot.
const TICK: Duration = Duration::from_millis(100);

/// Changes of one item: where it stands, and what it was before each.
type Changes = BTreeMap<(u32, Bytes), Vec<Bytes>>;

/// Where a feed has been read to. It is read in sweeps, from its beginning and on while there is more: changes
/// of one table stand together, so those of another may have come before what was read.
struct Feed {
    prefix: Bytes,
    /// The highest version that has been seen in it.
    seen: u64,
    /// The last key that this sweep has read; `None` if the next one begins.
    reached: Option<Bytes>,
    /// The table of that key, and rounds that ended in it: after some it is the next one's turn.
    turn: (u32, usize),
    /// Whether this sweep has passed changes by.
    has_passed: bool,
    /// What the last round followed, to be taken away.
    followed: WriteBatch,
}

/// What a round found in a feed.
#[derive(Default)]
struct Found {
    changes: Vec<(u32, ChangeRecord)>,
    has_more: bool,
    /// What earlier rounds of the sweep followed, to be taken away beside this one.
    followed: WriteBatch,
}

impl Feed {
    fn new(prefix: Bytes) -> Self {
        let followed = WriteBatch::default();
        Self { prefix, seen: 0, reached: None, turn: (0, 0), has_passed: false, followed }
    }

    /// Reads some changes. `None` once the storage is closed.
    async fn read<S: Storage>(
        &mut self,
        tables: &Tables<S>,
        sleeper: &impl Sleeper,
    ) -> Option<Found> {
        let mut found = Found { followed: std::mem::take(&mut self.followed), ..Found::default() };
        let all = keys::all_changes(&self.prefix);
        let start = match self.reached.take() {
            Some(reached) => Bound::Excluded(reached),
            None => {
                // Or it would be read again.
                take_away(tables, &std::mem::take(&mut found.followed), sleeper).await?;
                (self.turn, self.has_passed) = ((0, 0), false);
                Bound::Included(all.clone())
            }
        };
        let request = page_of(&all, start);
        let page = async || tables.storage().scan(request.clone()).await;
        let page = persist(sleeper, page).await?;
        if let Some((last, _)) = page.items.last().filter(|_| page.more) {
            self.reached = Some(self.reach(last));
        }
        found.has_more = page.more || self.has_passed;
        for (key, versioned) in page.items {
            if let (Some((number, version)), Some(change)) =
                (keys::read_change(&self.prefix, &key), ChangeRecord::decode(&versioned.value))
            {
                self.seen = self.seen.max(version);
                found.changes.push((number, change));
            }
            self.followed.writes.push(Write { key, value: None, condition: None });
        }
        Some(found)
    }

    /// Where the sweep goes on that has come to this key: behind it, or with the next table.
    fn reach(&mut self, last: &Bytes) -> Bytes {
        let Some((number, _)) = keys::read_change(&self.prefix, last) else { return last.clone() };
        let rounds = if self.turn.0 == number { self.turn.1 + 1 } else { 1 };
        self.turn = (number, rounds);
        if rounds < MAX_TABLE_ROUNDS {
            return last.clone();
        }
        self.has_passed = true;
        // No change stands there: each has a version behind.
        [&self.prefix[..], &keys::changes_of(number.saturating_add(1))].concat().into()
    }
}

pub(super) async fn run<S: Storage>(tables: Tables<S>, sleeper: Rc<impl Sleeper>) {
    let following = pin!(follow_all(&tables, &*sleeper));
    let ticking = pin!(async {
        loop {
            sleeper.sleep(TICK).await;
            tables.behind().tick();
        }
    });
    select(following, ticking).await;
    // Nobody is to wait for what does not go on.
    tables.behind().set(false);
}

async fn follow_all<S: Storage>(tables: &Tables<S>, sleeper: &impl Sleeper) {
    let mut feeds: Vec<Feed> = tables.storage().feeds().into_iter().map(Feed::new).collect();
    loop {
        let Some(followed) = follow(tables, &mut feeds, sleeper).await else { return };
        let filled = persist(sleeper, async || backfill(tables).await);
        let Some(filled) = filled.await else { return };
        if followed || filled {
            continue;
        }
        let storage = tables.storage();
        let waits = feeds.iter().map(|feed| Box::pin(storage.appended(&feed.prefix, feed.seen)));
        let awaited = at_most(sleeper, LOOK, select_all(waits)).await;
        match awaited.map(|(appended, place, _)| (appended, place)) {
            Some((Err(StorageError::Closed), _)) => return,
            Some((Err(_), _)) => sleeper.sleep(LOOK).await,
            Some((Ok(version), place)) => feeds[place].seen = version,
            None => {}
        }
    }
}

/// Follows some changes of each feed; whether there were any, and `None` once the storage is closed.
async fn follow<S: Storage>(
    tables: &Tables<S>,
    feeds: &mut [Feed],
    sleeper: &impl Sleeper,
) -> Option<bool> {
    let found = join_all(feeds.iter_mut().map(|feed| feed.read(tables, sleeper))).await;
    let found = found.into_iter().collect::<Option<Vec<Found>>>()?;
    let is_behind = found.iter().any(|found| found.has_more);
    tables.behind().set(is_behind);
    if canary::sings(Canary::FollowAfterwards) {
        for feed in feeds.iter() {
            take_away(tables, &feed.followed, sleeper).await?;
        }
    }
    let (mut changes, mut written_ms, mut earlier) = (Changes::new(), Vec::new(), Vec::new());
    for found in found {
        earlier.push(found.followed);
        for (number, change) in found.changes {
            written_ms.push(change.written_ms);
            changes.entry((number, change.key)).or_default().push(change.before);
        }
    }
    let all = tables.catalog().all();
    let following = changes.iter().filter_map(|((number, key), befores)| {
        let table = all.numbered(*number)?;
        // Each to its end: what was begun and left might be done after what follows it.
        Some(persist(sleeper, async move || {
            match settle(tables, table, key, befores).await {
                // Others are not to wait for an entry that is never taken.
                Err(StorageError::Refused(_)) => {
                    tables.lag().note_refused();
                    Ok(())
                }
                settled => settled,
            }
        }))
    });
    let indexes =
        changes.keys().filter_map(|(number, _)| Some(all.numbered(*number)?.globals.len()));
    let together = MAX_FOLLOWED_TOGETHER / (2 * indexes.max().unwrap_or(1).max(1));
    let settled = stream::iter(following).buffer_unordered(together.max(1)).collect();
    let taken = join_all(earlier.iter().map(|batch| take_away(tables, batch, sleeper)));
    let (settled, taken): (Vec<Option<()>>, _) = join(settled, taken).await;
    settled.into_iter().chain(taken).collect::<Option<Vec<()>>>()?;
    let now_ms = tables.now_ms();
    for written_ms in &written_ms {
        tables.lag().note(now_ms.saturating_sub(*written_ms));
    }
    Some(is_behind || feeds.iter().any(|feed| !feed.followed.writes.is_empty()))
}

/// Takes changes that were followed from their feed.
async fn take_away<S: Storage>(
    tables: &Tables<S>,
    followed: &WriteBatch,
    sleeper: &impl Sleeper,
) -> Option<()> {
    if followed.writes.is_empty() {
        return Some(());
    }
    persist(sleeper, async || tables.storage().write(followed.clone()).await.map(|_| ())).await
}

/// Makes the entries of an item what they should be; `befores` is what it was.
async fn settle<S: Storage>(
    tables: &Tables<S>,
    table: &Table,
    key: &Bytes,
    befores: &[Bytes],
) -> Result<(), StorageError> {
    let now = tables.stored(key).await?.map(|found| read(&found)).transpose()?;
    let befores: Result<Vec<Item>, StorageError> =
        befores.iter().filter(|before| !before.is_empty()).map(|before| read(before)).collect();
    let befores = befores?;
    let mut batches: Vec<WriteBatch> = Vec::new();
    for index in table.globals.iter().filter(|index| index.status != TableStatus::Deleting) {
        let entry = now.as_ref().and_then(|item| entry(table, index, item));
        let mut gone: Vec<Bytes> = Vec::new();
        for before in &befores {
            let before = Source::Global(index).key_of(table, before);
            let is_other = before != entry.as_ref().map(|(key, _)| key.clone());
            gone.extend(before.filter(|before| is_other && !gone.contains(before)));
        }
        let put = entry.map(|(key, value)| WriteBatch::put(key, value));
        batches.extend(gone.into_iter().map(WriteBatch::delete).chain(put));
    }
    // All to their ends, see above.
    let written = join_all(batches.into_iter().map(|batch| tables.storage().write(batch))).await;
    let mut errors: Vec<StorageError> = written.into_iter().filter_map(Result::err).collect();
    // What is never taken is told only if all else was: for that there is another attempt.
    errors.sort_by_key(|error| matches!(error, StorageError::Refused(_)));
    errors.into_iter().next().map_or(Ok(()), Err)
}

/// An item's entry in an index, if it has one.
fn entry(table: &Table, index: &GlobalIndex, item: &Item) -> Option<(Bytes, Bytes)> {
    let key = Source::Global(index).key_of(table, item)?;
    Some((key, stored::encode(&index.projection.apply(item))))
}

fn read(bytes: &[u8]) -> Result<Item, StorageError> {
    codec::decode(bytes).map_err(|malformed| {
        StorageError::Fault(format!("a stored item cannot be read: {malformed}"))
    })
}

/// Makes entries of items that were there before an index, a page at a time; whether there were any to be
/// made.
async fn backfill<S: Storage>(tables: &Tables<S>) -> Result<bool, StorageError> {
    let all = tables.catalog().all();
    let wanting = all.by_name().values().find(|table| {
        let mut globals = table.record.global_indexes.iter();
        table.serves() && globals.any(is_to_be_filled)
    });
    let Some(table) = wanting.map(Arc::clone) else { return Ok(false) };
    drop(all);
    let (name, number) = (table.name().to_owned(), table.record.number);
    let record = table.record.global_indexes.iter().position(is_to_be_filled);
    let Some(index) = record.and_then(|place| table.globals.get(place)) else { return Ok(false) };
    let done = fill_page(tables, &table, index).await?;
    let index_name = index.name.clone();
    drop(table);
    let change = |record: TableRecord, _| progress(record, number, &index_name, done.as_ref());
    match tables.catalog().change(&name, 0, change).await {
        Err(crate::catalog::ChangeError::Storage(error)) => Err(error),
        _ => Ok(true),
    }
}

fn is_to_be_filled(index: &GlobalIndexRecord) -> bool {
    index.is_backfilling && index.is_spread && index.status == TableStatus::Creating
}

/// Fills one page; where the next begins, if there is more.
async fn fill_page<S: Storage>(
    tables: &Tables<S>,
    table: &Table,
    index: &GlobalIndex,
) -> Result<Option<Bytes>, StorageError> {
    let record = table.record.global_indexes.iter().find(|record| record.name == index.name);
    let reached = record.map(|record| record.filled_to.clone()).unwrap_or_default();
    let start = if reached.is_empty() {
        Bound::Included(Bytes::copy_from_slice(table.prefix()))
    } else {
        Bound::Excluded(reached.into())
    };
    let page = tables.storage().scan(page_of(table.prefix(), start)).await?;
    let last = page.items.last().map(|(key, _)| key.clone());
    let mut puts = Vec::new();
    for (key, versioned) in page.items {
        if table.is_item(&key)
            && let Some(value) = tables.visible(&key, versioned.value).await?
            && let Some((key, value)) = entry(table, index, &read(&value)?)
        {
            puts.push(tables.storage().write(WriteBatch::put(key, value)));
        }
    }
    try_join_all(puts).await?;
    Ok(last.filter(|_| page.more))
}

/// Keeps how far a backfill has come.
fn progress(
    mut record: TableRecord,
    number: u32,
    index: &str,
    filled_to: Option<&Bytes>,
) -> Result<Option<TableRecord>, ApiError> {
    let indexes = record.global_indexes.iter_mut();
    let index = indexes.into_iter().find(|known| known.name == index && known.is_backfilling);
    let Some(index) = index.filter(|_| record.number == number) else {
        return Err(ApiError::internal("the index went while it was filled"));
    };
    match filled_to {
        Some(key) => index.filled_to = key.to_vec(),
        None => {
            index.is_backfilling = false;
            index.filled_to.clear();
            if index.status == TableStatus::Creating {
                index.status = TableStatus::Active;
            }
        }
    }
    Ok(Some(record))
}
