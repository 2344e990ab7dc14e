//! What a query or a scan returns of what it finds: `Select`, projections, and what an index holds of it.

use flywheel_api::{ApiError, Operation};
use flywheel_item::expression::{Condition, Projection};

use super::page::Output;
use crate::table::{IndexProjection, Source, Table};
use crate::wording;
use crate::words::Words;

/// The parameters that say what is returned.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    pub select: Option<&'a str>,
    pub has_attributes_to_get: bool,
    pub has_projection_expression: bool,
    pub index: Option<&'a str>,
}

impl Selection<'_> {
    /// Checks them against each other.
    pub fn check(&self, words: Words) -> Result<(), ApiError> {
        let Some(select) = self.select else { return Ok(()) };
        let parts = match (self.has_attributes_to_get, self.has_projection_expression) {
            (true, _) => Some("AttributesToGet"),
            (false, true) => Some("ProjectionExpression"),
            (false, false) => None,
        };
        let message = match (select, parts) {
            ("SPECIFIC_ATTRIBUTES", None) => wording::NO_SPECIFIC_ATTRIBUTES.into(),
            ("SPECIFIC_ATTRIBUTES", Some(_)) => return Ok(()),
            (select, Some(parameter)) => wording::projection_with_select(parameter, select),
            ("ALL_PROJECTED_ATTRIBUTES", None) if self.index.is_none() => {
                wording::PROJECTED_WITHOUT_INDEX.into()
            }
            (_, None) => return Ok(()),
        };
        // Counted as one error that was detected, as nothing else of a query is.
        let counting = Words { operation: Operation::PutItem, ..words };
        Err(counting.refuse(message))
    }

    /// That all attributes are asked for only of a global index that holds all.
    pub fn check_whole(&self, source: Source<'_>) -> Result<(), ApiError> {
        match source {
            Source::Global(index)
                if index.projection != IndexProjection::All
                    && self.select == Some("ALL_ATTRIBUTES") =>
            {
                Err(ApiError::validation(wording::all_of_index(&index.name)))
            }
            _ => Ok(()),
        }
    }

    /// What is returned, and whether a local index has to ask the table for it.
    pub fn of_source(
        &self,
        source: Source<'_>,
        projection: Option<Projection>,
    ) -> Result<(Output, bool), ApiError> {
        let fetches = match source {
            Source::Table => false,
            Source::Local(index) => self.exceeds(&index.projection, projection.as_ref()),
            Source::Global(index) => {
                self.check_whole(source)?;
                check_held(&index.name, &index.projection, projection.as_ref())?;
                false
            }
        };
        let output = match (projection, self.select) {
            (_, Some("COUNT")) => Output::Count,
            (Some(projection), _) => Output::Parts(projection),
            (None, _) => Output::All,
        };
        Ok((output, fetches))
    }

    /// Whether more is asked for than an index holds.
    fn exceeds(&self, held: &IndexProjection, projection: Option<&Projection>) -> bool {
        if *held != IndexProjection::All && self.select == Some("ALL_ATTRIBUTES") {
            return true;
        }
        missing(held, projection).next().is_some()
    }
}

/// That a global index holds what a projection names.
fn check_held(
    index: &str,
    held: &IndexProjection,
    projection: Option<&Projection>,
) -> Result<(), ApiError> {
    let missing: Vec<&str> = missing(held, projection).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ApiError::validation(wording::not_projected(index, &missing)))
}

/// Attributes that a projection names and an index does not hold.
fn missing<'a>(
    held: &'a IndexProjection,
    projection: Option<&'a Projection>,
) -> impl Iterator<Item = &'a str> {
    let paths = projection.map_or(&[][..], Projection::paths).iter();
    paths.map(|path| path.name()).filter(|name| !held.contains(name))
}

/// Refuses a filter that goes into attributes of a key.
pub(crate) fn check_filter_paths(
    table: &Table,
    source: Source<'_>,
    filter: Option<&Condition>,
) -> Result<(), ApiError> {
    for path in filter.map(Condition::paths).unwrap_or_default() {
        let name = path.name();
        let is_table_key = table.key.contains(name);
        if path.is_nested() && (is_table_key || source.schema(table).contains(name)) {
            return Err(ApiError::validation(wording::path_into_key(!is_table_key, name)));
        }
    }
    Ok(())
}
