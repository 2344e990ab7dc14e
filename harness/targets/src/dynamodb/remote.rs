//! The requests of one worker, each sent and its response read; and making the table. Not how bytes travel.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flywheel_api::{
    ApiError, CreateTableResponse, DescribeTableResponse, ErrorCode, TableDescription, read, write,
};
use flywheel_load::{Addition, FieldSet, Reactor, Record, TargetError, TargetErrorKind};
use futures_executor::block_on;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::{DynamoDbError, Shared, answer};
use crate::items::{Asks, Failure, Gathered, ItemMapping, Page};
use crate::limits::TABLE_WAIT_MAX;

/// Between two looks whether a table is made.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// One worker's way to the endpoint.
pub struct Remote {
    client: Client,
    shared: Arc<Shared>,
    /// Memory that items are read into, one at a time.
    gathered: RefCell<Gathered>,
}

impl Remote {
    pub(super) fn new(client: Client, shared: Arc<Shared>) -> Self {
        Self { client, shared, gathered: RefCell::default() }
    }

    /// Makes the table unless it is there, and waits until it is active. Whether it was made.
    pub(super) fn ensure(&self, url: &str) -> Result<bool, DynamoDbError> {
        let mapping = &self.shared.mapping;
        let table = || mapping.table.clone();
        let failed = |failure| match failure {
            Failure::Api(error) => DynamoDbError::Api { url: url.into(), table: table(), error },
            Failure::Target(error) => DynamoDbError::Target { url: url.into(), error },
        };
        let begun = Instant::now();
        let mut is_new = false;
        loop {
            let status = match self.describe() {
                Ok(found) => {
                    if let Some(problem) = mapping.unfit(&found) {
                        return Err(DynamoDbError::Unfit { url: url.into(), problem });
                    }
                    found.table_status.unwrap_or_default()
                }
                Err(Failure::Api(error)) if error.code == ErrorCode::ResourceNotFound => {
                    if !is_new {
                        is_new = true;
                        match self.create() {
                            // Somebody else was faster.
                            Err(Failure::Api(e)) if e.code == ErrorCode::ResourceInUse => {}
                            created => created.map_err(failed)?,
                        }
                    }
                    "not there".into()
                }
                Err(failure) => return Err(failed(failure)),
            };
            if status == "ACTIVE" || status == "UPDATING" {
                return Ok(is_new);
            }
            if begun.elapsed() >= TABLE_WAIT_MAX {
                return Err(DynamoDbError::Late { url: url.into(), table: table(), status });
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
    }

    fn describe(&self) -> Result<TableDescription, Failure> {
        let request = self.shared.mapping.describe();
        let answer: DescribeTableResponse = block_on(self.call("DescribeTable", &request))?;
        Ok(answer.table.unwrap_or_default())
    }

    fn create(&self) -> Result<(), Failure> {
        let request = self.shared.mapping.create();
        let _: CreateTableResponse = block_on(self.call("CreateTable", &request))?;
        Ok(())
    }

    /// A request that is not for items.
    async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        request: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = write(request)?;
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(&body);
            Ok(())
        };
        self.client.exchange(operation, fill, |status, body| Ok(read(good(status, body)?)?)).await
    }

    /// A request whose response says nothing but that it was done.
    async fn done(
        &self,
        operation: &str,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), TargetError>,
    ) -> Result<(), Failure> {
        self.client.exchange(operation, fill, |status, body| good(status, body).map(|_| ())).await
    }
}

/// The body of a response, unless it is an error.
fn good(status: u16, body: &[u8]) -> Result<&[u8], Failure> {
    if status == 200 {
        return Ok(body);
    }
    let error = ApiError::from_json(status, body);
    // Whoever stands before the service, and has no room, has no words of its own.
    if matches!(status, 429 | 503) && error.code == ErrorCode::InternalServerError {
        let what = if status == 429 { "status 429" } else { "status 503" };
        return Err(TargetError::new(TargetErrorKind::Overloaded, what).into());
    }
    Err(error.into())
}

impl Asks for Remote {
    fn mapping(&self) -> &ItemMapping {
        &self.shared.mapping
    }

    fn reactor(&self) -> Option<&dyn Reactor> {
        Some(&self.client)
    }

    async fn get(
        &self,
        key: &[u8],
        fields: FieldSet,
        is_consistent: bool,
    ) -> Result<Option<Record>, Failure> {
        let Shared { mapping, bodies } = &*self.shared;
        let fill = |out: &mut Vec<u8>| bodies.get(key, fields, is_consistent, out);
        let read = |status, body: &[u8]| {
            let gathered = &mut *self.gathered.borrow_mut();
            let is_found = answer::item(good(status, body)?, "Item", mapping, gathered)?;
            Ok(if is_found { Some(gathered.record()?) } else { None })
        };
        self.client.exchange("GetItem", fill, read).await
    }

    async fn put(&self, key: &[u8], record: &Record) -> Result<(), Failure> {
        let Shared { mapping, bodies } = &*self.shared;
        if mapping.transaction_items > 1 {
            let fill = |out: &mut Vec<u8>| bodies.transact(mapping, key, record, out);
            return self.done("TransactWriteItems", fill).await;
        }
        self.done("PutItem", |out| bodies.put(mapping, key, record, out)).await
    }

    async fn update(&self, key: &[u8], changes: &Record, must_exist: bool) -> Result<(), Failure> {
        let Shared { mapping, bodies } = &*self.shared;
        self.done("UpdateItem", |out| bodies.update(mapping, key, changes, must_exist, out)).await
    }

    async fn add(
        &self,
        key: &[u8],
        addition: &Addition,
        between: (i64, i64),
    ) -> Result<i64, Failure> {
        let Shared { mapping, bodies } = &*self.shared;
        let fill = |out: &mut Vec<u8>| bodies.add(mapping, key, addition, between, out);
        let read = |status, body: &[u8]| {
            let gathered = &mut *self.gathered.borrow_mut();
            answer::item(good(status, body)?, "Attributes", mapping, gathered)?;
            Ok(gathered.record()?.number(addition.field).map_err(TargetError::from)?)
        };
        self.client.exchange("UpdateItem", fill, read).await
    }

    async fn scan(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        fields: FieldSet,
    ) -> Result<Page, Failure> {
        let Shared { mapping, bodies } = &*self.shared;
        let fill = |out: &mut Vec<u8>| bodies.scan(after, limit, fields, out);
        let read = |status, body: &[u8]| {
            let gathered = &mut *self.gathered.borrow_mut();
            Ok(answer::page(good(status, body)?, mapping, gathered)?)
        };
        self.client.exchange("Scan", fill, read).await
    }
}
