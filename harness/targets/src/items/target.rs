//! A workload's operations on items, whoever answers: what of a scan has to be asked page by page, and what became of
//! an addition. Not what requests look like.

use std::future::Future;

use bytes::Bytes;
use flywheel_api::{ApiError, ErrorCode};
use flywheel_load::{
    Added, Addition, FieldSet, Reactor, Record, Row, Target, TargetError, TargetErrorKind, Updated,
};

use super::mapping::ItemMapping;
use super::records::Gathered;
use crate::limits::SCAN_ROWS_AHEAD;

/// Why a request was not answered as was asked.
#[derive(Debug)]
pub enum Failure {
    /// DynamoDB's own errors.
    Api(Box<ApiError>),
    /// What came before one could be told, or instead.
    Target(TargetError),
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

/// A page of a scan.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Where the next one begins, if there is one.
    pub after: Option<Bytes>,
}

/// Whoever takes requests.
pub trait Asks {
    /// How records are items.
    fn mapping(&self) -> &ItemMapping;

    /// What the worker turns, if anything.
    fn reactor(&self) -> Option<&dyn Reactor>;

    /// GetItem.
    fn get(
        &self,
        key: &[u8],
        fields: FieldSet,
        is_consistent: bool,
    ) -> impl Future<Output = Result<Option<Record>, Failure>>;

    /// PutItem.
    fn put(&self, key: &[u8], record: &Record) -> impl Future<Output = Result<(), Failure>>;

    /// UpdateItem of some fields; `must_exist` makes it conditional.
    fn update(
        &self,
        key: &[u8],
        changes: &Record,
        must_exist: bool,
    ) -> impl Future<Output = Result<(), Failure>>;

    /// UpdateItem that adds, on condition that the number now is from the first of these to the last. What it then
    /// is.
    fn add(
        &self,
        key: &[u8],
        addition: &Addition,
        between: (i64, i64),
    ) -> impl Future<Output = Result<i64, Failure>>;

    /// Scan behind a key, or from the beginning.
    fn scan(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        fields: FieldSet,
    ) -> impl Future<Output = Result<Page, Failure>>;
}

/// A target of items.
#[derive(Debug)]
pub struct ItemTarget<A>(pub A);

impl<A: Asks> Target for ItemTarget<A> {
    fn reactor(&self) -> Option<&dyn Reactor> {
        self.0.reactor()
    }

    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        let is_consistent = self.0.mapping().consistent_reads;
        self.0.get(key, fields, is_consistent).await.map_err(refusal)
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        let mut rows = Vec::with_capacity(count.min(SCAN_ROWS_AHEAD));
        if count == 0 {
            return Ok(rows);
        }
        let mut after = None;
        // No key is empty: such a scan begins at the beginning.
        if !start.is_empty() {
            let start = Bytes::copy_from_slice(start);
            // The scan itself begins behind its start.
            let found = self.0.get(&start, fields, false).await.map_err(refusal)?;
            rows.extend(found.map(|record| Row { key: start.clone(), record }));
            after = Some(start);
        }
        while rows.len() < count {
            let limit = count - rows.len();
            let page = self.0.scan(after.as_deref(), limit, fields).await.map_err(refusal)?;
            rows.extend(page.rows);
            after = page.after;
            if after.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.0.put(key, &record).await.map_err(refusal)
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        let must_exist = !whole && self.0.mapping().conditional_updates;
        match self.0.update(key, &changes, must_exist).await {
            Ok(()) => Ok(Updated::Applied),
            Err(Failure::Api(error)) if error.code == ErrorCode::ConditionalCheckFailed => {
                Ok(Updated::NotFound)
            }
            Err(failure) => Err(refusal(failure)),
        }
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        // The sum is no less than the least, and a number still.
        let least_before = |sum: i64| i128::from(sum) - i128::from(addition.amount);
        let within = |bound: i128| bound.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let between = (within(least_before(addition.least)), within(least_before(i64::MAX)));
        let error = match self.0.add(key, &addition, between).await {
            Ok(sum) => return Ok(Added::Applied(sum)),
            Err(Failure::Api(error)) if error.code == ErrorCode::ConditionalCheckFailed => error,
            Err(failure) => return Err(refusal(failure)),
        };
        let Some(item) = error.item else { return Ok(Added::NotFound) };
        let mut gathered = Gathered::default();
        gathered.take(self.0.mapping(), &(*item).into())?;
        match addition.apply(&gathered.record()?)? {
            (added @ (Added::TooLittle(_) | Added::NotFound), _) => Ok(added),
            (Added::Applied(_), _) => {
                Err(TargetError::new(TargetErrorKind::Other, "a condition that holds was refused"))
            }
        }
    }
}

/// What the driver counts a failure as.
pub fn refusal(failure: Failure) -> TargetError {
    let error = match failure {
        Failure::Target(error) => return error,
        Failure::Api(error) => error,
    };
    let kind = match error.code {
        // Under overload most answers are of these kinds: no message is put together for them.
        ErrorCode::ProvisionedThroughputExceeded
        | ErrorCode::RequestLimitExceeded
        | ErrorCode::Throttling => {
            return TargetError::new(TargetErrorKind::Throttled, error.code.name());
        }
        ErrorCode::ServiceUnavailable => TargetErrorKind::Unavailable,
        ErrorCode::InternalServerError
        | ErrorCode::TransactionConflict
        | ErrorCode::TransactionInProgress
        | ErrorCode::TransactionCanceled
        | ErrorCode::ConditionalCheckFailed => TargetErrorKind::Other,
        // The rest is wrong with the request, who sends it, or the table.
        _ => TargetErrorKind::Invalid,
    };
    TargetError::from_display(kind, error)
}
