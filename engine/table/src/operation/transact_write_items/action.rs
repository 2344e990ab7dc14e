//! One action of a transaction: read, checked, and what it makes of its item. Not holding it.

use std::sync::Arc;

use flywheel_api::{ApiError, Put, Sent, TransactWriteItem};
use flywheel_item::expression::{Condition, Placeholders, Update};
use flywheel_item::{Invalid, Item, check_item, item_size_bytes};

use crate::change::Verdict;
use crate::operation::update_item::Updating;
use crate::parameters::{self, Given, is_all_old};
use crate::table::Table;
use crate::wording;
use crate::words::Words;
use crate::write;

/// An action.
pub(super) struct Action {
    kind: Kind,
    condition: Option<Condition>,
    /// Whether the item is told where the condition does not hold.
    shows: bool,
}

enum Kind {
    Put(Item),
    Delete(Item),
    Check(Item),
    Update(Item, Option<Update>),
    /// An update that knows its table.
    Updating(Box<Updating>),
}

/// What all kinds have.
struct Parts {
    table_name: Option<String>,
    condition: Option<String>,
    names: Option<std::collections::BTreeMap<String, String>>,
    values: Option<Sent<Item>>,
    on_failure: Option<String>,
}

macro_rules! parts {
    ($action:expr) => {
        Parts {
            table_name: $action.table_name,
            condition: $action.condition_expression,
            names: $action.expression_attribute_names,
            values: $action.expression_attribute_values,
            on_failure: $action.return_values_on_condition_check_failure,
        }
    };
}

/// Reads an action: its table's name, and what it is.
pub(super) fn read(words: Words, item: TransactWriteItem) -> Result<(String, Action), ApiError> {
    let TransactWriteItem { condition_check, put, delete, update } = item;
    match (condition_check, put, delete, update) {
        (Some(check), None, None, None) => {
            let key = parameters::sound(words, check.key.unwrap_or_default())?;
            finish(words, parts!(check), None, |_| Kind::Check(key))
        }
        (None, Some(put), None, None) => read_put(words, put),
        (None, None, Some(delete), None) => {
            let key = parameters::sound(words, delete.key.unwrap_or_default())?;
            finish(words, parts!(delete), None, |_| Kind::Delete(key))
        }
        (None, None, None, Some(update)) => {
            let key = parameters::sound(words, update.key.unwrap_or_default())?;
            let text = update.update_expression;
            finish(words, parts!(update), text.as_deref(), |update| Kind::Update(key, update))
        }
        (None, None, None, None) => Err(words.refuse(wording::NO_ACTION)),
        _ => Err(words.refuse(wording::SEVERAL_ACTIONS)),
    }
}

/// A put is told of in an order of its own: its values, its item but for its depth, its condition, its item.
fn read_put(words: Words, mut put: Put) -> Result<(String, Action), ApiError> {
    if put.condition_expression.is_none()
        && let Some(values) = put.expression_attribute_values.take()
    {
        // Taken, though nothing uses them.
        parameters::sound(words, values)?;
    }
    let item = put.item.take().unwrap_or_default().into_sound();
    let mut parts = parts!(put);
    let mut placeholders = parts.placeholders(words, None)?;
    let item = match item {
        Err(invalid) if invalid != Invalid::NestedTooDeep => return Err(words.invalid(&invalid)),
        item => item,
    };
    let condition = parts.condition(words, &mut placeholders)?;
    let item = item.map_err(|invalid| words.invalid(&invalid))?;
    check_item(&item).map_err(|invalid| write::of_item(words, &invalid))?;
    parts.finish(words, placeholders, condition, Kind::Put(item))
}

fn finish(
    words: Words,
    mut parts: Parts,
    update: Option<&str>,
    kind: impl FnOnce(Option<Update>) -> Kind,
) -> Result<(String, Action), ApiError> {
    let mut placeholders = parts.placeholders(words, update)?;
    let update = parameters::update(words, update, None, &mut placeholders)?;
    let condition = parts.condition(words, &mut placeholders)?;
    parts.finish(words, placeholders, condition, kind(update))
}

impl Parts {
    fn placeholders(
        &mut self,
        words: Words,
        update: Option<&str>,
    ) -> Result<Placeholders, ApiError> {
        let given = Given {
            legacy: &[],
            expressions: &[
                ("UpdateExpression", update.is_some()),
                ("ConditionExpression", self.condition.is_some()),
            ],
            named_as_missing: &[],
        };
        given.placeholders(words, self.names.take(), self.values.take())
    }

    fn condition(
        &self,
        words: Words,
        placeholders: &mut Placeholders,
    ) -> Result<Option<Condition>, ApiError> {
        parameters::condition_of_write(words, self.condition.as_deref(), None, None, placeholders)
    }

    /// The action, with its table's name.
    fn finish(
        self,
        words: Words,
        placeholders: Placeholders,
        condition: Option<Condition>,
        kind: Kind,
    ) -> Result<(String, Action), ApiError> {
        parameters::finish(words, placeholders)?;
        let shows = is_all_old(self.on_failure.as_deref());
        Ok((self.table_name.unwrap_or_default(), Action { kind, condition, shows }))
    }
}

impl Action {
    /// The item, or its key.
    pub fn item(&self) -> &Item {
        match &self.kind {
            Kind::Put(item) | Kind::Delete(item) | Kind::Check(item) | Kind::Update(item, _) => {
                item
            }
            Kind::Updating(updating) => &updating.key,
        }
    }

    /// The whole item, if it is one that is put.
    pub fn item_to_put(&self) -> Option<&Item> {
        match &self.kind {
            Kind::Put(item) => Some(item),
            _ => None,
        }
    }

    /// What the request brought to make its item of.
    pub fn brings_bytes(&self) -> usize {
        match &self.kind {
            Kind::Put(item) => item_size_bytes(item),
            Kind::Updating(updating) => updating.brings_bytes(),
            Kind::Delete(_) | Kind::Check(_) | Kind::Update(..) => 0,
        }
    }

    /// Whether it changes its item.
    pub fn writes(&self) -> bool {
        !matches!(self.kind, Kind::Check(_))
    }

    /// Whether what becomes of the item depends on what it is.
    pub fn looks(&self) -> bool {
        self.condition.is_some() || matches!(self.kind, Kind::Update(..) | Kind::Updating(_))
    }

    /// The same, of an item of this table.
    pub fn of_table(self, words: Words, table: &Arc<Table>) -> Result<Self, ApiError> {
        let Self { kind, condition, shows } = self;
        let (kind, condition) = match kind {
            Kind::Update(key, update) => {
                let table = Arc::clone(table);
                let updating = Updating { words, table, key, update, condition, shows };
                updating.check()?;
                (Kind::Updating(Box::new(updating)), None)
            }
            kind => (kind, condition),
        };
        Ok(Self { kind, condition, shows })
    }

    /// What becomes of the item.
    pub fn decide(self, before: Option<&Item>) -> Result<Verdict, ApiError> {
        write::check_condition(self.condition.as_ref(), before, self.shows)?;
        match self.kind {
            Kind::Put(item) => Ok(Verdict::Put(item)),
            Kind::Delete(_) => Ok(Verdict::Delete),
            Kind::Check(_) | Kind::Update(..) => Ok(Verdict::Keep),
            Kind::Updating(updating) => updating.decide(before),
        }
    }
}
