//! A write to one item, however it was asked for: what is there is decided upon where it stands, and the
//! item, the entries of its local indexes and what followers must learn change together. Not what is
//! decided: that is the operation's.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::{Item, codec};
use flywheel_shard::{Change, Effect};

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
    /// Write units of each local index that changed, by its place in the table's list.
    pub local_entries: Vec<EntryChange>,
}

/// A change of one item's entry in one index, in bytes of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryChange {
    pub index: usize,
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
        let size = self.0.map(|bytes| codec::size_bytes(bytes)).transpose();
        size.map(Option::unwrap_or_default).map_err(|malformed| stored::unreadable(&malformed))
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
        let looks = looks || !table.locals.is_empty() || table.is_followed();
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
            Verdict::Put(after) => (Change::Put(codec::encode(&after).into()), Some(after)),
            Verdict::Delete if before.0.is_none() => (Change::Keep, None),
            Verdict::Delete => (Change::Delete, None),
        };
        let mut changed = Changed {
            after_bytes: after.as_ref().map_or(0, flywheel_item::item_size_bytes),
            before: item,
            after,
            before_bytes,
            local_entries: Vec::new(),
        };
        let mut others = Vec::new();
        changed.change_locals(&table, &mut others);
        if table.is_followed() && changed.concerns_followers(&table) {
            let record = ChangeRecord {
                written_ms: now_ms,
                key: key.clone(),
                before: before.0.cloned().unwrap_or_default(),
            };
            let stem = Bytes::copy_from_slice(table.prefix());
            others.push(Effect::Append { stem, value: record.encode() });
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
            let source = Source::Local(index);
            let held = |item: &Option<Item>| {
                let item = item.as_ref()?;
                Some((source.key_of(table, item)?, index.projection.apply(item)))
            };
            let (old, new) = (held(&self.before), held(&self.after));
            if old == new {
                continue;
            }
            let size = |entry: &Option<(Bytes, Item)>| {
                entry.as_ref().map(|(_, item)| flywheel_item::item_size_bytes(item))
            };
            let (old_bytes, new_bytes) = (size(&old), size(&new));
            let stays = matches!((&old, &new), (Some((old, _)), Some((new, _))) if old == new);
            let removed_bytes = if stays { None } else { old_bytes };
            let written_bytes = if stays { new_bytes.max(old_bytes) } else { new_bytes };
            if let Some((key, _)) = old
                && !stays
            {
                effects.push(Effect::Delete { key });
            }
            if let Some((key, item)) = new {
                effects.push(Effect::Put { key, value: codec::encode(&item).into() });
            }
            self.local_entries.push(EntryChange { index: place, removed_bytes, written_bytes });
        }
    }

    /// Whether an entry of a global index has to change.
    fn concerns_followers(&self, table: &Table) -> bool {
        table.globals.iter().any(|index| {
            let held = |item: &Option<Item>| {
                let item = item.as_ref()?;
                let key = Source::Global(index).key_of(table, item)?;
                Some((key, index.projection.apply(item)))
            };
            held(&self.before) != held(&self.after)
        })
    }
}
