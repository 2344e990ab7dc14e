//! UpdateItem: attributes of an item change, and the item is made if there is none.

use std::sync::Arc;

use flywheel_api::{ApiError, ItemOut, Operation, UpdateItemRequest, UpdateItemResponse};
use flywheel_item::expression::{Condition, Projection, Update};
use flywheel_item::limits::MAX_ITEM_BYTES;
use flywheel_item::{Invalid, Item};

use crate::change::{Changed, Verdict, Write};
use crate::parameters::{self, Given, is_all_old};
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::wording;
use crate::words::Words;
use crate::write;

impl<S: Storage> Tables<S> {
    /// UpdateItem. On return the item is durable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn update_item(
        &self,
        request: UpdateItemRequest,
    ) -> Result<UpdateItemResponse, ApiError> {
        let words = self.check(Operation::UpdateItem, &request)?;
        parameters::check_entries(words, request.attribute_updates.as_ref())?;
        parameters::check_entries(words, request.expected.as_ref())?;
        let given = Given {
            legacy: &[
                ("AttributeUpdates", request.attribute_updates.is_some()),
                ("Expected", request.expected.is_some()),
                ("ConditionalOperator", request.conditional_operator.is_some()),
            ],
            expressions: &[
                ("UpdateExpression", request.update_expression.is_some()),
                ("ConditionExpression", request.condition_expression.is_some()),
            ],
            named_as_missing: &[],
        };
        let mut placeholders = given.placeholders(
            words,
            request.expression_attribute_names,
            request.expression_attribute_values,
        )?;
        let key = parameters::sound(words, request.key.unwrap_or_default())?;
        if request.condition_expression.as_deref() == Some("") {
            // Told before the update is looked at.
            parameters::condition_of_write(words, Some(""), None, None, &mut placeholders)?;
        }
        let update = parameters::update(
            words,
            request.update_expression.as_deref(),
            request.attribute_updates,
            &mut placeholders,
        )?;
        let condition = parameters::condition_of_write(
            words,
            request.condition_expression.as_deref(),
            request.expected,
            request.conditional_operator.as_deref(),
            &mut placeholders,
        )?;
        parameters::finish(words, placeholders)?;
        let table = self.serving(request.table_name.as_deref())?;
        table.check_key(words, &key)?;
        let collection =
            write::collection(&table, &key, request.return_item_collection_metrics.as_deref());
        let returns = Returns::of(request.return_values.as_deref(), update.as_ref());
        let updating = Updating {
            words,
            table: Arc::clone(&table),
            shows: is_all_old(request.return_values_on_condition_check_failure.as_deref()),
            condition,
            update,
            key,
        };
        updating.check()?;
        let changed = self
            .change(Write {
                key: table.item_key(&updating.key),
                table: Arc::clone(&table),
                brings_bytes: updating.brings_bytes(),
                looks: true,
                decide: move |before: Option<&Item>| updating.decide(before),
            })
            .await?;
        let mode = request.return_consumed_capacity.as_deref();
        Ok(UpdateItemResponse {
            consumed_capacity: changed.units(&table).told(mode, table.name()),
            attributes: returns.of_change(changed),
            item_collection_metrics: collection,
        })
    }
}

/// An update on its way to its item.
pub(crate) struct Updating {
    pub words: Words,
    pub table: Arc<Table>,
    pub key: Item,
    pub update: Option<Update>,
    pub condition: Option<Condition>,
    /// Whether the item is told where the condition does not hold.
    pub shows: bool,
}

impl Updating {
    /// What can be told before the item is looked at.
    pub fn check(&self) -> Result<(), ApiError> {
        let Some(update) = &self.update else { return Ok(()) };
        if update.request_size_bytes() > MAX_ITEM_BYTES {
            return Err(self.words.unfit(&Invalid::UpdateTooLarge));
        }
        let keys = update.actions().map(|action| action.path.name());
        match keys.into_iter().find(|name| self.table.key.contains(name)) {
            Some(name) => Err(ApiError::validation(wording::key_update(name))),
            None => Ok(()),
        }
    }

    /// What the request brought to change the item with.
    pub fn brings_bytes(&self) -> usize {
        self.update.as_ref().map_or(0, Update::request_size_bytes)
    }

    /// What becomes of the item.
    pub fn decide(self, before: Option<&Item>) -> Result<Verdict, ApiError> {
        write::check_condition(self.condition.as_ref(), before, self.shows)?;
        let only_clears = self.update.as_ref().is_some_and(Update::only_clears);
        if before.is_none() && only_clears {
            return Ok(Verdict::Keep);
        }
        let item = before.unwrap_or(&self.key);
        let after = match &self.update {
            Some(update) => update.apply(item).map_err(|invalid| self.words.unfit(&invalid))?,
            None => item.clone(),
        };
        self.table.check_index_keys(self.words, &after, Some(item))?;
        if before == Some(&after) {
            return Ok(Verdict::Keep);
        }
        Ok(Verdict::Put(after))
    }
}

/// What of the item is returned.
enum Returns {
    Nothing,
    All { is_old: bool },
    Touched { is_old: bool, paths: Projection },
}

impl Returns {
    fn of(parameter: Option<&str>, update: Option<&Update>) -> Self {
        let paths = || {
            let actions = update.into_iter().flat_map(Update::actions);
            Projection::of(actions.map(|action| action.path.clone()).collect())
        };
        match parameter {
            Some("ALL_OLD") => Self::All { is_old: true },
            Some("ALL_NEW") => Self::All { is_old: false },
            Some("UPDATED_OLD") => Self::Touched { is_old: true, paths: paths() },
            Some("UPDATED_NEW") => Self::Touched { is_old: false, paths: paths() },
            _ => Self::Nothing,
        }
    }

    fn of_change(self, changed: Changed) -> Option<ItemOut> {
        let side = |is_old| if is_old { changed.before } else { changed.after };
        match self {
            Self::Nothing => None,
            Self::All { is_old } => side(is_old).map(ItemOut::Built),
            Self::Touched { is_old, paths } => {
                let touched = paths.apply(&side(is_old)?);
                (!touched.is_empty()).then_some(ItemOut::Built(touched))
            }
        }
    }
}
