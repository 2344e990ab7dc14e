//! Tables in this process as a target: the operations that a server is asked for, as values and without HTTP, JSON and
//! signatures. What those cost is what the target `dynamodb` takes longer.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flywheel_api::{ApiError, ErrorCode};
use flywheel_disk::real::{RealWorld, monotonic_ns, unix_time};
use flywheel_disk::{Durability, World};
use flywheel_item::AttributeValue;
use flywheel_load::{
    Addition, FieldSet, Reactor, Record, TargetError, TargetErrorKind, TargetFactory,
};
use flywheel_shard::{Engine, EngineOptions, ShardError};
use flywheel_table::{Shards, Sleeper, StorageError, TableOptions, Tables, Throttling, Wording};
use futures_executor::block_on;

use crate::items::{Asks, Failure, Gathered, ItemMapping, ItemTarget, Page};
use crate::limits::TABLE_WAIT_MAX;

/// Between two looks whether a table is made.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The engine's.
    #[error(transparent)]
    Engine(#[from] ShardError),
    /// The storage's.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// DynamoDB's: the table cannot be made, or looked at.
    #[error("table {table}: {error}")]
    Api {
        /// The table.
        table: String,
        /// Why not.
        error: Box<ApiError>,
    },
    /// There is a table of this name, and it is another.
    #[error("{0}")]
    Unfit(String),
    /// The table was not made in time.
    #[error("table {0} is still not active, long after it was made")]
    Late(String),
}

/// What an engine must be opened with for tables, beside the caller's own settings.
#[must_use]
pub fn table_engine_options(options: EngineOptions, throttling: Throttling) -> EngineOptions {
    Shards::options(options, throttling)
}

/// How work in the background waits on a core.
struct CoreSleeper(RealWorld);

impl Sleeper for CoreSleeper {
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// Makes one target for each worker, all on one table of an open engine.
#[derive(Debug, Clone)]
pub struct TableFactory {
    tables: Tables<Shards>,
    mapping: Arc<ItemMapping>,
}

impl TableFactory {
    /// The table that `mapping` names, made unless it is there. `engine` was opened with [`table_engine_options`], and
    /// has no others on it. `throttling` says whether requests beyond the table's capacity are refused.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn open(
        engine: &Engine,
        mapping: ItemMapping,
        throttling: Throttling,
    ) -> Result<Self, TableError> {
        let shards = Shards::new(engine.handle(), engine.admin())?;
        let options = TableOptions {
            wording: Wording::Current,
            region: "us-east-1".into(),
            account: "000000000000".into(),
            endpoint: String::new(),
            throttling,
            clock: Arc::new(|| unix_time().as_millis() as u64),
            monotonic_ns: Arc::new(monotonic_ns),
        };
        let tables = block_on(Tables::open(shards, options))?;
        let upkeep = tables.clone();
        block_on(engine.admin().run_on_shard(0, move || {
            // It writes no files itself: how writes are made durable does not matter.
            Box::pin(upkeep.upkeep(CoreSleeper(RealWorld::new(Durability::Dsync))))
        }))?;
        let factory = Self { tables, mapping: Arc::new(mapping) };
        factory.ensure()?;
        Ok(factory)
    }

    /// Makes the table unless it is there, and waits for it.
    fn ensure(&self) -> Result<(), TableError> {
        let Self { tables, mapping } = self;
        let failed =
            |error| TableError::Api { table: mapping.table.clone(), error: Box::new(error) };
        match block_on(tables.create_table(mapping.create())) {
            Err(error) if error.code != ErrorCode::ResourceInUse => return Err(failed(error)),
            _ => {}
        }
        let begun = Instant::now();
        while begun.elapsed() < TABLE_WAIT_MAX {
            let described = block_on(tables.describe_table(mapping.describe())).map_err(failed)?;
            let table = described.table.unwrap_or_default();
            if table.table_status.as_deref() == Some("ACTIVE") {
                return mapping.unfit(&table).map_or(Ok(()), |text| Err(TableError::Unfit(text)));
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
        Err(TableError::Late(mapping.table.clone()))
    }
}

impl TargetFactory for TableFactory {
    type Target = ItemTarget<InProcess>;

    fn name(&self) -> &str {
        "table"
    }

    fn scans_in_order(&self) -> bool {
        self.mapping.is_ordered()
    }

    async fn connect(&self, _worker: usize) -> Result<Self::Target, TargetError> {
        let (tables, mapping) = (self.tables.clone(), Arc::clone(&self.mapping));
        Ok(ItemTarget(InProcess { tables, mapping, gathered: RefCell::default() }))
    }
}

/// One worker's way to the table.
#[derive(Debug)]
pub struct InProcess {
    tables: Tables<Shards>,
    mapping: Arc<ItemMapping>,
    /// Memory that items are read into, one at a time.
    gathered: RefCell<Gathered>,
}

impl Asks for InProcess {
    fn mapping(&self) -> &ItemMapping {
        &self.mapping
    }

    fn reactor(&self) -> Option<&dyn Reactor> {
        None
    }

    async fn get(
        &self,
        key: &[u8],
        fields: FieldSet,
        is_consistent: bool,
    ) -> Result<Option<Record>, Failure> {
        let request = self.mapping.get_request(key, fields, is_consistent)?;
        let Some(item) = self.tables.get_item(request).await?.item else { return Ok(None) };
        let mut gathered = self.gathered.borrow_mut();
        gathered.take(&self.mapping, &item)?;
        Ok(Some(gathered.record()?))
    }

    async fn put(&self, key: &[u8], record: &Record) -> Result<(), Failure> {
        if self.mapping.transaction_items > 1 {
            let request = self.mapping.transact_request(key, record)?;
            self.tables.transact_write_items(request).await?;
            return Ok(());
        }
        let request = self.mapping.put_request(key, record)?;
        self.tables.put_item(request).await?;
        Ok(())
    }

    async fn update(&self, key: &[u8], changes: &Record, must_exist: bool) -> Result<(), Failure> {
        let request = self.mapping.update_request(key, changes, must_exist)?;
        self.tables.update_item(request).await?;
        Ok(())
    }

    async fn add(
        &self,
        key: &[u8],
        addition: &Addition,
        between: (i64, i64),
    ) -> Result<i64, Failure> {
        let request = self.mapping.add_request(key, addition, between)?;
        let answer = self.tables.update_item(request).await?;
        let item = answer.attributes.map(|item| item.into_item()).transpose();
        let item = item.map_err(|error| undecodable(error.to_string()))?.unwrap_or_default();
        match item.get(self.mapping.name(addition.field)?) {
            Some(AttributeValue::N(number)) => {
                let number = number.to_string();
                Ok(number.parse().map_err(|_| undecodable(format!("{number} is too long")))?)
            }
            _ => Err(undecodable("the answer has no sum".into()).into()),
        }
    }

    async fn scan(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        fields: FieldSet,
    ) -> Result<Page, Failure> {
        let request = self.mapping.scan_request(after, limit, fields)?;
        let answer = self.tables.scan(request).await?;
        let mut gathered = self.gathered.borrow_mut();
        let mut page = Page::default();
        for item in answer.items.unwrap_or_default() {
            gathered.take(&self.mapping, &item)?;
            page.rows.push(gathered.row()?);
        }
        if let Some(last) = answer.last_evaluated_key {
            gathered.take(&self.mapping, &last)?;
            page.after = Some(gathered.key()?);
        }
        Ok(page)
    }
}

fn undecodable(message: String) -> TargetError {
    TargetError::new(TargetErrorKind::Undecodable, message)
}
