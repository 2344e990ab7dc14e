//! Tables of one life: opened on the engine, kept up, asked in JSON, and read as a whole. Not a client's
//! way of asking: see `client`.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flywheel_api::{ApiError, ErrorCode, Operation};
use flywheel_disk::sim::SimWorld;
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{Admin, LocalEngine, ShardError};
use flywheel_table::{Shards, Sleeper, StorageError, TableOptions, Tables, Wording};
use futures_util::future::{Either, select};
use serde_json::{Value, json};

use super::requests::{self, GLOBAL, LOCAL, SORTED, TABLES, key_of, table_name, table_of};
use super::shape::TableShape;
use super::state::{Item, State};
use crate::keys::Key;
use crate::limits::MAX_WRITE_TRIES;
use crate::run::Run;

/// How often a table is made or looked at on a medium that may fail, which may never come back.
const TRIES_OF_FAILING: usize = 20;

/// How a store says that it has stopped: the one error that clients do not see the code of.
const STOPPED: &str = "writes stopped after a failure";

/// Tables that are open. Clones are the same ones.
#[derive(Clone)]
pub struct Service {
    tables: Tables<Shards>,
    admin: Admin,
    clock: Rc<Clock>,
}

/// What time it is to the tables: it goes on over lives.
struct Clock {
    world: SimWorld,
    run: Rc<Run<TableShape>>,
    now_ms: Arc<AtomicU64>,
}

impl Clock {
    fn now_ms(&self) -> u64 {
        let now_ms = self.run.record.at_ms(Duration::from_nanos(self.world.now_ns()));
        self.now_ms.store(now_ms, Ordering::Relaxed);
        now_ms
    }
}

struct SimSleeper(Rc<Clock>);

impl Sleeper for SimSleeper {
    async fn sleep(&self, duration: Duration) {
        self.0.world.sleep(duration).await;
        self.0.now_ms();
    }
}

impl Service {
    /// Opens the tables of an engine, and makes those that there are not yet. `None` if that cannot be.
    pub async fn open(
        run: &Rc<Run<TableShape>>,
        engine: &LocalEngine,
        world: &SimWorld,
    ) -> Option<Self> {
        let now_ms = Arc::new(AtomicU64::new(0));
        let (world, run) = (world.clone(), Rc::clone(run));
        let clock = Rc::new(Clock { world, run, now_ms: Arc::clone(&now_ms) });
        clock.now_ms();
        let options = TableOptions {
            wording: Wording::Current,
            region: "eu-west-1".into(),
            account: "000000000000".into(),
            endpoint: "127.0.0.1:8000".into(),
            throttling: flywheel_table::Throttling::Never,
            clock: Arc::new(move || now_ms.load(Ordering::Relaxed)),
            monotonic_ns: Arc::new(|| 0),
        };
        let run = &clock.run;
        let opened = async {
            let shards = Shards::new(engine.handle(), engine.admin())?;
            Tables::open(shards, options).await
        };
        let tables = match opened.await {
            Ok(tables) => tables,
            Err(StorageError::Fault(_)) if run.may_fail() => return None,
            Err(error) => {
                run.fail(format!("unfair error of opening tables: {error}"));
                return None;
            }
        };
        let upkeep = tables.clone().upkeep(SimSleeper(Rc::clone(&clock)));
        clock.world.spawn(TaskClass::Background, upkeep);
        let service = Self { tables, admin: engine.admin(), clock: Rc::clone(&clock) };
        for table in 0..TABLES {
            service.make(run, table).await?;
        }
        Some(service)
    }

    /// Makes a table unless it is there, and waits until it serves.
    async fn make(&self, run: &Run<TableShape>, table: u16) -> Option<()> {
        let name = json!({"TableName": table_name(table)});
        let tries = if run.may_fail() { TRIES_OF_FAILING } else { MAX_WRITE_TRIES };
        for _ in 0..tries {
            let made = match self.call("DescribeTable", name.clone()).await {
                Ok(told) if told["Table"]["TableStatus"] == "ACTIVE" => return Some(()),
                Ok(_) => Ok(Value::Null),
                Err(error) if error.code == ErrorCode::ResourceNotFound => {
                    self.call("CreateTable", requests::create(table)).await
                }
                Err(error) => Err(error),
            };
            match made {
                Err(error) if error.code != ErrorCode::ResourceInUse => {
                    self.heed_error(run, &error);
                }
                _ => {}
            }
            if run.is_broken() {
                return None;
            }
            self.clock.world.sleep(run.patience() / 10).await;
        }
        if !run.may_fail() {
            run.fail(format!("{} did not come to serve", table_name(table)));
        }
        None
    }

    /// Controls of the engine.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// What time it is, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What an operation answers.
    ///
    /// # Errors
    /// Its own.
    ///
    /// # Panics
    /// If there is no operation of that name.
    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, ApiError> {
        self.clock.now_ms();
        let operation = Operation::from_name(operation).expect("an operation");
        let answer = self.tables.call(operation, request.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Waits for something, but no longer than this.
    pub async fn within<T>(&self, patience: Duration, what: impl Future<Output = T>) -> Option<T> {
        let (sleep, what) = (Box::pin(self.clock.world.sleep(patience)), Box::pin(what));
        match select(what, sleep).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    /// Moves some partition to some shard.
    ///
    /// # Errors
    /// The engine's.
    pub async fn relocate(&self, draw: u64) -> Result<(), ShardError> {
        let partitions = self.admin.partitions().await?;
        let (from, to) = (draw as usize % partitions.len(), (draw >> 32) as usize);
        let to = (to % self.clock.run.shape.shards()) as u16;
        self.admin.move_partition(partitions[from].0.spec.id, to).await
    }

    /// Judges an error that says nothing of what was done.
    pub fn heed_error(&self, run: &Run<TableShape>, error: &ApiError) {
        if error.code != ErrorCode::InternalServerError || !run.may_fail() {
            run.fail(format!("unfair error: {error}"));
        }
    }

    /// Whether an error says that nothing more is written until the tables are opened anew.
    pub fn has_stopped(&self, error: &ApiError) -> bool {
        error.message.contains(STOPPED)
    }

    /// Reads everything, with no call under way, in each way that there is; `None` if it cannot be read.
    pub async fn find(&self, run: &Run<TableShape>) -> Option<State> {
        let mut items = vec![None; run.shape.keys().into()];
        for table in 0..TABLES {
            let found = self.scan(run, table, None).await?;
            if table == SORTED {
                let indexed = self.scan(run, table, Some(LOCAL)).await?;
                if indexed != found {
                    run.fail(format!("the local index has {indexed:?}, the table {found:?}"));
                }
            }
            for (key, item) in found {
                items[usize::from(key)] = Some(item);
            }
        }
        for key in 0..run.shape.keys() {
            let request = json!({
                "TableName": table_name(table_of(key)), "Key": key_of(key), "ConsistentRead": true,
            });
            let answer = self.heed(run, self.call("GetItem", request).await)?;
            let found = &answer["Item"];
            let found = if found.is_null() { None } else { self.item(run, found)?.into() };
            let scanned = items[usize::from(key)].map(|item| (key, item));
            if found != scanned {
                run.fail(format!("a scan found {scanned:?}, and getting item {key} {found:?}"));
            }
        }
        let state = State::new(items, Default::default());
        run.heed(run.shape.check_economy(&state));
        Some(state)
    }

    /// Waits until the global indexes say what their tables say, as they must come to.
    pub async fn await_indexes(&self, run: &Run<TableShape>, state: &State) -> Option<()> {
        for table in 0..TABLES {
            let items = state.items().iter().zip(0..).filter(|(_, key)| table_of(*key) == table);
            let items = items.filter_map(|(item, key)| Some((key, (*item)?)));
            let expected: Vec<(Key, Item)> =
                items.filter(|(_, item)| item.group.is_some()).collect();
            let mut found = self.scan(run, table, Some(GLOBAL)).await?;
            for _ in 0..MAX_WRITE_TRIES {
                if found == expected {
                    break;
                }
                self.clock.world.sleep(run.patience()).await;
                found = self.scan(run, table, Some(GLOBAL)).await?;
            }
            if found != expected {
                let name = table_name(table);
                run.fail(format!(
                    "the global index of {name} stays at {found:?}, the table has {expected:?}"
                ));
            }
        }
        Some(())
    }

    /// All items of a table, or of an index, sorted: strongly, where that can be.
    async fn scan(
        &self,
        run: &Run<TableShape>,
        table: u16,
        index: Option<&str>,
    ) -> Option<Vec<(Key, Item)>> {
        let is_strong = index != Some(GLOBAL);
        let mut request = json!({
            "TableName": table_name(table), "ConsistentRead": is_strong, "Limit": 3,
        });
        if let Some(index) = index {
            request["IndexName"] = json!(index);
        }
        let mut all = Vec::new();
        loop {
            let page = self.heed(run, self.call("Scan", request.clone()).await)?;
            all.extend(self.items(run, &page["Items"])?);
            match page.get("LastEvaluatedKey") {
                Some(last) => request["ExclusiveStartKey"] = last.clone(),
                None => break,
            }
        }
        all.sort_unstable_by_key(|(key, item)| (*key, item.write));
        // An entry of a global index may go to another place while it is scanned.
        if is_strong && all.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            run.fail(format!("an item is there twice: {all:?}"));
        }
        Some(all)
    }

    /// The items that an answer lists; `None` if any is none.
    pub fn items(&self, run: &Run<TableShape>, list: &Value) -> Option<Vec<(Key, Item)>> {
        let list = list.as_array().into_iter().flatten();
        list.map(|found| self.item(run, found)).collect()
    }

    fn item(&self, run: &Run<TableShape>, found: &Value) -> Option<(Key, Item)> {
        requests::read_item(&run.shape, found).map_err(|problem| run.fail(problem)).ok()
    }

    fn heed<T>(&self, run: &Run<TableShape>, answer: Result<T, ApiError>) -> Option<T> {
        answer.map_err(|error| self.heed_error(run, &error)).ok()
    }
}
