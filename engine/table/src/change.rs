//! A write to one item, however it was asked for: what is there is decided upon where it stands, and the
//! item, the entries of its local indexes and what followers must learn change together. Not what is
//! decided: that is the operation's.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::{Item, item_size_bytes};
use flywheel_shard::{Change, Effect};

use crate::capacity::IndexPlace;
use crate::keys;
use crate::storage::Storage;
use crate::stored::{self, ChangeRecord};
use crate::table::{Source, Table};
use crate::tables::Tables;

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
    /// Whether `decide` looks at what is there.
    pub looks: bool,
    /// Makes of what is there, if it looks, what will be there. Runs where the item stands.
    pub decide: D,
}

impl<S: Storage> Tables<S> {
    /// Does a write; on return it is durable, or nothing happened.
    pub(crate) async fn change<D>(&self, write: Write<D>) -> Result<Changed, ApiError>
    where
        D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError> + Send + 'static,
    {
        let outcome: Arc<Mutex<Option<Result<Changed, ApiError>>>> = Arc::default();
        let told = Arc::clone(&outcome);
        let now_ms = self.now_ms();
        let key = write.key.clone();
        let change = move |current: Option<&Bytes>| {
            let (change, result) = match write.run(Before(current), now_ms) {
                Ok((change, changed)) => (change, Ok(changed)),
                Err(error) => (Change::Keep, Err(error)),
            };
            *told.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(result);
            change
        };
        self.storage().modify(key, Box::new(change)).await?;
        let result = outcome.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        result.unwrap_or_else(|| Err(ApiError::internal("the storage did not look at the item")))
    }
}

impl<D> Write<D>
where
    D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError>,
{
    fn run(self, before: Before<'_>, now_ms: u64) -> Result<(Change, Changed), ApiError> {
        let Self { table, key, looks, decide } = self;
        let looks = looks || table.looks_at_changes();
        let item = if looks { before.item()? } else { None };
        let before_bytes = before.size_bytes()?;
        let (own, after) = match decide(item.as_ref())? {
            Verdict::Keep => {
                // A write that leaves an item as it is counts as one that writes it anew.
                let changed = Changed {
                    after: item.clone(),
                    after_bytes: before_bytes,
                    before: item,
                    before_bytes,
                    ..Changed::default()
                };
                return Ok((Change::Keep, changed));
            }
            Verdict::Put(after) => (Change::Put(stored::encode(&after)), Some(after)),
            Verdict::Delete if before.0.is_none() => (Change::Keep, None),
            Verdict::Delete => (Change::Delete, None),
        };
        let mut changed = Changed {
            after_bytes: after.as_ref().map_or(0, item_size_bytes),
            before: item,
            after,
            before_bytes,
            entries: Vec::new(),
        };
        let mut others = Vec::new();
        changed.change_locals(&table, &mut others);
        if changed.concerns_globals(&table) {
            let record = ChangeRecord {
                written_ms: now_ms,
                key: key.clone(),
                before: before.0.cloned().unwrap_or_default(),
            };
            let stem = keys::changes_of(table.record.number);
            others.push(Effect::Append { stem, value: record.encode() });
        }
        if let Some(seconds) = changed.new_ending(&table) {
            let stem = keys::ending_at(seconds, table.record.number);
            others.push(Effect::Append { stem, value: key.clone() });
        }
        Ok((together(key, own, others), changed))
    }
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
