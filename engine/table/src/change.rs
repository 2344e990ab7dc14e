//! A write to one item, however it was asked for: what is there is decided upon where it stands, and the
//! item, the entries of its local indexes and what followers must learn change together. Not what is
//! decided: that is the operation's.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flywheel_api::{ApiError, ErrorCode};
use flywheel_capacity::units::write_units;
use flywheel_item::{Item, item_size_bytes};
use flywheel_shard::{Change, Effect};

use crate::capacity::IndexPlace;
use crate::keys;
use crate::limits::MAX_ENDING_AHEAD_MS;
use crate::storage::Storage;
use crate::stored::{self, ChangeRecord};
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::throughput::permit::Spot;
use crate::transaction::TransactionName;
use crate::transaction::held::{Fate, Held};
use crate::wording;

/// What becomes of an item.
#[derive(Debug)]
pub(crate) enum Verdict {
    Put(Item),
    Delete,
    /// As it is, and nothing is written.
    Keep,
}

/// What became of an item.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// What was there; `None` also where nobody looked.
    pub before: Option<Item>,
    pub after: Option<Item>,
    pub before_bytes: usize,
    pub after_bytes: usize,
    /// Entries of indexes that changed, or will.
    pub entries: Vec<EntryChange>,
}

/// A change of one item's entry in one index, in bytes of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryChange {
    pub index: IndexPlace,
    /// Of the entry that goes, if one goes.
    pub removed_bytes: Option<usize>,
    /// Of the entry that comes or is replaced, the larger of both.
    pub written_bytes: Option<usize>,
}

/// What an item is before a write, to be read as far as is needed.
pub(crate) struct Before<'a>(Option<&'a Bytes>);

impl Before<'_> {
    pub fn item(&self) -> Result<Option<Item>, ApiError> {
        self.0.map(|bytes| stored::decode(bytes)).transpose()
    }

    fn size_bytes(&self) -> Result<usize, ApiError> {
        self.0.map_or(Ok(0), |bytes| stored::size_bytes(bytes))
    }
}

/// An item that is about to be written.
pub(crate) struct Write<D> {
    pub table: Arc<Table>,
    pub key: Bytes,
    /// Bytes of the item, or of what changes it, that the request brought.
    pub brings_bytes: usize,
    /// Whether `decide` looks at what is there.
    pub looks: bool,
    /// Makes of what is there, if it looks, what will be there. Runs where the item stands.
    pub decide: D,
}

/// What became of an attempt at a write.
enum Attempt<D> {
    Done(Changed),
    /// The item is held by a transaction that nobody carries out: the write comes back, to be tried again.
    Left(Write<D>, Held),
}

/// Where the core that owns the item leaves what became of an attempt.
type Outcome<D> = Arc<Mutex<Option<Result<Attempt<D>, ApiError>>>>;

impl<S: Storage> Tables<S> {
    /// Does a write that a request asks for, and accounts it; on return it is durable, or nothing happened.
    pub(crate) async fn change<D>(&self, write: Write<D>) -> Result<Changed, ApiError>
    where
        D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError> + Send + 'static,
    {
        self.caught_up(&write.table, write.brings_bytes).await?;
        let table = Arc::clone(&write.table);
        let brings_bytes = write.brings_bytes;
        let permit = self.reserve_write(&table, Some(Spot::item(&write.key)))?;
        let changed = self.change_as(write, None).await;
        match &changed {
            Ok(changed) => permit.settle(&changed.units(&table)),
            Err(error) if error.code == ErrorCode::ConditionalCheckFailed => {
                permit.settle_refused(write_units(brings_bytes));
            }
            Err(_) => {}
        }
        changed
    }

    /// Waits while the table's global indexes are behind.
    ///
    /// # Errors
    /// `ThrottlingException`, if that takes too long.
    pub(crate) async fn caught_up(
        &self,
        table: &Table,
        brings_bytes: usize,
    ) -> Result<(), ApiError> {
        if table.globals.is_empty() || self.behind().caught_up(brings_bytes).await {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::Throttling, wording::INDEX_BEHIND))
    }

    /// Does a write, or with the name of a transaction holds the item for it.
    pub(crate) async fn change_as<D>(
        &self,
        mut write: Write<D>,
        holder: Option<TransactionName>,
    ) -> Result<Changed, ApiError>
    where
        D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError> + Send + 'static,
    {
        loop {
            match self.attempt(write, holder).await? {
                Attempt::Done(changed) => return Ok(changed),
                Attempt::Left(back, held) => {
                    self.settle(&back.key, &held).await?;
                    write = back;
                }
            }
        }
    }

    async fn attempt<D>(
        &self,
        write: Write<D>,
        holder: Option<TransactionName>,
    ) -> Result<Attempt<D>, ApiError>
    where
        D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError> + Send + 'static,
    {
        let outcome: Outcome<D> = Arc::default();
        let told = Arc::clone(&outcome);
        let (now_ms, active) = (self.now_ms(), Arc::clone(self.transactions()));
        let (key, brings_bytes) = (write.key.clone(), write.brings_bytes);
        let place = key.clone();
        let change = move |current: Option<&Bytes>| {
            let (change, result) = match current.and_then(Held::decode) {
                None => match write.run(Before(current), holder, now_ms) {
                    Ok((change, changed)) => {
                        if current.is_none() != matches!(change, Change::Delete | Change::Keep) {
                            active.count_turn(&place);
                        }
                        (change, Ok(Attempt::Done(changed)))
                    }
                    Err(error) => (Change::Keep, Err(error)),
                },
                Some(held) if active.stage(&held.by).is_none() => {
                    (Change::Keep, Ok(Attempt::Left(write, held)))
                }
                Some(_) => (Change::Keep, Err(conflict())),
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            change
        };
        self.storage().modify(brings_bytes, key, Box::new(change)).await?;
        let result = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.unwrap_or_else(|| Err(ApiError::internal("the storage did not look at the item")))
    }
}

/// What is told of an item that a transaction holds.
fn conflict() -> ApiError {
    ApiError::new(ErrorCode::TransactionConflict, wording::TRANSACTION_ONGOING)
}

impl<D> Write<D>
where
    D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError>,
{
    fn run(
        self,
        before: Before<'_>,
        holder: Option<TransactionName>,
        now_ms: u64,
    ) -> Result<(Change, Changed), ApiError> {
        let Self { table, key, looks, decide, .. } = self;
        let looks = looks || table.looks_at_changes();
        let item = if looks { before.item()? } else { None };
        let before_bytes = before.size_bytes()?;
        let verdict = decide(item.as_ref())?;
        let after = match verdict {
            Verdict::Keep => {
                // A write that leaves an item as it is counts as one that writes it anew.
                let changed = Changed {
                    after: item.clone(),
                    after_bytes: before_bytes,
                    before: item,
                    before_bytes,
                    ..Changed::default()
                };
                let change = match holder {
                    Some(by) => hold(by, before.0, Fate::Stays),
                    None => Change::Keep,
                };
                return Ok((change, changed));
            }
            Verdict::Put(after) => Some(after),
            Verdict::Delete => None,
        };
        let stored_after = after.as_ref().map(stored::encode);
        let mut changed = Changed {
            after_bytes: after.as_ref().map_or(0, item_size_bytes),
            before: item,
            after,
            before_bytes,
            entries: Vec::new(),
        };
        let others = changed.effects(&table, &key, before.0, now_ms);
        let change = match (holder, stored_after) {
            (Some(by), Some(after)) => hold(by, before.0, Fate::Becomes(after)),
            (Some(by), None) => hold(by, before.0, Fate::Goes),
            (None, Some(after)) => together(key, Change::Put(after), others),
            (None, None) if before.0.is_none() => Change::Keep,
            (None, None) => together(key, Change::Delete, others),
        };
        Ok((change, changed))
    }
}

/// The item in the hands of a transaction.
fn hold(by: TransactionName, before: Option<&Bytes>, fate: Fate) -> Change {
    let before = before.cloned().unwrap_or_default();
    Change::Put(Held { by, before, fate }.encode())
}

/// What a held item becomes for good, with all that belongs to it.
pub(crate) fn apply(
    table: &Table,
    key: &Bytes,
    held: &Held,
    now_ms: u64,
) -> Result<Change, ApiError> {
    let own = held.committed().map_or(Change::Delete, Change::Put);
    if held.fate == Fate::Stays || !table.looks_at_changes() {
        return Ok(own);
    }
    let (before, after) = (held.aborted(), held.committed());
    let read = |stored: &Option<Bytes>| stored.as_ref().map(|it| stored::decode(it)).transpose();
    let mut changed =
        Changed { before: read(&before)?, after: read(&after)?, ..Changed::default() };
    let others = changed.effects(table, key, before.as_ref(), now_ms);
    Ok(together(key.clone(), own, others))
}

/// One change, and others with it.
fn together(key: Bytes, own: Change, mut others: Vec<Effect>) -> Change {
    if others.is_empty() {
        return own;
    }
    match own {
        Change::Put(value) => others.push(Effect::Put { key, value }),
        Change::Delete => others.push(Effect::Delete { key }),
        Change::Keep | Change::Several(_) => {}
    }
    Change::Several(others)
}

impl Changed {
    /// What changes with the item: entries of local indexes, and what followers must learn.
    fn effects(
        &mut self,
        table: &Table,
        key: &Bytes,
        before: Option<&Bytes>,
        now_ms: u64,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.change_locals(table, &mut effects);
        if self.concerns_globals(table) {
            let record = ChangeRecord {
                written_ms: now_ms,
                key: key.clone(),
                before: before.cloned().unwrap_or_default(),
            };
            let stem = keys::changes_of(table.record.number);
            effects.push(Effect::Append { stem, value: record.encode() });
        }
        // What ends later is found by a sweep: written anew again and again it would pile up until then.
        let noted_to = (now_ms + MAX_ENDING_AHEAD_MS) / 1000;
        if let Some(seconds) = self.new_ending(table).filter(|seconds| *seconds <= noted_to) {
            let stem = keys::ending_at(seconds, table.record.number);
            effects.push(Effect::Append { stem, value: key.clone() });
        }
        effects
    }

    fn change_locals(&mut self, table: &Table, effects: &mut Vec<Effect>) {
        for (place, index) in table.locals.iter().enumerate() {
            let Some(change) = self.entry_change(table, Source::Local(index)) else { continue };
            self.entries.push(change.told(IndexPlace::Local(place)));
            if let Some((key, _)) = change.removed {
                effects.push(Effect::Delete { key });
            }
            if let Some((key, item)) = change.written {
                effects.push(Effect::Put { key, value: stored::encode(&item) });
            }
        }
    }

    /// Whether entries of global indexes have to change.
    fn concerns_globals(&mut self, table: &Table) -> bool {
        let before = self.entries.len();
        for (place, index) in table.globals.iter().enumerate() {
            if let Some(change) = self.entry_change(table, Source::Global(index)) {
                self.entries.push(change.told(IndexPlace::Global(place)));
            }
        }
        self.entries.len() > before
    }

    /// The second at which the item ends by now and did not before.
    fn new_ending(&self, table: &Table) -> Option<u64> {
        let ending = table.ending_of(self.after.as_ref()?)?;
        let before = self.before.as_ref().and_then(|before| table.ending_of(before));
        (before != Some(ending)).then_some(ending)
    }

    /// What becomes of the item's entry in an index; `None` if it stays as it is.
    fn entry_change(&self, table: &Table, index: Source<'_>) -> Option<Entries> {
        let held = |item: &Option<Item>| {
            let item = item.as_ref()?;
            let held = index.projection().map_or_else(|| item.clone(), |held| held.apply(item));
            Some((index.key_of(table, item)?, held))
        };
        let (old, new) = (held(&self.before), held(&self.after));
        if old == new {
            return None;
        }
        let stays = matches!((&old, &new), (Some((old, _)), Some((new, _))) if old == new);
        let replaced_bytes = old.as_ref().filter(|_| stays).map(|(_, item)| item_size_bytes(item));
        Some(Entries { removed: old.filter(|_| !stays), replaced_bytes, written: new })
    }
}

/// Entries of one item in one index that go and come.
struct Entries {
    removed: Option<(Bytes, Item)>,
    /// Of what stood under the same key.
    replaced_bytes: Option<usize>,
    written: Option<(Bytes, Item)>,
}

impl Entries {
    fn told(&self, index: IndexPlace) -> EntryChange {
        let size =
            |entry: &Option<(Bytes, Item)>| entry.as_ref().map(|(_, item)| item_size_bytes(item));
        let written_bytes = size(&self.written).max(self.replaced_bytes);
        EntryChange { index, removed_bytes: size(&self.removed), written_bytes }
    }
}
