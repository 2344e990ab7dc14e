//! Scan: all items of a table or an index, or a segment of them.

use flywheel_api::{ApiError, Narrowed, Operation, ScanRequest, ScanResponse};
use flywheel_item::expression::{Condition, Projection};

use super::query::limit;
use crate::parameters::{self, Given};
use crate::read::bounds::Bounds;
use crate::read::page::PageRequest;
use crate::read::selection::{Selection, check_filter_paths};
use crate::read::start_key;
use crate::storage::Storage;
use crate::tables::Tables;
use crate::wording;
use crate::words::Words;

impl<S: Storage> Tables<S> {
    /// Scan. Segments of one table share its items by the hash of their partition keys.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn scan(&self, mut request: ScanRequest) -> Result<ScanResponse, ApiError> {
        let words = self.check(Operation::Scan, &request)?;
        parameters::check_names(words, request.attributes_to_get.as_deref())?;
        let (filter, projection) = expressions(words, &mut request)?;
        let start_key = request.exclusive_start_key.take();
        let start_key = start_key.map(|key| parameters::sound(words, key)).transpose()?;
        let selection = Selection {
            select: request.select.as_deref(),
            has_attributes_to_get: request.attributes_to_get.is_some(),
            has_projection_expression: request.projection_expression.is_some(),
            index: request.index_name.as_deref(),
        };
        request.check_select()?;
        selection.check(words)?;
        let (segment, segments) = segment(request.segment, request.total_segments)?;
        let table = self.serving(request.table_name.as_deref())?;
        let is_consistent = request.consistent_read == Some(true);
        let source = table.readable(request.index_name.as_deref(), is_consistent)?;
        selection.check_whole(source)?;
        let mut bounds = Bounds::of_segment(source.prefix(&table), segment, segments);
        if let Some(start_key) = &start_key {
            start_key::check_types_of_scan(&table, source, start_key)?;
            let start = start_key::of_source(words, &table, source, start_key)?;
            start_key::check_within_segment(&bounds, &start, segment, segments)?;
            bounds.behind(start, true);
        }
        check_filter_paths(&table, source, filter.as_ref())?;
        let (output, fetches) = selection.of_source(source, projection)?;
        let page = self
            .page(PageRequest {
                table: &table,
                source,
                bounds,
                is_query: false,
                is_forward: true,
                limit: limit(request.limit),
                filter,
                output,
                fetches,
                is_consistent,
            })
            .await?;
        let counts = request.select.as_deref() == Some("COUNT");
        let mode = request.return_consumed_capacity.as_deref();
        Ok(ScanResponse {
            consumed_capacity: page.units.told(mode, table.name()),
            count: Some(page.count as i64),
            items: (!counts).then_some(page.items),
            last_evaluated_key: page.last_key.map(Into::into),
            scanned_count: Some(page.scanned as i64),
        })
    }
}

fn expressions(
    words: Words,
    request: &mut ScanRequest,
) -> Result<(Option<Condition>, Option<Projection>), ApiError> {
    let given = Given {
        legacy: &[
            ("AttributesToGet", request.attributes_to_get.is_some()),
            ("ScanFilter", request.scan_filter.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
        ],
        expressions: &[
            ("ProjectionExpression", request.projection_expression.is_some()),
            ("FilterExpression", request.filter_expression.is_some()),
        ],
        named_as_missing: &["FilterExpression"],
    };
    let mut placeholders = given.placeholders(
        words,
        request.expression_attribute_names.take(),
        request.expression_attribute_values.take(),
    )?;
    let filter = parameters::filter(
        words,
        request.filter_expression.as_deref(),
        request.scan_filter.take(),
        request.conditional_operator.as_deref(),
        &mut placeholders,
    )?;
    let projection = parameters::projection(
        words,
        request.projection_expression.as_deref(),
        request.attributes_to_get.as_deref(),
        &mut placeholders,
    )?;
    parameters::finish(words, placeholders)?;
    Ok((filter, projection))
}

/// Which segment is asked for, of how many.
fn segment(segment: Option<Narrowed>, segments: Option<Narrowed>) -> Result<(u64, u64), ApiError> {
    let refuse = |message: &str| Err(ApiError::validation(message));
    let (segment, segments) = match (segment, segments) {
        (None, None) => return Ok((0, 1)),
        (Some(_), None) => return refuse(wording::TOTAL_SEGMENTS_MISSING),
        (None, Some(_)) => return refuse(wording::SEGMENT_MISSING),
        (Some(segment), Some(segments)) => (segment, segments),
    };
    match (u64::try_from(segment.value), u64::try_from(segments.value)) {
        (Ok(segment), Ok(segments)) if segment < segments => Ok((segment, segments)),
        _ => refuse(wording::SEGMENT_TOO_LARGE),
    }
}
