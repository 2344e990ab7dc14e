//! A client of tables: asks them, notes what it asked and was told, and judges the errors it gets. Not
//! what it does: see `operation`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use flywheel_api::{ApiError, CancellationReason, ErrorCode, ItemOut};
use serde_json::{Value, json};

use super::operation::{Operation, Planned, PlannedAct, PlannedWhen, are_together};
use super::record::TableRecord;
use super::requests::{self, key_of, table_name, table_of};
use super::service::Service;
use super::shape::TableShape;
use super::state::{Act, Answer, Call, Item, State, Step, Token, When};
use crate::history::{CallId, History};
use crate::keys::Key;
use crate::run::Run;

/// How long a token stands for what was done with it, in milliseconds.
const TOKEN_KEPT_MS: u64 = flywheel_table::limits::TOKEN_KEPT_MS;

/// One of those who use the tables at the same time.
pub struct Client {
    number: u16,
    service: Service,
    run: Rc<Run<TableShape>>,
    is_over: Cell<bool>,
}

impl Client {
    /// A client of tables that have been opened.
    pub fn new(number: u16, service: Service, run: &Rc<Run<TableShape>>) -> Self {
        Self { number, service, run: Rc::clone(run), is_over: Cell::new(false) }
    }

    /// Another client of the same tables.
    pub fn another(&self, number: u16) -> Self {
        Self::new(number, self.service.clone(), &self.run)
    }

    /// Whether it has been told that nothing more is to be had from these tables.
    pub fn is_over(&self) -> bool {
        self.is_over.get() || self.run.is_broken()
    }

    /// The tables.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// What all clients share.
    pub fn run(&self) -> &Run<TableShape> {
        &self.run
    }

    fn record(&self) -> &TableRecord {
        &self.run.record
    }

    fn history(&self) -> &History<State> {
        &self.run.record.history
    }

    fn begin(&self, call: Call) -> CallId {
        self.history().begin(self.number, call)
    }

    /// Does it, and notes what was asked and told.
    pub async fn act(&self, operation: &Operation) {
        match operation {
            Operation::Transact { steps, has_token, patience_us } => {
                let Some(steps) = self.name_all(steps).await else { return };
                let now_ms = self.service.now_ms();
                let token = has_token.then(|| self.record().name_token(&steps, now_ms));
                let asking = self.transact(steps, token);
                match patience_us {
                    None => drop(asking.await),
                    // It goes, and what it asked for may be half done.
                    Some(us) => drop(self.service.within(Duration::from_micros(*us), asking).await),
                }
            }
            Operation::AskAgain(draw) => {
                if let Some(sent) = self.record().sent(*draw) {
                    self.transact(sent.steps, Some(sent.token)).await;
                }
            }
            Operation::Exchange(planned) => {
                if let Some(step) = self.name(planned).await {
                    self.exchange(step).await;
                }
            }
            Operation::Batch(planned) => {
                let Some(steps) = self.name_all(planned).await else { return };
                self.batch(steps).await;
            }
            Operation::Get(key) => drop(self.get(*key).await),
            Operation::Read(keys) => self.read(keys).await,
            Operation::Query(key) => self.query(*key).await,
            Operation::Relocate(draw) => {
                let moved = self.service.relocate(*draw).await;
                self.heed_control(moved);
            }
            Operation::Checkpoint => {
                let taken = self.service.admin().checkpoint().await;
                self.heed_control(taken);
            }
        }
    }

    /// Asks for a transaction; whether it was done.
    pub async fn transact(&self, steps: Vec<Step>, token: Option<Token>) -> bool {
        let actions = steps.iter().map(|step| {
            let (name, action) = requests::step(step);
            json!({name: action})
        });
        let mut request = json!({"TransactItems": actions.collect::<Vec<_>>()});
        if let Some(token) = token {
            request["ClientRequestToken"] = json!(format!("token-{token}"));
            self.record().send(token);
        }
        let first_ms = token.and_then(|token| self.record().first_ms(token));
        let id = self.begin(Call::Transact(steps.clone(), token));
        let answer = self.service.call("TransactWriteItems", request).await;
        let age_ms = self.service.now_ms() - first_ms.unwrap_or(self.service.now_ms());
        if age_ms >= TOKEN_KEPT_MS {
            // It may have stood for what was done before, or not any more.
            token.inspect(|token| self.record().forget(*token));
            self.history().unclear(id, Call::Transact(steps, None));
            return false;
        }
        match answer {
            Ok(_) => {
                token.inspect(|token| self.record().done(*token));
                self.history().answer(id, Answer::Done);
                return true;
            }
            Err(error) if error.code == ErrorCode::TransactionCanceled => {
                let each = self.canceled(&steps, token, &error.reasons);
                self.history().answer_each(id, each);
            }
            Err(error) if error.code == ErrorCode::TransactionInProgress && token.is_some() => {
                self.history().not_done(id);
            }
            Err(error) => {
                self.failed_midway(&error);
                return false;
            }
        }
        token.inspect(|token| self.record().not_done(*token));
        false
    }

    /// What the reasons of a cancelled transaction say, each of one item at a moment of its own.
    fn canceled(
        &self,
        steps: &[Step],
        token: Option<Token>,
        reasons: &[CancellationReason],
    ) -> Vec<(Call, Answer)> {
        let mut each = Vec::new();
        // What was done is not done anew, whatever there is by now.
        each.extend(token.map(|token| (Call::IsNew(token), Answer::Done)));
        for (step, reason) in steps.iter().zip(reasons) {
            let looked = Step { act: Act::Check, ..*step };
            match reason.code.as_str() {
                "None" => each.push((Call::Transact(vec![looked], None), Answer::Done)),
                "ConditionalCheckFailed" => {
                    let found = self.read_failed(step.key, reason.item.clone());
                    each.extend(found.map(|it| (Call::Exchange(looked), Answer::Refused(it))));
                }
                "TransactionConflict" => {}
                other => self.run.fail(format!("{step:?} was cancelled for {other}")),
            }
        }
        if reasons.len() != steps.len() || reasons.iter().all(|reason| reason.code == "None") {
            self.run.fail(format!("{} steps were cancelled for {reasons:?}", steps.len()));
        }
        each
    }

    /// Asks for one write, and what there was before.
    async fn exchange(&self, step: Step) {
        let (name, mut request) = requests::step(&step);
        request["ReturnValues"] = json!("ALL_OLD");
        let id = self.begin(Call::Exchange(step));
        match self.service.call(&format!("{name}Item"), request).await {
            Ok(answer) => {
                if let Some(found) = self.item(step.key, &answer["Attributes"]) {
                    self.history().answer(id, Answer::Found(found));
                }
            }
            Err(error) if error.code == ErrorCode::ConditionalCheckFailed => {
                if let Some(found) = self.read_failed(step.key, error.item.map(|item| *item)) {
                    self.history().answer(id, Answer::Refused(found));
                }
            }
            Err(error) => self.failed(id, &error),
        }
    }

    /// Asks for writes that are done each for itself.
    async fn batch(&self, steps: Vec<Step>) {
        let mut asked = json!({});
        for step in &steps {
            let (name, request) = requests::step(step);
            let part = if step.act == Act::Delete { "Key" } else { "Item" };
            let write = json!({format!("{name}Request"): {part: request[part]}});
            let table = &mut asked[table_name(table_of(step.key))];
            match table.as_array_mut() {
                Some(writes) => writes.push(write),
                None => *table = json!([write]),
            }
        }
        let calls = steps.iter().map(|step| self.begin(Call::Transact(vec![*step], None)));
        let calls: Vec<CallId> = calls.collect();
        let answer = self.service.call("BatchWriteItem", json!({"RequestItems": asked})).await;
        let unprocessed: BTreeSet<Key> = match &answer {
            Ok(answer) => self.keys_of_writes(&answer["UnprocessedItems"]),
            Err(_) => BTreeSet::new(),
        };
        for (step, id) in steps.iter().zip(calls) {
            match &answer {
                Ok(_) if unprocessed.contains(&step.key) => self.history().not_done(id),
                Ok(_) => self.history().answer(id, Answer::Done),
                Err(error) => self.failed(id, error),
            }
        }
    }

    fn keys_of_writes(&self, tables: &Value) -> BTreeSet<Key> {
        let writes = tables.as_object().into_iter().flatten();
        let writes = writes.flat_map(|(_, writes)| writes.as_array().into_iter().flatten());
        let keys = (0..self.run.shape.keys()).map(|key| (key, key_of(key)));
        let keys: Vec<(Key, Value)> = keys.collect();
        let named = writes.filter_map(|write| {
            let (put, delete) = (&write["PutRequest"]["Item"], &write["DeleteRequest"]["Key"]);
            let item = if put.is_object() { put } else { delete };
            let is = |key: &Value| key["p"] == item["p"] && key["s"] == item["s"];
            keys.iter().find(|(_, key)| is(key)).map(|(key, _)| *key)
        });
        named.collect()
    }

    /// Reads one item, strongly; `None` if it could not be read.
    pub async fn get(&self, key: Key) -> Option<Option<Item>> {
        let request = json!({
            "TableName": table_name(table_of(key)), "Key": key_of(key), "ConsistentRead": true,
        });
        let id = self.begin(Call::Read(vec![key]));
        match self.service.call("GetItem", request).await {
            Ok(answer) => {
                let found = self.item(key, &answer["Item"])?;
                self.history().answer(id, Answer::Items(vec![found]));
                Some(found)
            }
            Err(error) => {
                self.failed(id, &error);
                None
            }
        }
    }

    /// Reads items at one moment.
    async fn read(&self, keys: &[Key]) {
        let get = |&key: &Key| json!({"Get": {"TableName": table_name(table_of(key)), "Key": key_of(key)}});
        let gets: Vec<Value> = keys.iter().map(get).collect();
        let id = self.begin(Call::Read(keys.to_vec()));
        match self.service.call("TransactGetItems", json!({"TransactItems": gets})).await {
            Ok(answer) => {
                let found = keys.iter().enumerate();
                let found = found.map(|(n, &key)| self.item(key, &answer["Responses"][n]["Item"]));
                let Some(found) = found.collect::<Option<Vec<_>>>() else { return };
                self.history().answer(id, Answer::Items(found));
            }
            // Others were writing.
            Err(error)
                if error.code == ErrorCode::TransactionCanceled
                    && error.reasons.iter().any(|reason| reason.code == "TransactionConflict") =>
            {
                self.history().not_done(id);
            }
            Err(error) => self.failed(id, &error),
        }
    }

    /// Reads all items of one partition key, strongly, each at a moment of its own.
    async fn query(&self, key: Key) {
        let request = json!({
            "TableName": table_name(table_of(key)), "ConsistentRead": true,
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": key_of(key)["p"]},
        });
        let id = self.begin(Call::Read(vec![]));
        match self.service.call("Query", request).await {
            Ok(answer) => {
                let Some(found) = self.service.items(&self.run, &answer["Items"]) else { return };
                let mut together: Vec<Key> = (0..self.run.shape.keys()).collect();
                together.retain(|&other| are_together(key, other));
                let count = found.len();
                let found: BTreeMap<Key, Item> = found.into_iter().collect();
                if count > found.len() || !found.keys().all(|key| together.contains(key)) {
                    return self.run.fail(format!("a query for item {key} found {found:?}"));
                }
                let each = together.iter().map(|key| {
                    (Call::Read(vec![*key]), Answer::Items(vec![found.get(key).copied()]))
                });
                self.history().answer_each(id, each);
            }
            Err(error) => self.failed(id, &error),
        }
    }

    /// Gives steps the names of their writes, and reads what they are to find unchanged. `None` if that
    /// cannot be read.
    async fn name_all(&self, planned: &[Planned]) -> Option<Vec<Step>> {
        let mut steps = Vec::with_capacity(planned.len());
        for planned in planned {
            steps.push(self.name(planned).await?);
        }
        Some(steps)
    }

    async fn name(&self, &Planned { key, act, when }: &Planned) -> Option<Step> {
        let write = self.record().name_write();
        let act = match act {
            PlannedAct::Put(balance, group) => Act::Put(Item { balance, write, group }),
            PlannedAct::Add(balance, group) => Act::Add(Item { balance, write, group }),
            PlannedAct::Delete => Act::Delete,
            PlannedAct::Check => Act::Check,
        };
        let when = match when {
            None => None,
            Some(PlannedWhen::Is(when)) => Some(when),
            Some(PlannedWhen::Unchanged) => {
                Some(self.get(key).await?.map_or(When::Absent, |item| When::Wrote(item.write)))
            }
        };
        Some(Step { key, act, when })
    }

    /// The item that an answer shows; `None` if it is not one of that key.
    fn item(&self, key: Key, found: &Value) -> Option<Option<Item>> {
        if found.is_null() {
            return Some(None);
        }
        match requests::read_item(&self.run.shape, found) {
            Ok((of, item)) if of == key => return Some(Some(item)),
            Ok((of, _)) => self.run.fail(format!("asked for item {key}, and got {of}")),
            Err(problem) => self.run.fail(problem),
        }
        None
    }

    /// The same, of the item that an error shows.
    fn read_failed(&self, key: Key, found: Option<flywheel_item::Item>) -> Option<Option<Item>> {
        let Some(found) = found else { return Some(None) };
        let json = flywheel_api::write(&ItemOut::Built(found)).unwrap_or_default();
        self.item(key, &serde_json::from_slice(&json).unwrap_or(json!("no JSON")))
    }

    /// Notes an error, and judges it.
    fn failed(&self, id: CallId, error: &ApiError) {
        if error.code == ErrorCode::TransactionConflict {
            return self.history().not_done(id);
        }
        self.service.heed_error(&self.run, error);
        // Of a write that the store stopped at nobody knows; any other was refused before it was made.
        if self.service.has_stopped(error) {
            self.is_over.set(true);
        } else {
            self.history().not_done(id);
        }
    }

    /// Notes an error of a transaction, and judges it: one that a fault met may have been done.
    fn failed_midway(&self, error: &ApiError) {
        self.service.heed_error(&self.run, error);
        self.is_over.set(self.is_over.get() || self.service.has_stopped(error));
    }

    fn heed_control(&self, ended: Result<(), flywheel_shard::ShardError>) {
        if let Err(error) = ended
            && !self.run.is_fair_of_controls(&error)
        {
            self.run.fail(format!("unfair error of a control: {error}"));
        }
    }
}
