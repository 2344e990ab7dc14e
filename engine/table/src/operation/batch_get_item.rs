//! BatchGetItem: items of several tables, each as GetItem would read it. What does not fit the answer, or
//! what the storage has no time for, comes back as unprocessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use flywheel_api::{
    ApiError, BatchGetItemRequest, BatchGetItemResponse, ErrorCode, ItemOut, KeysAndAttributes,
    Operation, Sent,
};
use flywheel_capacity::units::read_units;
use flywheel_item::Item;
use flywheel_item::expression::Projection;
use futures_util::stream::{self, StreamExt};

use crate::capacity::Units;
use crate::limits::{MAX_BATCH_GET_BYTES, MAX_BATCH_IN_FLIGHT};
use crate::parameters::{self, Given};
use crate::storage::Storage;
use crate::stored;
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::throughput::permit::{Permit, Spot};
use crate::wording;
use crate::words::Words;

/// What is asked of one table.
struct Asked {
    name: String,
    table: Arc<Table>,
    keys: Vec<Item>,
    projection: Option<Projection>,
    is_consistent: bool,
    /// The parameters as they were sent, for keys that come back.
    sent: KeysAndAttributes,
}

/// How far a batch has come.
struct Progress {
    /// What the answer may still hold.
    left_bytes: usize,
    /// Whether there was capacity for any of it.
    has_read: bool,
    /// Why there was none for some.
    throttled: Option<ApiError>,
}

/// Whether a key comes back, to be asked for again.
fn is_for_later(error: &ApiError) -> bool {
    use ErrorCode::{ProvisionedThroughputExceeded, RequestLimitExceeded, Throttling};
    matches!(error.code, Throttling | ProvisionedThroughputExceeded | RequestLimitExceeded)
}

/// An item that was read, and what was reserved for it.
type Read<'t, S> = (Permit<'t, S>, Option<Bytes>);

impl<S: Storage> Tables<S> {
    /// BatchGetItem.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn batch_get_item(
        &self,
        request: BatchGetItemRequest,
    ) -> Result<BatchGetItemResponse, ApiError> {
        let words = self.check(Operation::BatchGetItem, &request)?;
        let mut read = Vec::new();
        for (name, sent) in request.request_items.unwrap_or_default() {
            read.push(parameters_of_table(words, name, sent)?);
        }
        let mut asked = Vec::with_capacity(read.len());
        for (name, keys, projection, sent) in read {
            let table = self.serving(Some(&name))?;
            keys.iter().try_for_each(|key| table.check_key(words, key))?;
            let is_consistent = sent.consistent_read == Some(true);
            asked.push(Asked { name, table, keys, projection, is_consistent, sent });
        }
        let mut answer = BatchGetItemResponse {
            consumed_capacity: None,
            responses: Some(BTreeMap::new()),
            unprocessed_keys: Some(BTreeMap::new()),
        };
        let mut batch =
            Progress { left_bytes: MAX_BATCH_GET_BYTES, has_read: false, throttled: None };
        for asked in asked {
            let mode = request.return_consumed_capacity.as_deref();
            self.get_from(asked, mode, &mut batch, &mut answer).await?;
        }
        // Nothing of it was done: as of a request for one item.
        match batch.throttled.filter(|_| !batch.has_read) {
            Some(why) => Err(why),
            None => Ok(answer),
        }
    }

    async fn get_from(
        &self,
        asked: Asked,
        mode: Option<&str>,
        batch: &mut Progress,
        answer: &mut BatchGetItemResponse,
    ) -> Result<(), ApiError> {
        let places: Vec<Bytes> = asked.keys.iter().map(|key| asked.table.item_key(key)).collect();
        let least = read_units(0, asked.is_consistent);
        let reads = places.iter().map(|place| async {
            let permit =
                self.reserve_read(&asked.table, Source::Table, Some(Spot::item(place)), least)?;
            Ok((permit, self.stored(place).await?))
        });
        let found: Vec<Result<Read<'_, S>, ApiError>> =
            stream::iter(reads).buffered(MAX_BATCH_IN_FLIGHT).collect().await;
        let (mut items, mut unprocessed, mut units) = (Vec::new(), Vec::new(), Units::default());
        for (key, found) in asked.keys.into_iter().zip(found) {
            let (permit, found) = match found {
                Ok(found) => found,
                Err(error) if is_for_later(&error) => {
                    let throttled = Some(error).filter(|error| !error.throttling.is_empty());
                    batch.throttled = batch.throttled.take().or(throttled);
                    unprocessed.push(Sent::from(key));
                    continue;
                }
                Err(error) => return Err(error),
            };
            batch.has_read = true;
            let size_bytes = match &found {
                Some(found) => stored::size_bytes(found)?,
                None => 0,
            };
            if size_bytes > batch.left_bytes {
                // Nothing behind the first that does not fit: the order of what comes back is that of
                // what was asked.
                batch.left_bytes = 0;
                unprocessed.push(Sent::from(key));
                continue;
            }
            batch.left_bytes -= size_bytes;
            let taken = read_units(size_bytes, asked.is_consistent);
            permit.settle(taken);
            units.table += taken;
            if let Some(found) = found {
                items.push(match &asked.projection {
                    Some(projection) => projection.apply(&stored::decode(&found)?).into(),
                    None => ItemOut::Stored(found),
                });
            }
        }
        if let Some(told) = units.told(mode, asked.table.name()) {
            answer.consumed_capacity.get_or_insert_default().push(told);
        }
        answer.responses.get_or_insert_default().insert(asked.name.clone(), items);
        if !unprocessed.is_empty() {
            let rest = KeysAndAttributes { keys: Some(unprocessed), ..asked.sent };
            answer.unprocessed_keys.get_or_insert_default().insert(asked.name, rest);
        }
        Ok(())
    }
}

type OfTable = (String, Vec<Item>, Option<Projection>, KeysAndAttributes);

/// What can be told of a table's part before the table is looked at.
fn parameters_of_table(
    words: Words,
    name: String,
    mut sent: KeysAndAttributes,
) -> Result<OfTable, ApiError> {
    parameters::check_names(words, sent.attributes_to_get.as_deref())?;
    let given = Given {
        legacy: &[("AttributesToGet", sent.attributes_to_get.is_some())],
        expressions: &[("ProjectionExpression", sent.projection_expression.is_some())],
        named_as_missing: &[],
    };
    let names = sent.expression_attribute_names.clone();
    let mut placeholders = given.placeholders(words, names, None)?;
    let projection = parameters::projection(
        words,
        sent.projection_expression.as_deref(),
        sent.attributes_to_get.as_deref(),
        &mut placeholders,
    )?;
    parameters::finish(words, placeholders)?;
    let keys = sent.keys.take().unwrap_or_default().into_iter();
    let keys: Result<Vec<Item>, ApiError> = keys.map(|key| parameters::sound(words, key)).collect();
    let keys = keys?;
    // Equal numbers are equal here, however they were written.
    let mut seen = BTreeSet::new();
    if !keys.iter().all(|key| seen.insert(stored::encode(key))) {
        return Err(words.refuse(wording::DUPLICATE_KEYS));
    }
    Ok((name, keys, projection, sent))
}
