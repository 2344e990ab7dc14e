//! DeleteTable. The answer comes once the table takes no requests any more; `upkeep` takes it away.

use flywheel_api::{ApiError, DeleteTableRequest, DeleteTableResponse, ErrorCode, Operation};

use crate::catalog::record::{TableRecord, TableStatus};
use crate::definition::wording;
use crate::describe::describe;
use crate::extents::Extents;
use crate::storage::Storage;
use crate::tables::{Tables, table_name};

impl<S: Storage> Tables<S> {
    /// DeleteTable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn delete_table(
        &self,
        request: DeleteTableRequest,
    ) -> Result<DeleteTableResponse, ApiError> {
        self.check(Operation::DeleteTable, &request)?;
        let name = table_name(request.table_name.as_deref().unwrap_or_default());
        let changed = self.catalog().change(name, 0, |record, _| delete(record)).await;
        let table = changed.map_err(|error| error.told(name))?;
        let table = table.ok_or_else(|| ApiError::not_found(wording::no_table(name)))?;
        let arn = self.table_arn(name);
        let description = describe(&table.record, &arn, &Extents::default());
        Ok(DeleteTableResponse { table_description: Some(description) })
    }
}

fn delete(record: TableRecord) -> Result<Option<TableRecord>, ApiError> {
    if record.deletion_protection == Some(true) {
        return Err(ApiError::validation(wording::PROTECTED));
    }
    match record.status {
        TableStatus::Active => Ok(Some(TableRecord { status: TableStatus::Deleting, ..record })),
        status => {
            let message = wording::in_use(&record.name, status.name());
            Err(ApiError::new(ErrorCode::ResourceInUse, message))
        }
    }
}
