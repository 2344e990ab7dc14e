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
        let capacity =
            || one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY);
        let paths = || items.iter().enumerate().map(|(at, item)| (path_of(at), item));
        let missing = paths().flat_map(|(path, item)| match &item.get {
            None => [not_null(&format!("{path}.get"), &item.get), None],
            Some(get) => [
                not_null(&format!("{path}.get.key"), &get.key),
                not_null(&format!("{path}.get.tableName"), &get.table_name),
            ],
        });
        Faults::none().and(missing.flatten()).and(capacity()).end()?;
        let names = paths().flat_map(|(path, item)| {
            let name = item.get.as_ref().map(|get| &get.table_name);
            let path = format!("{path}.get.tableName");
            name.map(|name| names::all_faults_length_first(&path, name)).unwrap_or_default()
        });
        Faults::none().and(names).end()
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
    fn member_faults(&self, path: &str) -> impl Iterator<Item = String> {
        let at = |member: &str| format!("{path}.{}.{member}", self.name);
        let expression = self.expression.and_then(|(name, text)| not_null(&at(name), text));
        let on_failure = at("returnValuesOnConditionCheckFailure");
        let faults = [
            not_null(&at(self.target_name), self.target),
            expression,
            not_null(&at("tableName"), self.table_name),
            one_of(&on_failure, self.on_failure, ON_FAILURE),
        ];
        faults.into_iter().flatten()
    }
}

impl Checked for TransactWriteItemsRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        let items = check_count(&self.transact_items, echo::actions)?;
        let all = || {
            let paths = items.iter().enumerate().map(|(at, item)| (path_of(at), item));
            paths.flat_map(|(path, item)| actions(item).map(move |it| (path.clone(), it)))
        };
        let token = self.client_request_token.as_deref();
        let long = token.filter(|token| token.chars().count() > MAX_TOKEN_LENGTH).map(|token| {
            Constraint::LengthAtMost(MAX_TOKEN_LENGTH).broken_by(token, "clientRequestToken")
        });
        let empty = token
            .filter(|token| token.is_empty())
            .map(|token| Constraint::LengthAtLeast(1).broken_by(token, "clientRequestToken"));
        Faults::none()
            .and(all().flat_map(|(path, it)| it.member_faults(&path).collect::<Vec<_>>()))
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
        let names = all().flat_map(|(path, it)| {
            let path = format!("{path}.{}.tableName", it.name);
            names::all_faults_length_first(&path, it.table_name)
        });
        Faults::none().and(names).end()
    }
}
