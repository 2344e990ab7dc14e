//! TransactGetItems: up to a hundred items as they were at one moment. Nothing is written for it: all are
//! read twice, and if none has changed in between, they were all so at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use flywheel_api::{
    ApiError, ErrorCode, Get, ItemOut, ItemResponse, Operation, TransactGetItemsRequest,
    TransactGetItemsResponse,
};
use flywheel_capacity::operation::Operation as Kind;
use flywheel_item::Item;
use flywheel_item::expression::Projection;
use flywheel_shard::Version;
use futures_util::future::try_join_all;

use super::transact_write_items::{canceled, canceled_at, of_each_table};
use crate::capacity::{Transacted, Units};
use crate::limits::{MAX_TRANSACTED_READS, MAX_TRANSACTION_BYTES};
use crate::parameters::{self, Given};
use crate::storage::Storage;
use crate::stored;
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::throughput::permit::Spot;
use crate::transaction::settle::IsHeld;
use crate::wording;
use crate::words::Words;

/// An item that is asked for.
struct Asked {
    table: Arc<Table>,
    key: Bytes,
    projection: Option<Projection>,
}

type Found = (Option<Bytes>, Option<Version>, IsHeld);

impl<S: Storage> Tables<S> {
    /// TransactGetItems.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn transact_get_items(
        &self,
        request: TransactGetItemsRequest,
    ) -> Result<TransactGetItemsResponse, ApiError> {
        let words = self.check(Operation::TransactGetItems, &request)?;
        let mode = request.return_consumed_capacity.as_deref();
        let gets = request.transact_items.unwrap_or_default().into_iter();
        let gets: Result<Vec<_>, ApiError> =
            gets.map(|item| read(words, item.get.unwrap_or_default())).collect();
        let gets = gets?;
        let (count, mut asked) = (gets.len(), Vec::new());
        for (place, (name, key, projection)) in gets.into_iter().enumerate() {
            let table = self.serving(Some(&name))?;
            table.check_key(words, &key).map_err(|error| canceled_at(place, count, error))?;
            asked.push(Asked { key: table.item_key(&key), table, projection });
        }
        let places: BTreeSet<&Bytes> = asked.iter().map(|asked| &asked.key).collect();
        if places.len() < count {
            return Err(words.refuse(wording::SEVERAL_ON_ONE_ITEM));
        }
        let tables: Vec<Arc<Table>> = asked.iter().map(|it| Arc::clone(&it.table)).collect();
        let least = Units::of_transacted_read(0).table;
        let permits =
            of_each_table(&tables, |table| self.reserve_read(table, Source::Table, None, least))?;
        let mut partitions = Vec::with_capacity(count);
        for (place, asked) in asked.iter().enumerate() {
            let reserved = self.reserve_at(&asked.table, Spot::item(&asked.key), Kind::Read, least);
            partitions.push(reserved.map_err(|error| canceled_at(place, count, error))?);
        }
        let found = self.at_one_moment(&asked).await?;
        let sizes = found.iter().flatten().map(|found| stored::size_bytes(found));
        let sizes: Result<Vec<usize>, ApiError> = sizes.collect();
        if sizes?.iter().sum::<usize>() > MAX_TRANSACTION_BYTES {
            return Err(words.refuse(wording::TRANSACTION_TOO_LARGE));
        }
        let mut units: BTreeMap<String, Units> = BTreeMap::new();
        let mut responses = Vec::with_capacity(count);
        for ((asked, found), partition) in asked.into_iter().zip(found).zip(partitions) {
            let size_bytes = found.as_ref().map_or(Ok(0), |found| stored::size_bytes(found))?;
            let known = units.entry(asked.table.name().to_owned()).or_default();
            let read = Units::of_transacted_read(size_bytes);
            partition.settle(read.table);
            known.add(&read);
            let item = match (found, asked.projection) {
                (None, _) => None,
                (Some(found), None) => Some(ItemOut::Stored(found)),
                // None, too, where nothing of it is asked for: unlike in GetItem.
                (Some(found), Some(parts)) => Some(parts.apply(&stored::decode(&found)?))
                    .filter(|parts| !parts.is_empty())
                    .map(Into::into),
            };
            responses.push(ItemResponse { item });
        }
        for (name, permit) in permits {
            permit.settle(units[name].table);
        }
        let told = units.iter().filter_map(|(name, it)| it.told_of(mode, name, Transacted::Read));
        let told: Vec<_> = told.collect();
        Ok(TransactGetItemsResponse {
            consumed_capacity: (!told.is_empty()).then_some(told),
            responses: Some(responses),
        })
    }

    /// Reads all twice, and again until nothing has changed in between.
    async fn at_one_moment(&self, asked: &[Asked]) -> Result<Vec<Option<Bytes>>, ApiError> {
        // What is not there has no version: that it came and went is told by counting.
        let turns = || self.transactions().turns(asked.iter().map(|asked| &asked.key));
        let mut before = turns();
        let mut first = self.read_all(asked).await?;
        for _ in 0..MAX_TRANSACTED_READS {
            let second = self.read_all(asked).await?;
            let absent = second.iter().any(|(found, ..)| found.is_none());
            let now = turns();
            let has_turned = absent && now != before;
            before = now;
            let is_same = |(one, other): (&Found, &Found)| {
                one.1 == other.1 && one.2 == IsHeld(false) && other.2 == IsHeld(false)
            };
            if !has_turned && first.iter().zip(&second).all(is_same) {
                return Ok(second.into_iter().map(|(found, ..)| found).collect());
            }
            first = second;
        }
        let is_disturbed = first.iter().map(|(.., is_held)| match is_held {
            IsHeld(true) => {
                Err(ApiError::new(ErrorCode::TransactionConflict, wording::TRANSACTION_ONGOING))
            }
            IsHeld(false) => Ok(()),
        });
        let mut outcomes: Vec<Result<(), ApiError>> = is_disturbed.collect();
        if outcomes.iter().all(Result::is_ok) {
            outcomes[0] =
                Err(ApiError::new(ErrorCode::TransactionConflict, wording::TRANSACTION_ONGOING));
        }
        Err(canceled(outcomes))
    }

    async fn read_all(&self, asked: &[Asked]) -> Result<Vec<Found>, ApiError> {
        Ok(try_join_all(asked.iter().map(|asked| self.versioned(&asked.key))).await?)
    }
}

/// What can be told of a read before its table is looked at.
fn read(words: Words, get: Get) -> Result<(String, Item, Option<Projection>), ApiError> {
    let given = Given {
        legacy: &[],
        expressions: &[("ProjectionExpression", get.projection_expression.is_some())],
        named_as_missing: &[],
    };
    let mut placeholders = given.placeholders(words, get.expression_attribute_names, None)?;
    let key = parameters::sound(words, get.key.unwrap_or_default())?;
    let expression = get.projection_expression.as_deref();
    let projection = parameters::projection(words, expression, None, &mut placeholders)?;
    parameters::finish(words, placeholders)?;
    Ok((get.table_name.unwrap_or_default(), key, projection))
}
