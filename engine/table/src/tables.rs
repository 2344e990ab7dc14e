//! All tables of one storage: the way in. Each operation is a method, in a file of its own (`operation`).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use flywheel_api::{ApiError, Checked, ErrorCode, Operation};
use flywheel_item::Wording;

use crate::behind::Behind;
use crate::catalog::{Catalog, ChangeError};
use crate::keys;
use crate::lag::Lag;
use crate::storage::{Storage, StorageError};
use crate::table::Table;
use crate::throughput::Throttling;
use crate::transaction::TransactionName;
use crate::transaction::active::Active;
use crate::words::Words;

/// Milliseconds since 1970, or nanoseconds since some moment.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How tables present themselves.
#[derive(Clone)]
pub struct TableOptions {
    /// The words of errors.
    pub wording: Wording,
    /// The region in names of resources.
    pub region: String,
    /// The account in names of resources, twelve digits.
    pub account: String,
    /// What `DescribeEndpoints` answers with until [`Tables::is_at`] says otherwise.
    pub endpoint: String,
    /// Whether requests are turned away for want of capacity.
    pub throttling: Throttling,
    /// What time it is: for creation dates, and for items that end.
    pub clock: Clock,
    /// Nanoseconds since some fixed moment, which never go back: for what capacity there is.
    pub monotonic_ns: Clock,
}

/// All tables of one storage. Clones share them, on any thread.
pub struct Tables<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    storage: S,
    catalog: Catalog<S>,
    lag: Lag,
    behind: Behind,
    transactions: Arc<Active>,
    /// Names of transactions that were given.
    names: AtomicU64,
    options: TableOptions,
    endpoint: OnceLock<String>,
}

impl<S> Clone for Tables<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S> fmt::Debug for Tables<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl<S: Storage> Tables<S> {
    /// The tables of a storage. Nothing is done in the background until [`Tables::upkeep`] runs.
    ///
    /// # Errors
    /// The storage's, and records of tables that cannot be read.
    pub async fn open(storage: S, options: TableOptions) -> Result<Self, StorageError> {
        let clock = Arc::clone(&options.monotonic_ns);
        let catalog = Catalog::open(storage.clone(), options.throttling, clock).await?;
        storage.spread(keys::ledger()).await?;
        Ok(Self {
            shared: Arc::new(Shared {
                storage,
                catalog,
                lag: Lag::default(),
                behind: Behind::default(),
                transactions: Arc::default(),
                names: AtomicU64::new(0),
                options,
                endpoint: OnceLock::new(),
            }),
        })
    }

    pub(crate) fn storage(&self) -> &S {
        &self.shared.storage
    }

    pub(crate) fn catalog(&self) -> &Catalog<S> {
        &self.shared.catalog
    }

    pub(crate) fn transactions(&self) -> &Arc<Active> {
        &self.shared.transactions
    }

    /// A name that no transaction had, with a client's token.
    pub(crate) fn name_transaction(&self, token: Option<&str>) -> TransactionName {
        let count = self.shared.names.fetch_add(1, Ordering::Relaxed);
        TransactionName::new(self.catalog().start(), count, token)
    }

    pub(crate) fn options(&self) -> &TableOptions {
        &self.shared.options
    }

    /// Says where clients find these tables, once that is known. Of several calls the first counts.
    pub fn is_at(&self, endpoint: String) {
        let _ = self.shared.endpoint.set(endpoint);
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.shared.endpoint.get().unwrap_or(&self.shared.options.endpoint)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.shared.options.clock)()
    }

    /// How an operation refuses a request, once its members have been looked at each for itself.
    pub(crate) fn check(
        &self,
        operation: Operation,
        request: &impl Checked,
    ) -> Result<Words, ApiError> {
        let wording = self.shared.options.wording;
        request.check(wording)?;
        Ok(Words { operation, wording })
    }

    /// How far global indexes are behind their tables.
    pub fn lag(&self) -> &Lag {
        &self.shared.lag
    }

    pub(crate) fn behind(&self) -> &Behind {
        &self.shared.behind
    }

    /// The table that a request for items names, by its name or its ARN.
    pub(crate) fn serving(&self, name: Option<&str>) -> Result<Arc<Table>, ApiError> {
        let name = table_name(name.unwrap_or_default());
        let table = self.catalog().get(name).filter(|table| table.serves());
        table.ok_or_else(|| ApiError::not_found("Requested resource not found"))
    }

    /// The ARN of a table.
    pub(crate) fn table_arn(&self, name: &str) -> String {
        let TableOptions { region, account, .. } = self.options();
        format!("arn:aws:dynamodb:{region}:{account}:table/{name}")
    }
}

/// The name of a table in what may be its ARN.
pub(crate) fn table_name(name_or_arn: &str) -> &str {
    match name_or_arn.strip_prefix("arn:") {
        Some(_) => name_or_arn.split_once(":table/").map_or(name_or_arn, |(_, name)| name),
        None => name_or_arn,
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::Busy(_) => ErrorCode::Throttling,
            StorageError::Closed => ErrorCode::ServiceUnavailable,
            StorageError::Refused(_) | StorageError::Fault(_) => ErrorCode::InternalServerError,
        };
        Self::new(code, error.to_string())
    }
}

impl ChangeError<ApiError> {
    /// What is told of a change that was not made to the table of that name.
    pub(crate) fn told(self, name: &str) -> ApiError {
        match self {
            Self::NoTable => ApiError::not_found(format!(
                "Requested resource not found: Table: {name} not found"
            )),
            Self::Refused(error) => error,
            Self::Storage(error) => error.into(),
        }
    }
}
