//! DeleteItem: an item goes, if it is there.

use flywheel_api::{ApiError, DeleteItemRequest, DeleteItemResponse, ItemOut, Operation};

use flywheel_item::Item;

use crate::change::{Verdict, Write};
use crate::parameters::{self, Given, is_all_old};
use crate::storage::Storage;
use crate::tables::Tables;
use crate::write;

impl<S: Storage> Tables<S> {
    /// DeleteItem. On return that the item is gone is durable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn delete_item(
        &self,
        request: DeleteItemRequest,
    ) -> Result<DeleteItemResponse, ApiError> {
        let words = self.check(Operation::DeleteItem, &request)?;
        parameters::check_entries(words, request.expected.as_ref())?;
        let given = Given {
            legacy: &[
                ("Expected", request.expected.is_some()),
                ("ConditionalOperator", request.conditional_operator.is_some()),
            ],
            expressions: &[("ConditionExpression", request.condition_expression.is_some())],
            named_as_missing: &[],
        };
        let mut placeholders = given.placeholders(
            words,
            request.expression_attribute_names,
            request.expression_attribute_values,
        )?;
        let key = parameters::sound(words, request.key.unwrap_or_default())?;
        let condition = parameters::condition_of_write(
            words,
            request.condition_expression.as_deref(),
            request.expected,
            request.conditional_operator.as_deref(),
            &mut placeholders,
        )?;
        let returns_old = write::returns_old(words, request.return_values.as_deref())?;
        parameters::finish(words, placeholders)?;
        let table = self.serving(request.table_name.as_deref())?;
        table.check_key(words, &key)?;
        let collection =
            write::collection(&table, &key, request.return_item_collection_metrics.as_deref());
        let shows = is_all_old(request.return_values_on_condition_check_failure.as_deref());
        let changed = self
            .change(Write {
                table: table.clone(),
                key: table.item_key(&key),
                brings_bytes: 0,
                looks: condition.is_some() || returns_old,
                decide: move |before: Option<&Item>| {
                    write::check_condition(condition.as_ref(), before, shows)?;
                    Ok(Verdict::Delete)
                },
            })
            .await?;
        let mode = request.return_consumed_capacity.as_deref();
        Ok(DeleteItemResponse {
            consumed_capacity: changed.units(&table).told(mode, table.name()),
            attributes: changed.before.filter(|_| returns_old).map(ItemOut::Built),
            item_collection_metrics: collection,
        })
    }
}
