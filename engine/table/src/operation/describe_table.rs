//! DescribeTable.

use flywheel_api::{
    ApiError, DescribeTableRequest, DescribeTableResponse, Operation, TableDescription,
};

use crate::definition::wording;
use crate::describe::describe;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::{Tables, table_name};

impl<S: Storage> Tables<S> {
    /// DescribeTable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn describe_table(
        &self,
        request: DescribeTableRequest,
    ) -> Result<DescribeTableResponse, ApiError> {
        self.check(Operation::DescribeTable, &request)?;
        let table = self.existing(request.table_name.as_deref())?;
        Ok(DescribeTableResponse { table: Some(self.description(&table).await?) })
    }

    /// A table that is there, in whatever state.
    pub(crate) fn existing(&self, name: Option<&str>) -> Result<std::sync::Arc<Table>, ApiError> {
        let name = table_name(name.unwrap_or_default());
        self.catalog().get(name).ok_or_else(|| ApiError::not_found(wording::no_table(name)))
    }

    pub(crate) async fn description(&self, table: &Table) -> Result<TableDescription, ApiError> {
        let extents = self.extents(table).await?;
        Ok(describe(&table.record, &self.table_arn(table.name()), &extents))
    }
}
