//! GetItem: one item, or parts of it.

use flywheel_api::{ApiError, GetItemRequest, GetItemResponse, ItemOut, Operation};
use flywheel_capacity::units::read_units;

use crate::capacity::Units;
use crate::parameters::{self, Given};
use crate::storage::Storage;
use crate::stored;
use crate::table::Source;
use crate::tables::Tables;
use crate::throughput::permit::Spot;

impl<S: Storage> Tables<S> {
    /// GetItem. Every read sees what was acknowledged before it, whether it asks for that or not.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn get_item(&self, request: GetItemRequest) -> Result<GetItemResponse, ApiError> {
        let words = self.check(Operation::GetItem, &request)?;
        parameters::check_names(words, request.attributes_to_get.as_deref())?;
        let given = Given {
            legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
            expressions: &[("ProjectionExpression", request.projection_expression.is_some())],
            named_as_missing: &[],
        };
        let names = request.expression_attribute_names;
        let mut placeholders = given.placeholders(words, names, None)?;
        let key = parameters::sound(words, request.key.unwrap_or_default())?;
        let projection = parameters::projection(
            words,
            request.projection_expression.as_deref(),
            request.attributes_to_get.as_deref(),
            &mut placeholders,
        )?;
        parameters::finish(words, placeholders)?;
        let table = self.serving(request.table_name.as_deref())?;
        table.check_key(words, &key)?;
        let is_consistent = request.consistent_read == Some(true);
        let (key, least) = (table.item_key(&key), read_units(0, is_consistent));
        let permit = self.reserve_read(&table, Source::Table, Some(Spot::item(&key)), least)?;
        let found = self.stored(&key).await?;
        let size_bytes = found.as_ref().map(|found| stored::size_bytes(found)).transpose()?;
        let units = Units {
            table: read_units(size_bytes.unwrap_or_default(), is_consistent),
            ..Units::default()
        };
        permit.settle(units.table);
        let item = match (found, projection) {
            (None, _) => None,
            (Some(found), None) => Some(ItemOut::Stored(found)),
            (Some(found), Some(projection)) => {
                Some(projection.apply(&stored::decode(&found)?).into())
            }
        };
        let mode = request.return_consumed_capacity.as_deref();
        Ok(GetItemResponse { item, consumed_capacity: units.told(mode, table.name()) })
    }
}
