//! BatchWriteItem: puts and deletes in several tables, each for itself. All are checked before any is done;
//! what the storage has no time for comes back as unprocessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flywheel_api::{
    ApiError, BatchWriteItemRequest, BatchWriteItemResponse, DeleteRequest, ErrorCode,
    ItemCollectionMetrics, Operation, PutRequest, WriteRequest,
};
use flywheel_item::{Invalid, Item, check_item, item_size_bytes};
use futures_util::stream::{self, StreamExt};

use crate::capacity::Units;
use crate::change::{Changed, Verdict, Write};
use crate::item_key::KeyTypeFault;
use crate::limits::MAX_BATCH_IN_FLIGHT;
use crate::parameters;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::wording;
use crate::words::Words;
use crate::write;

/// One write of a batch.
enum Action {
    Put(Item),
    /// Of the item with this key.
    Delete(Item),
}

/// A write that is sound, and whose it is.
struct Planned {
    name: String,
    table: Arc<Table>,
    action: Action,
}

/// What became of a write: it was done, or comes back.
type Acted = Result<Changed, (WriteRequest, ApiError)>;

impl<S: Storage> Tables<S> {
    /// BatchWriteItem.
    ///
    /// # Errors
    /// DynamoDB's. After a fault of the storage some of the writes may have been done.
    pub async fn batch_write_item(
        &self,
        request: BatchWriteItemRequest,
    ) -> Result<BatchWriteItemResponse, ApiError> {
        let words = self.check(Operation::BatchWriteItem, &request)?;
        let mut read = Vec::new();
        for (name, writes) in request.request_items.unwrap_or_default() {
            for write in writes {
                read.push((name.clone(), action(words, write)?));
            }
        }
        let planned = self.plan(words, read)?;
        let metrics = request.return_item_collection_metrics.as_deref();
        let mut collections: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
        for write in &planned {
            let told = write::collection(&write.table, write.action.item(), metrics);
            if let Some(told) = told {
                let known = collections.entry(write.name.clone()).or_default();
                if !known.contains(&told) {
                    known.push(told);
                }
            }
        }
        let writes = planned.into_iter().map(|write| self.act(write));
        let done: Vec<_> = stream::iter(writes).buffered(MAX_BATCH_IN_FLIGHT).collect().await;
        let mut units: BTreeMap<String, (Arc<Table>, Units)> = BTreeMap::new();
        let mut unprocessed: BTreeMap<String, Vec<WriteRequest>> = BTreeMap::new();
        let mut throttled = None;
        for (name, table, outcome) in done {
            match outcome? {
                Ok(changed) => {
                    let (_, known) = units.entry(name).or_insert((table.clone(), Units::default()));
                    known.add(&changed.units(&table));
                }
                Err((back, why)) => {
                    unprocessed.entry(name).or_default().push(back);
                    throttled = throttled.or(Some(why).filter(|why| !why.throttling.is_empty()));
                }
            }
        }
        // Nothing of it was done: as of a request for one item.
        if let Some(why) = throttled.filter(|_| units.is_empty()) {
            return Err(why);
        }
        let mode = request.return_consumed_capacity.as_deref();
        let told: Vec<_> =
            units.values().filter_map(|(table, units)| units.told(mode, table.name())).collect();
        Ok(BatchWriteItemResponse {
            consumed_capacity: (!told.is_empty()).then_some(told),
            item_collection_metrics: (!collections.is_empty()).then_some(collections),
            unprocessed_items: Some(unprocessed),
        })
    }

    /// Looks up the tables and checks the writes against them and against each other.
    fn plan(&self, words: Words, read: Vec<(String, Action)>) -> Result<Vec<Planned>, ApiError> {
        let mut planned = Vec::with_capacity(read.len());
        let mut places = BTreeSet::new();
        for (name, action) in read {
            let table = self.serving(Some(&name))?;
            match &action {
                Action::Put(item) => table.check_item(words, item, KeyTypeFault::Unnamed)?,
                Action::Delete(key) => table.check_key(words, key)?,
            }
            if !places.insert(table.item_key(action.item())) {
                return Err(words.refuse(wording::DUPLICATE_KEYS));
            }
            planned.push(Planned { name, table, action });
        }
        Ok(planned)
    }

    /// Does a write; the inner error is the write itself, and why there was no time or no capacity for it.
    async fn act(&self, write: Planned) -> (String, Arc<Table>, Result<Acted, ApiError>) {
        let Planned { name, table, action } = write;
        let back = action.clone_sent();
        let changed = self.change(Write {
            key: table.item_key(action.item()),
            table: Arc::clone(&table),
            brings_bytes: match &action {
                Action::Put(item) => item_size_bytes(item),
                Action::Delete(_) => 0,
            },
            looks: false,
            decide: move |_: Option<&Item>| {
                Ok(match action {
                    Action::Put(item) => Verdict::Put(item),
                    Action::Delete(_) => Verdict::Delete,
                })
            },
        });
        let outcome = match changed.await {
            Ok(changed) => Ok(Ok(changed)),
            // A batch knows no conflicts: the write comes back, to be tried again.
            Err(error) => match error.code {
                ErrorCode::Throttling
                | ErrorCode::ProvisionedThroughputExceeded
                | ErrorCode::RequestLimitExceeded
                | ErrorCode::TransactionConflict => Ok(Err((back, error))),
                _ => Err(error),
            },
        };
        (name, table, outcome)
    }
}

impl Action {
    fn item(&self) -> &Item {
        match self {
            Self::Put(item) | Self::Delete(item) => item,
        }
    }

    fn clone_sent(&self) -> WriteRequest {
        match self {
            Self::Put(item) => WriteRequest {
                put_request: Some(PutRequest { item: Some(item.clone().into()) }),
                delete_request: None,
            },
            Self::Delete(key) => WriteRequest {
                put_request: None,
                delete_request: Some(DeleteRequest { key: Some(key.clone().into()) }),
            },
        }
    }
}

/// A write as it was sent: exactly one of both kinds.
fn action(words: Words, write: WriteRequest) -> Result<Action, ApiError> {
    match (write.put_request, write.delete_request) {
        (Some(put), None) => {
            let item = parameters::sound(words, put.item.unwrap_or_default())?;
            check_item(&item).map_err(|invalid| write::of_item(words, &invalid))?;
            Ok(Action::Put(item))
        }
        (None, Some(delete)) => {
            Ok(Action::Delete(parameters::sound(words, delete.key.unwrap_or_default())?))
        }
        _ => Err(words.refuse(Invalid::SeveralTypes.message(words.wording))),
    }
}
