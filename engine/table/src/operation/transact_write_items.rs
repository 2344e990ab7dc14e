//! TransactWriteItems: up to a hundred puts, updates, deletes and checks, all or none. Not how: see
//! `transaction`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use flywheel_api::{
    ApiError, CancellationReason, ErrorCode, ItemCollectionMetrics, Operation, TransactWriteItem,
    TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use flywheel_capacity::operation::Operation as Kind;
use flywheel_capacity::tokens::Tokens;
use flywheel_item::{Item, item_size_bytes};
use flywheel_shard::Condition;
use flywheel_shard::canary::{self, Canary};
use sha2::{Digest, Sha256};

use crate::capacity::{Transacted, Units};
use crate::change::{Changed, Verdict, Write};
use crate::item_key::KeyTypeFault;
use crate::keys;
use crate::limits::MAX_TRANSACTION_BYTES;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::throughput::permit::Spot;
use crate::transaction::TransactionName;
use crate::transaction::active::Carrying;
use crate::transaction::ledger::{Decision, Place, Record};
use crate::transaction::settle::unreadable;
use crate::wording;
use crate::words::Words;
use crate::write;

mod action;

use action::Action;

/// An action that is sound, and where its item stands.
struct Planned {
    table: Arc<Table>,
    key: Bytes,
    action: Action,
}

/// What asking again with a token comes to.
enum Asked {
    /// It is new; the ledger's record is to be written under this condition.
    New(Condition),
    /// It was done.
    Done(Record),
}

impl<S: Storage> Tables<S> {
    /// TransactWriteItems. On return all is durable, or nothing happened.
    ///
    /// # Errors
    /// DynamoDB's. After a fault of the storage the transaction may have been done or not, but not in part.
    pub async fn transact_write_items(
        &self,
        request: TransactWriteItemsRequest,
    ) -> Result<TransactWriteItemsResponse, ApiError> {
        let words = self.check(Operation::TransactWriteItems, &request)?;
        let digest = digest(&request)?;
        let token = request.client_request_token.as_deref();
        let mode = request.return_consumed_capacity.as_deref();
        let metrics = request.return_item_collection_metrics.as_deref();
        let items = request.transact_items.unwrap_or_default();
        let planned = self.plan_transaction(words, items)?;
        // Before it has a name: whoever asks again finds nothing under way.
        if let Some(with_index) = planned.iter().find(|it| !it.table.globals.is_empty()) {
            let brings_bytes = planned.iter().map(|it| it.action.brings_bytes()).sum();
            self.caught_up(&with_index.table, brings_bytes).await?;
        }
        let name = self.name_transaction(token);
        let Some(mut carrying) = self.transactions().begin(name) else {
            let message = wording::TRANSACTION_IN_PROGRESS;
            return Err(ApiError::new(ErrorCode::TransactionInProgress, message));
        };
        let condition = match self.asked(&name, &digest).await? {
            Asked::New(condition) => condition,
            Asked::Done(record) => return self.again(&name, &record, mode).await,
        };
        let tables: Vec<Arc<Table>> = planned.iter().map(|it| Arc::clone(&it.table)).collect();
        let permits = of_each_table(&tables, |table| self.reserve_write(table, None))?;
        let count = planned.len();
        let mut partitions = Vec::with_capacity(count);
        for (place, Planned { table, key, .. }) in planned.iter().enumerate() {
            let least = Units::LEAST_TRANSACTED_WRITE;
            let reserved = self.reserve_at(table, Spot::item(key), Kind::Write, least);
            partitions.push(reserved.map_err(|error| canceled_at(place, count, error))?);
        }
        let collections = collections(&planned, metrics);
        let (taken, record) = self.carry_out(&mut carrying, planned, digest, condition).await?;
        let mut units: BTreeMap<String, Units> = BTreeMap::new();
        for ((table, taken), partition) in tables.iter().zip(&taken).zip(partitions) {
            partition.settle(taken.table + taken.locals.values().sum::<f64>());
            units.entry(table.name().to_owned()).or_default().add(taken);
        }
        for (name, permit) in permits {
            permit.settle(&units[name]);
        }
        // It is done, whatever becomes of this: what cannot be applied now is left for `upkeep`.
        if self.apply_all(name, &record.places).await.is_ok() {
            carrying.end();
            self.transactions().done(name, record.kept_until_ms(&name));
        }
        Ok(TransactWriteItemsResponse {
            consumed_capacity: told(&units, mode, Transacted::Write),
            item_collection_metrics: collections,
        })
    }

    /// Checks all actions, for themselves, against their tables, and against each other.
    fn plan_transaction(
        &self,
        words: Words,
        items: Vec<TransactWriteItem>,
    ) -> Result<Vec<Planned>, ApiError> {
        let actions: Result<Vec<(String, Action)>, ApiError> =
            items.into_iter().map(|item| action::read(words, item)).collect();
        let actions = actions?;
        let count = actions.len();
        let (mut planned, mut places) = (Vec::with_capacity(count), BTreeSet::new());
        let mut size_bytes = 0;
        for (place, (name, action)) in actions.into_iter().enumerate() {
            let table = self.serving(Some(&name))?;
            size_bytes += item_size_bytes(action.item());
            let fits = match &action.item_to_put() {
                Some(item) => table.check_item(words, item, KeyTypeFault::Named),
                None => table.check_key(words, action.item()),
            };
            // A key with nothing in it is told as what is wrong with the request; others as a reason.
            fits.map_err(|error| {
                if is_of_empty_key(&error) { error } else { canceled_at(place, count, error) }
            })?;
            let key = table.item_key(action.item());
            if !places.insert(key.clone()) {
                return Err(words.refuse(wording::SEVERAL_ON_ONE_ITEM));
            }
            let action =
                action.of_table(words, &table).map_err(|error| canceled_at(place, count, error))?;
            planned.push(Planned { table, key, action });
        }
        if size_bytes > MAX_TRANSACTION_BYTES {
            return Err(words.refuse(wording::TRANSACTION_TOO_LARGE));
        }
        Ok(planned)
    }

    /// What the ledger says of a name.
    async fn asked(&self, name: &TransactionName, digest: &[u8; 32]) -> Result<Asked, ApiError> {
        if !name.has_token() {
            return Ok(Asked::New(Condition::Absent));
        }
        let Some(found) = self.storage().get(keys::ledger_record(name)).await? else {
            return Ok(Asked::New(Condition::Absent));
        };
        let record = Record::decode(found.value).ok_or_else(|| unreadable(name))?;
        let is_kept = self.now_ms() < record.kept_until_ms(name);
        if record.decision == Decision::Aborted || !is_kept || canary::sings(Canary::ForgetToken) {
            // Nobody learns of it any more once it is replaced.
            self.apply_all(record.name(*name), &record.places).await?;
            return Ok(Asked::New(Condition::VersionIs(found.version)));
        }
        if record.digest != *digest {
            let code = ErrorCode::IdempotentParameterMismatch;
            return Err(ApiError::new(code, wording::TOKEN_OF_ANOTHER));
        }
        Ok(Asked::Done(record))
    }

    /// The answer to who asks again for what was done: charged as reading it.
    async fn again(
        &self,
        name: &TransactionName,
        record: &Record,
        mode: Option<&str>,
    ) -> Result<TransactWriteItemsResponse, ApiError> {
        // A crash may have come between the decision and the rest.
        self.apply_all(record.name(*name), &record.places).await?;
        let mut units: BTreeMap<String, Units> = BTreeMap::new();
        for place in &record.places {
            let Some(table) = self.catalog().numbered(place.table) else { continue };
            let read = Units::of_transacted_read(place.read_bytes as usize);
            table.meters.of(Kind::Read).settle(Tokens::ZERO, Tokens::from_f64(read.table));
            units.entry(table.name().to_owned()).or_default().add(&read);
        }
        Ok(TransactWriteItemsResponse {
            consumed_capacity: told(&units, mode, Transacted::Read),
            item_collection_metrics: None,
        })
    }

    /// Holds the items and has the ledger decide: what each took, and the record. If it decides against it, or an
    /// item does, everything is as it was.
    async fn carry_out(
        &self,
        carrying: &mut Carrying,
        planned: Vec<Planned>,
        digest: [u8; 32],
        condition: Condition,
    ) -> Result<(Vec<Units>, Record), ApiError> {
        let tables: Vec<Arc<Table>> = planned.iter().map(|it| Arc::clone(&it.table)).collect();
        let keys: Vec<Bytes> = planned.iter().map(|it| it.key.clone()).collect();
        let writes = planned.into_iter().map(|Planned { table, key, action }| Write {
            table,
            key,
            brings_bytes: action.brings_bytes(),
            looks: action.looks(),
            decide: move |before: Option<&Item>| -> Result<Verdict, ApiError> {
                action.decide(before)
            },
        });
        carrying.holds(keys.clone());
        let held = self.hold_all(carrying, writes.collect()).await;
        if held.iter().any(Result::is_err) {
            self.give_up(carrying, &keys).await;
            // An update that leaves nothing in an index's key is told as an empty key is.
            let is_empty_key =
                |outcome: &&Result<Changed, ApiError>| outcome.as_ref().is_err_and(is_of_empty_key);
            return Err(match held.iter().find(is_empty_key) {
                Some(Err(error)) => error.clone(),
                _ => canceled(held),
            });
        }
        let held = held.into_iter().flatten().collect::<Vec<Changed>>();
        let (mut units, mut places) =
            (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for ((table, key), changed) in tables.iter().zip(&keys).zip(&held) {
            units.push(changed.units(table).transacted());
            let read_bytes = changed.before_bytes.max(changed.after_bytes) as u32;
            places.push(Place { table: table.record.number, key: key.clone(), read_bytes });
        }
        let record = Record {
            decision: Decision::Committed,
            attempt: carrying.name().attempt,
            decided_ms: self.now_ms(),
            digest,
            places,
        };
        let mut is_committed = self.commit(carrying, &record, condition).await?;
        if !is_committed {
            // An attempt that was left may have been settled meanwhile, at the same entry.
            if let Asked::New(condition) = self.asked(&carrying.name(), &record.digest).await? {
                is_committed = self.commit(carrying, &record, condition).await?;
            }
        }
        if !is_committed {
            self.give_up(carrying, &keys).await;
            let conflict =
                ApiError::new(ErrorCode::TransactionConflict, wording::TRANSACTION_ONGOING);
            return Err(canceled_at(0, keys.len(), conflict));
        }
        Ok((units, record))
    }

    /// Makes everything as it was; what cannot be now is left for `upkeep`.
    async fn give_up(&self, carrying: &mut Carrying, keys: &[Bytes]) {
        if self.take_all_back(carrying.name(), keys).await.is_ok() {
            carrying.holds(Vec::new());
        }
    }
}

fn is_of_empty_key(error: &ApiError) -> bool {
    error.message.starts_with(wording::EMPTY_KEY)
}

/// By which a request is known again: of what it asks, not of how the answer is to be told.
fn digest(request: &TransactWriteItemsRequest) -> Result<[u8; 32], ApiError> {
    if request.client_request_token.is_none() {
        return Ok([0; 32]);
    }
    let asked = TransactWriteItemsRequest {
        transact_items: request.transact_items.clone(),
        ..TransactWriteItemsRequest::default()
    };
    // What cannot be written was not sound, and is told of later.
    Ok(flywheel_api::write(&asked).map(|json| Sha256::digest(json).into()).unwrap_or_default())
}

fn told(
    units: &BTreeMap<String, Units>,
    mode: Option<&str>,
    transacted: Transacted,
) -> Option<Vec<flywheel_api::ConsumedCapacity>> {
    let told = units.iter().filter_map(|(name, units)| units.told_of(mode, name, transacted));
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then_some(told)
}

fn collections(
    planned: &[Planned],
    mode: Option<&str>,
) -> Option<BTreeMap<String, Vec<ItemCollectionMetrics>>> {
    let mut collections: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    for Planned { table, action, .. } in planned {
        let told = write::collection(table, action.item(), mode);
        if let Some(told) = told.filter(|_| action.writes()) {
            let known = collections.entry(table.name().to_owned()).or_default();
            if !known.contains(&told) {
                known.push(told);
            }
        }
    }
    (!collections.is_empty()).then_some(collections)
}

/// Reserves of each table of a transaction's actions once, by its name.
///
/// # Errors
/// With the reasons of the actions of tables that refuse.
pub(super) fn of_each_table<'t, P>(
    tables: &'t [Arc<Table>],
    reserve: impl Fn(&'t Table) -> Result<P, ApiError>,
) -> Result<BTreeMap<&'t str, P>, ApiError> {
    let (mut permits, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for table in tables {
        let name = table.name();
        if !permits.contains_key(name) && !refused.contains_key(name) {
            match reserve(table) {
                Ok(permit) => _ = permits.insert(name, permit),
                Err(error) => _ = refused.insert(name, error),
            }
        }
    }
    if refused.is_empty() {
        return Ok(permits);
    }
    let outcome = |table: &Arc<Table>| refused.get(table.name()).cloned().map_or(Ok(()), Err);
    Err(canceled(tables.iter().map(outcome).collect()))
}

/// The error of a transaction of which the action at `place` cannot be.
pub(super) fn canceled_at(place: usize, count: usize, error: ApiError) -> ApiError {
    let mut outcomes: Vec<Result<(), ApiError>> = vec![Ok(()); count];
    outcomes[place] = Err(error);
    canceled(outcomes)
}

/// The error of a transaction some actions of which cannot be, with the reason of each; or what is no reason.
pub(super) fn canceled<T>(outcomes: Vec<Result<T, ApiError>>) -> ApiError {
    let mut reasons = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let Err(error) = outcome else {
            reasons.push(CancellationReason { code: "None".into(), ..<_>::default() });
            continue;
        };
        let code = match error.code {
            ErrorCode::ConditionalCheckFailed => "ConditionalCheckFailed",
            ErrorCode::TransactionConflict => "TransactionConflict",
            ErrorCode::Validation => "ValidationError",
            ErrorCode::ProvisionedThroughputExceeded => "ProvisionedThroughputExceeded",
            ErrorCode::Throttling if !error.throttling.is_empty() => "ThrottlingError",
            // The storage failed, or had too much to do.
            _ => return error,
        };
        let (code, message) = (code.to_owned(), Some(error.message));
        reasons.push(CancellationReason { code, message, item: error.item.map(|item| *item) });
    }
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let mut error = ApiError::new(
        ErrorCode::TransactionCanceled,
        wording::transaction_canceled(&codes.join(", ")),
    );
    error.reasons = reasons;
    error
}
