//! ListTables: names in their order.

use std::ops::Bound;

use flywheel_api::{ApiError, ListTablesRequest, ListTablesResponse, Operation};

use crate::limits::MAX_LISTED_TABLES;
use crate::storage::Storage;
use crate::tables::Tables;

impl<S: Storage> Tables<S> {
    /// ListTables.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn list_tables(
        &self,
        request: ListTablesRequest,
    ) -> Result<ListTablesResponse, ApiError> {
        self.check(Operation::ListTables, &request)?;
        let most = request.limit.and_then(|limit| usize::try_from(limit).ok());
        let most = most.unwrap_or(MAX_LISTED_TABLES).min(MAX_LISTED_TABLES);
        let start = request.exclusive_start_table_name.as_deref();
        let start = start.map_or(Bound::Unbounded, Bound::Excluded);
        let tables = self.catalog().all();
        let listed = tables.by_name().range::<str, _>((start, Bound::Unbounded));
        let mut names = listed.map(|(name, _)| name);
        let table_names: Vec<String> = names.by_ref().take(most).cloned().collect();
        let is_last = names.next().is_none();
        Ok(ListTablesResponse {
            last_evaluated_table_name: table_names.last().filter(|_| !is_last).cloned(),
            table_names: Some(table_names),
        })
    }
}
