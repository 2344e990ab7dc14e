//! Tables on simulated shards, asked in JSON. No tests here.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flywheel_api::{ApiError, Operation};
use flywheel_disk::sim::{SimDisk, SimWorld, run};
use flywheel_disk::{TaskClass, World};
use flywheel_item::Wording;
use flywheel_shard::{EngineOptions, LocalEngine, StoreOptions};
use flywheel_table::{Shards, Sleeper, TableOptions, Tables, Throttling};
use serde_json::{Value, json};

/// When simulated time begins, in milliseconds since 1970.
pub const BEGINNING_MS: u64 = 1_790_000_000_000;

/// Tables, and the machine they are on.
pub struct Service {
    pub tables: Tables<Shards>,
    /// Dropped without being closed: as a crash would end it.
    pub engine: LocalEngine,
    pub world: SimWorld,
    /// How far the clock is ahead of the simulated time.
    ahead_ms: Arc<AtomicU64>,
}

struct SimSleeper(SimWorld);

impl Sleeper for SimSleeper {
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// Runs a test on tables of two shards.
pub fn on_tables(test: impl AsyncFnOnce(Service)) {
    on_disk(&SimDisk::new(), test);
}

/// The same where the largest items fit.
pub fn on_large_tables(test: impl AsyncFnOnce(Service)) {
    run(7, &SimDisk::new(), async |world| {
        test(Service::open_with(&world, 32 << 20).await).await;
    });
}

/// The same on a disk that may hold something already.
pub fn on_disk(disk: &SimDisk, test: impl AsyncFnOnce(Service)) {
    run(7, disk, async |world| test(Service::open(&world).await).await);
}

/// Runs a test on tables that throttle.
pub fn on_throttled_tables(test: impl AsyncFnOnce(Service)) {
    run(7, &SimDisk::new(), async |world| {
        test(Service::open_throttling(&world, Throttling::AsSet, |_| {}).await).await;
    });
}

/// The same, and partitions have limits; with the engine's options changed.
pub fn on_adapting_tables(
    change: impl FnOnce(&mut EngineOptions),
    test: impl AsyncFnOnce(Service),
) {
    on_adapting_disk(&SimDisk::new(), change, test);
}

/// The same on a disk that may hold something already.
pub fn on_adapting_disk(
    disk: &SimDisk,
    change: impl FnOnce(&mut EngineOptions),
    test: impl AsyncFnOnce(Service),
) {
    run(7, disk, async |world| {
        let options = |options: &mut EngineOptions| {
            options.store.segment_bytes = 8 << 20;
            change(options);
        };
        test(Service::open_throttling(&world, Throttling::Dynamodb, options).await).await;
    });
}

impl Service {
    pub async fn open(world: &SimWorld) -> Self {
        Self::open_with(world, 2 << 20).await
    }

    pub async fn open_with(world: &SimWorld, segment_bytes: u32) -> Self {
        Self::open_as(world, |options| options.store.segment_bytes = segment_bytes).await
    }

    /// With the engine's options changed.
    pub async fn open_as(world: &SimWorld, change: impl FnOnce(&mut EngineOptions)) -> Self {
        Self::open_throttling(world, Throttling::Never, change).await
    }

    /// And with requests throttled or not.
    pub async fn open_throttling(
        world: &SimWorld,
        throttling: Throttling,
        change: impl FnOnce(&mut EngineOptions),
    ) -> Self {
        let options = EngineOptions {
            store: StoreOptions { cache_bytes: 4 << 20, ..StoreOptions::default() },
            ..EngineOptions::default()
        };
        let mut options = Shards::options(options, throttling);
        // Small ones are made sooner; only the largest items need more.
        options.store.segment_bytes = 2 << 20;
        change(&mut options);
        let worlds = vec![world.clone(), world.another()];
        let engine = LocalEngine::open(worlds, Path::new("/data"), options).await.expect("opened");
        let shards = Shards::new(engine.handle(), engine.admin()).expect("made for tables");
        let now_ms = Arc::new(AtomicU64::new(BEGINNING_MS));
        let (clock, ticks) = (Arc::clone(&now_ms), Arc::clone(&now_ms));
        let options = TableOptions {
            wording: Wording::Current,
            region: "eu-west-1".into(),
            account: "000000000000".into(),
            endpoint: "127.0.0.1:8000".into(),
            throttling,
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            monotonic_ns: Arc::new(move || ticks.load(Ordering::Relaxed) * 1_000_000),
        };
        let tables = Tables::open(shards, options).await.expect("read");
        let upkeep = tables.clone().upkeep(SimSleeper(world.clone()));
        world.spawn(TaskClass::Background, upkeep);
        let (ticking, ahead_ms) = (world.clone(), Arc::<AtomicU64>::default());
        let ahead = Arc::clone(&ahead_ms);
        world.spawn(TaskClass::Background, async move {
            loop {
                ticking.sleep(Duration::from_millis(10)).await;
                let passed_ms = ticking.now_ns() / 1_000_000 + ahead.load(Ordering::Relaxed);
                now_ms.store(BEGINNING_MS + passed_ms, Ordering::Relaxed);
            }
        });
        Self { tables, engine, world: world.clone(), ahead_ms }
    }

    /// What an operation answers.
    pub async fn call(&self, operation: &str, body: Value) -> Result<Value, ApiError> {
        let operation = Operation::from_name(operation).expect("an operation");
        let answer = self.tables.call(operation, body.to_string().as_bytes()).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    /// The same, of what is sound.
    pub async fn ok(&self, operation: &str, body: Value) -> Value {
        let shown = body.to_string();
        match self.call(operation, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {shown}: {error}"),
        }
    }

    /// The error, as `Name: message`.
    pub async fn refused(&self, operation: &str, body: Value) -> String {
        let shown = body.to_string();
        match self.call(operation, body).await {
            Ok(answer) => panic!("{operation} {shown} was not refused: {answer}"),
            Err(error) => error.to_string(),
        }
    }

    /// Makes a table and waits until it serves.
    pub async fn create(&self, definition: Value) {
        let name = definition["TableName"].clone();
        self.ok("CreateTable", definition).await;
        self.until_status(&name, "ACTIVE").await;
    }

    pub async fn until_status(&self, name: &Value, status: &str) {
        for _ in 0..1000 {
            let described = self.ok("DescribeTable", json!({"TableName": name})).await;
            if described["Table"]["TableStatus"] == status {
                return;
            }
            self.world.sleep(Duration::from_millis(5)).await;
        }
        panic!("{name} did not become {status}");
    }

    pub async fn put(&self, table: &str, item: Value) {
        self.ok("PutItem", json!({"TableName": table, "Item": item})).await;
    }

    /// Lets days pass at once, as for a process that was asleep.
    pub fn set_clock_ahead(&self, days: u64) {
        self.ahead_ms.fetch_add(days * 24 * 3_600_000, Ordering::Relaxed);
    }

    pub async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }
}

/// A table with a partition key `p` and a sort key `s`, both text.
pub fn pair(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

/// A table with a partition key `k`, text.
pub fn single(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    })
}
