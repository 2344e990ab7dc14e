//! The phases of a transaction: its items are held, the ledger decides, and the items become what they will
//! be, or what they were. Not which items: see the operations.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::Item;
use flywheel_shard::canary::{self, Canary};
use flywheel_shard::{Change, Condition, Write as StorageWrite, WriteBatch, WriteOutcome};
use futures_util::stream::{self, StreamExt};

use super::TransactionName;
use super::active::Carrying;
use super::held::Held;
use super::ledger::{Place, Record};
use crate::change::{Changed, Verdict, Write, apply};
use crate::keys;
use crate::limits::MAX_BATCH_IN_FLIGHT;
use crate::storage::{Storage, StorageError};
use crate::tables::Tables;

impl<S: Storage> Tables<S> {
    /// Holds all items at once; what became of each.
    pub(crate) async fn hold_all<D>(
        &self,
        carrying: &Carrying,
        writes: Vec<Write<D>>,
    ) -> Vec<Result<Changed, ApiError>>
    where
        D: FnOnce(Option<&Item>) -> Result<Verdict, ApiError> + Send + 'static,
    {
        let name = Some(carrying.name());
        let held = writes.into_iter().map(|write| self.change_as(write, name));
        stream::iter(held).buffered(MAX_BATCH_IN_FLIGHT).collect().await
    }

    /// Has the ledger call a transaction committed, if what stands there is as `condition` says; whether it
    /// does. After an error nobody knows, and whoever finds the items asks the ledger.
    pub(crate) async fn commit(
        &self,
        carrying: &Carrying,
        record: &Record,
        condition: Condition,
    ) -> Result<bool, StorageError> {
        if canary::sings(Canary::CommitUnrecorded) {
            carrying.committed();
            return Ok(true);
        }
        let key = keys::ledger_record(&carrying.name());
        let put = StorageWrite { key, value: Some(record.encode()), condition: Some(condition) };
        let outcome = self.storage().write(WriteBatch { writes: vec![put] }).await?;
        let is_committed = matches!(outcome, WriteOutcome::Applied { .. });
        if is_committed {
            carrying.committed();
        }
        Ok(is_committed)
    }

    /// Makes of all items of a committed transaction what they will be.
    pub(crate) async fn apply_all(
        &self,
        name: TransactionName,
        places: &[Place],
    ) -> Result<(), StorageError> {
        let applied = places.iter().map(|place| self.apply_held(&place.key, name));
        let applied: Vec<_> = stream::iter(applied).buffered(MAX_BATCH_IN_FLIGHT).collect().await;
        applied.into_iter().collect()
    }

    /// Makes of all items that a transaction may hold what they were.
    pub(crate) async fn take_all_back(
        &self,
        name: TransactionName,
        keys: &[Bytes],
    ) -> Result<(), StorageError> {
        let taken = keys.iter().map(|key| self.take_back(key, name));
        let taken: Vec<_> = stream::iter(taken).buffered(MAX_BATCH_IN_FLIGHT).collect().await;
        taken.into_iter().collect()
    }

    /// Makes of an item what it will be, if that transaction holds it.
    pub(super) async fn apply_held(
        &self,
        key: &Bytes,
        name: TransactionName,
    ) -> Result<(), StorageError> {
        let table = keys::table_number(key).and_then(|number| self.catalog().numbered(number));
        let (now_ms, place) = (self.now_ms(), key.clone());
        let active = Arc::clone(self.transactions());
        let fault: Arc<OnceLock<ApiError>> = Arc::default();
        let told = Arc::clone(&fault);
        let change = move |current: Option<&Bytes>| {
            let Some(held) = current.and_then(Held::decode).filter(|held| held.by == name) else {
                return Change::Keep;
            };
            // Of a table that is gone by now nothing is kept.
            let Some(table) = table else { return Change::Delete };
            active.count_turn(&place);
            apply(&table, &place, &held, now_ms).unwrap_or_else(|error| {
                // It stays held, and the ledger's record with it.
                let _ = told.set(error);
                Change::Keep
            })
        };
        self.storage().modify(0, key.clone(), Box::new(change)).await?;
        match fault.get() {
            Some(error) => Err(StorageError::Refused(error.to_string())),
            None => Ok(()),
        }
    }

    /// Makes of an item what it was, if that transaction holds it.
    pub(super) async fn take_back(
        &self,
        key: &Bytes,
        name: TransactionName,
    ) -> Result<(), StorageError> {
        let (active, place) = (Arc::clone(self.transactions()), key.clone());
        let change = move |current: Option<&Bytes>| {
            let held = current.and_then(Held::decode).filter(|held| held.by == name);
            let Some(held) = held else { return Change::Keep };
            active.count_turn(&place);
            held.aborted().map_or(Change::Delete, Change::Put)
        };
        self.storage().modify(0, key.clone(), Box::new(change)).await.map(|_| ())
    }
}
