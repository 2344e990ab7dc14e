//! Query: items of one partition key, in the order of their sort keys.

use flywheel_api::{ApiError, Narrowed, Operation, QueryRequest, QueryResponse};
use flywheel_item::expression::{Condition, KeyCondition, Placeholders, Projection};

use crate::parameters::{self, Given};
use crate::read::bounds::Bounds;
use crate::read::page::{Page, PageRequest};
use crate::read::selection::{Selection, check_filter_paths};
use crate::read::start_key;
use crate::storage::Storage;
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::wording;
use crate::words::Words;

impl<S: Storage> Tables<S> {
    /// Query. A page is of one moment where its items are in one partition of the storage.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn query(&self, mut request: QueryRequest) -> Result<QueryResponse, ApiError> {
        let words = self.check(Operation::Query, &request)?;
        parameters::check_names(words, request.attributes_to_get.as_deref())?;
        let placeholders = placeholders(words, &mut request)?;
        let start_key = request.exclusive_start_key.take();
        let start_key = start_key.map(|key| parameters::sound(words, key)).transpose()?;
        let is_legacy_filter = request.query_filter.is_some();
        request.check_select()?;
        selection(&request).check(words)?;
        let Conditions { key, filter, projection } = conditions(words, &mut request, placeholders)?;
        let selection = selection(&request);
        let table = self.serving(request.table_name.as_deref())?;
        let is_consistent = request.consistent_read == Some(true);
        let source = table.readable(request.index_name.as_deref(), is_consistent)?;
        let start = start_key.as_ref();
        let start =
            start.map(|key| start_key::of_source(words, &table, source, key)).transpose()?;
        let queried = key.of_key(source.schema(&table)).map_err(|invalid| words.unfit(&invalid))?;
        let mut bounds = Bounds::of_query(&table, source, &queried);
        let is_forward = request.scan_index_forward != Some(false);
        if let (Some(start_key), Some(start)) = (&start_key, start) {
            start_key::check_within_query(&table, source, &queried, start_key)?;
            bounds.behind(start, is_forward);
        }
        check_filter(&table, source, filter.as_ref(), is_legacy_filter)?;
        let (output, fetches) = selection.of_source(source, projection)?;
        let page = self
            .page(PageRequest {
                table: &table,
                source,
                bounds,
                is_query: true,
                is_forward,
                limit: limit(request.limit),
                filter,
                output,
                fetches,
                is_consistent,
            })
            .await?;
        Ok(response(page, &request, &table))
    }
}

/// Items that a page may look at.
pub(super) fn limit(limit: Option<Narrowed>) -> usize {
    limit.and_then(|limit| usize::try_from(limit.value).ok()).unwrap_or(usize::MAX).max(1)
}

struct Conditions {
    key: KeyCondition,
    filter: Option<Condition>,
    projection: Option<Projection>,
}

fn placeholders(words: Words, request: &mut QueryRequest) -> Result<Placeholders, ApiError> {
    let given = Given {
        legacy: &[
            ("AttributesToGet", request.attributes_to_get.is_some()),
            ("QueryFilter", request.query_filter.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
            ("KeyConditions", request.key_conditions.is_some()),
        ],
        expressions: &[
            ("ProjectionExpression", request.projection_expression.is_some()),
            ("FilterExpression", request.filter_expression.is_some()),
            ("KeyConditionExpression", request.key_condition_expression.is_some()),
        ],
        named_as_missing: &["FilterExpression", "KeyConditionExpression"],
    };
    given.placeholders(
        words,
        request.expression_attribute_names.take(),
        request.expression_attribute_values.take(),
    )
}

fn conditions(
    words: Words,
    request: &mut QueryRequest,
    mut placeholders: Placeholders,
) -> Result<Conditions, ApiError> {
    let filter = parameters::filter(
        words,
        request.filter_expression.as_deref(),
        request.query_filter.take(),
        request.conditional_operator.as_deref(),
        &mut placeholders,
    )?;
    let projection = parameters::projection(
        words,
        request.projection_expression.as_deref(),
        request.attributes_to_get.as_deref(),
        &mut placeholders,
    )?;
    let key = parameters::key_condition(
        words,
        request.key_condition_expression.as_deref(),
        request.key_conditions.take(),
        &mut placeholders,
    )?;
    parameters::finish(words, placeholders)?;
    Ok(Conditions { key, filter, projection })
}

fn selection(request: &QueryRequest) -> Selection<'_> {
    Selection {
        select: request.select.as_deref(),
        has_attributes_to_get: request.attributes_to_get.is_some(),
        has_projection_expression: request.projection_expression.is_some(),
        index: request.index_name.as_deref(),
    }
}

/// A query's filter sees no attributes of the key that is queried: those are the condition's.
fn check_filter(
    table: &Table,
    source: Source<'_>,
    filter: Option<&Condition>,
    is_legacy: bool,
) -> Result<(), ApiError> {
    let parameter = if is_legacy { "QueryFilter" } else { "Filter Expression" };
    for path in filter.map(Condition::paths).unwrap_or_default() {
        if source.schema(table).contains(path.name()) {
            let message = wording::key_in_filter(parameter, path.name());
            return Err(ApiError::validation(message));
        }
    }
    check_filter_paths(table, source, filter)
}

fn response(page: Page, request: &QueryRequest, table: &Table) -> QueryResponse {
    let counts = request.select.as_deref() == Some("COUNT");
    QueryResponse {
        consumed_capacity: page
            .units
            .told(request.return_consumed_capacity.as_deref(), table.name()),
        count: Some(page.count as i64),
        items: (!counts).then_some(page.items),
        last_evaluated_key: page.last_key.map(Into::into),
        scanned_count: Some(page.scanned as i64),
    }
}
