//! PutItem: an item in place of what was there.

use flywheel_api::{ApiError, ItemOut, Operation, PutItemRequest, PutItemResponse};
use flywheel_item::{Item, check_item, item_size_bytes};

use crate::change::{Verdict, Write};
use crate::item_key::KeyTypeFault;
use crate::parameters::{self, Given, is_all_old};
use crate::storage::Storage;
use crate::tables::Tables;
use crate::write;

impl<S: Storage> Tables<S> {
    /// PutItem. On return the item is durable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn put_item(&self, request: PutItemRequest) -> Result<PutItemResponse, ApiError> {
        let words = self.check(Operation::PutItem, &request)?;
        parameters::check_entries(words, request.expected.as_ref())?;
        let item = parameters::sound(words, request.item.unwrap_or_default())?;
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
        let condition = parameters::condition_of_write(
            words,
            request.condition_expression.as_deref(),
            request.expected,
            request.conditional_operator.as_deref(),
            &mut placeholders,
        )?;
        let returns_old = write::returns_old(words, request.return_values.as_deref())?;
        check_item(&item).map_err(|invalid| write::of_item(words, &invalid))?;
        parameters::finish(words, placeholders)?;
        let table = self.serving(request.table_name.as_deref())?;
        table.check_item(words, &item, KeyTypeFault::Named)?;
        let key = table.item_key(&item);
        let collection =
            write::collection(&table, &item, request.return_item_collection_metrics.as_deref());
        let shows = is_all_old(request.return_values_on_condition_check_failure.as_deref());
        let changed = self
            .change(Write {
                table: table.clone(),
                key,
                brings_bytes: item_size_bytes(&item),
                looks: condition.is_some() || returns_old,
                decide: move |before: Option<&Item>| {
                    write::check_condition(condition.as_ref(), before, shows)?;
                    Ok(Verdict::Put(item))
                },
            })
            .await?;
        let mode = request.return_consumed_capacity.as_deref();
        Ok(PutItemResponse {
            consumed_capacity: changed.units(&table).told(mode, table.name()),
            attributes: changed.before.filter(|_| returns_old).map(ItemOut::Built),
            item_collection_metrics: collection,
        })
    }
}
