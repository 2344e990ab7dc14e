//! TransactGetItems and TransactWriteItems. Both wordings are the older form here, which is what most regions
//! have of these.

use flywheel_item::{Item, Wording};

use super::wording::{self, Constraint};
use super::{CAPACITY, Checked, Faults, METRICS, ON_FAILURE, echo, names, not_null, one_of};
use crate::error::ApiError;
use crate::limits::{MAX_TOKEN_LENGTH, MAX_TRANSACTION_ACTIONS};
use crate::messages::{TransactGetItemsRequest, TransactWriteItem, TransactWriteItemsRequest};
use crate::value::Sent;

const ITEMS: &str = "transactItems";

/// That there are actions, and not too many.
fn check_count<T>(
    items: &Option<Vec<T>>,
    echo: impl FnOnce(&[T]) -> String,
) -> Result<&[T], ApiError> {
    Faults::none().and(not_null(ITEMS, items)).end()?;
    let items = items.as_deref().unwrap_or_default();
    let broken = match items.len() {
        0 => Some(Constraint::LengthAtLeast(1).broken_by("[]", ITEMS)),
        count if count > MAX_TRANSACTION_ACTIONS => {
            Some(Constraint::LengthAtMost(MAX_TRANSACTION_ACTIONS).broken_by(echo(items), ITEMS))
        }
        _ => None,
    };
    Faults::none().and(broken).end()?;
    Ok(items)
}

fn path_of(at: usize) -> String {
    format!("{ITEMS}.{}.member", at + 1)
}

impl Checked for TransactGetItemsRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        let items = check_count(&self.transact_items, echo::gets)?;
        let capacity = one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY);
        let missing = items.iter().enumerate().flat_map(|(at, item)| {
            let path = |member: &str| format!("{}.{member}", path_of(at));
            match &item.get {
                None => [not_null(&path("get"), &item.get), None],
                Some(get) if get.key.is_some() && get.table_name.is_some() => [None, None],
                Some(get) => [
                    not_null(&path("get.key"), &get.key),
                    not_null(&path("get.tableName"), &get.table_name),
                ],
            }
        });
        Faults::none().and(missing.flatten()).and(capacity).end()?;
        let names = items.iter().enumerate().flat_map(|(at, item)| {
            let name = item.get.as_ref().and_then(|get| get.table_name.as_deref());
            let wrong = name.filter(|name| !names::is_sound(name));
            let path = || format!("{}.get.tableName", path_of(at));
            wrong.map(|name| names::all_faults_length_first(&path(), &Some(name.to_owned())))
        });
        Faults::none().and(names.flatten()).end()
    }
}

/// What the four kinds of action have in common.
struct Action<'a> {
    name: &'static str,
    /// What its key or item is called.
    target_name: &'static str,
    target: &'a Option<Sent<Item>>,
    table_name: &'a Option<String>,
    on_failure: &'a Option<String>,
    /// The expression without which it means nothing, if there is one.
    expression: Option<(&'static str, &'a Option<String>)>,
}

/// The actions of one item, of which there should be one.
fn actions(item: &TransactWriteItem) -> impl Iterator<Item = Action<'_>> {
    macro_rules! action {
        ($member:ident, $name:literal, $target:ident, $target_name:literal, $expression:expr) => {
            item.$member.as_ref().map(|action| Action {
                name: $name,
                target_name: $target_name,
                target: &action.$target,
                table_name: &action.table_name,
                on_failure: &action.return_values_on_condition_check_failure,
                expression: $expression,
            })
        };
    }
    let condition =
        item.condition_check.as_ref().map(|it| ("conditionExpression", &it.condition_expression));
    let update = item.update.as_ref().map(|it| ("updateExpression", &it.update_expression));
    let all = [
        action!(put, "put", item, "item", None),
        action!(update, "update", key, "key", update),
        action!(delete, "delete", key, "key", None),
        action!(condition_check, "conditionCheck", key, "key", condition),
    ];
    all.into_iter().flatten()
}

impl Action<'_> {
    /// What is missing of it, and the word of it that is none.
    fn member_faults(&self, at: usize) -> Vec<String> {
        let is_sound_word = |word: &String| ON_FAILURE.contains(&word.as_str());
        let is_sound = self.target.is_some()
            && self.table_name.is_some()
            && self.expression.is_none_or(|(_, text)| text.is_some())
            && self.on_failure.as_ref().is_none_or(is_sound_word);
        if is_sound {
            // No paths are made for what is well, which nearly all is.
            return Vec::new();
        }
        let path = |member: &str| format!("{}.{}.{member}", path_of(at), self.name);
        let expression = self.expression.and_then(|(name, text)| not_null(&path(name), text));
        let on_failure = path("returnValuesOnConditionCheckFailure");
        let faults = [
            not_null(&path(self.target_name), self.target),
            expression,
            not_null(&path("tableName"), self.table_name),
            one_of(&on_failure, self.on_failure, ON_FAILURE),
        ];
        faults.into_iter().flatten().collect()
    }

    /// What is wrong with the name of its table.
    fn name_faults(&self, at: usize) -> Vec<String> {
        if self.table_name.as_deref().is_some_and(names::is_sound) {
            return Vec::new();
        }
        let path = format!("{}.{}.tableName", path_of(at), self.name);
        names::all_faults_length_first(&path, self.table_name)
    }
}

impl Checked for TransactWriteItemsRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        let items = check_count(&self.transact_items, echo::actions)?;
        let all = || {
            let items = items.iter().enumerate();
            items.flat_map(|(at, item)| actions(item).map(move |action| (at, action)))
        };
        let token = self.client_request_token.as_deref();
        let long = token.filter(|token| token.chars().count() > MAX_TOKEN_LENGTH).map(|token| {
            Constraint::LengthAtMost(MAX_TOKEN_LENGTH).broken_by(token, "clientRequestToken")
        });
        let empty = token
            .filter(|token| token.is_empty())
            .map(|token| Constraint::LengthAtLeast(1).broken_by(token, "clientRequestToken"));
        Faults::none()
            .and(all().flat_map(|(at, action)| action.member_faults(at)))
            .and(long)
            .and(empty)
            .and(one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY))
            .and(one_of(
                "returnItemCollectionMetrics",
                &self.return_item_collection_metrics,
                METRICS,
            ))
            .end()?;
        for item in items {
            match actions(item).count() {
                0 => return Err(ApiError::validation(wording::NO_ACTION)),
                1 => {}
                _ => return Err(ApiError::validation(wording::SEVERAL_ACTIONS)),
            }
        }
        Faults::none().and(all().flat_map(|(at, action)| action.name_faults(at))).end()
    }
}
