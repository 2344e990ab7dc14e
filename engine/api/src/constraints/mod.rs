//! What the service's model asks of each member of a request: that it is there, its length, its range, its
//! words. What depends on two members, on expressions or on a table is not looked at here.
//!
//! An operation looks at its members in stages: it tells of all faults of the first stage that has one. The
//! newer wording has more stages, with less in each.

mod batch;
mod echo;
mod items;
mod names;
mod query;
mod service;
mod tables;
mod transactions;
pub(crate) mod wording;

pub use names::table_of_arn;

use flywheel_item::Wording;

use crate::error::ApiError;
use crate::limits::MAX_FAULTS;
use wording::Constraint;

/// A request that can be held against the service's model.
pub trait Checked {
    /// Checks each member for itself.
    ///
    /// # Errors
    /// `ValidationException` with the faults that AWS would tell of, in its order.
    fn check(&self, wording: Wording) -> Result<(), ApiError>;
}

/// Values of `ReturnConsumedCapacity`.
const CAPACITY: &[&str] = &["INDEXES", "TOTAL", "NONE"];

/// Values of `ReturnItemCollectionMetrics`.
const METRICS: &[&str] = &["SIZE", "NONE"];

/// Values of `ReturnValuesOnConditionCheckFailure`.
const ON_FAILURE: &[&str] = &["ALL_OLD", "NONE"];

/// Values of `ConditionalOperator`.
const CONDITIONAL: &[&str] = &["OR", "AND"];

/// The faults of one stage.
#[derive(Debug, Default)]
struct Faults(Vec<String>);

impl Faults {
    fn none() -> Self {
        Self::default()
    }

    fn and(mut self, faults: impl IntoIterator<Item = String>) -> Self {
        // One more request than fits is enough to know that there are too many.
        let room = MAX_FAULTS - self.0.len();
        self.0.extend(faults.into_iter().take(room));
        self
    }

    /// The error, if there is a fault.
    fn end(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::validation(wording::listed(&self.0))) }
    }
}

fn not_null<T>(path: &str, member: &Option<T>) -> Option<String> {
    member.is_none().then(|| Constraint::NotNull.broken_by_null(path))
}

fn one_of(path: &str, member: &Option<String>, names: &'static [&'static str]) -> Option<String> {
    let value = member.as_deref().filter(|value| !names.contains(value))?;
    Some(Constraint::OneOf(names).broken_by(value, path))
}

/// Which end of a range a number is beyond.
fn beyond(value: Option<i64>, least: i64, most: i64) -> Option<(i64, Constraint)> {
    match value? {
        value if value < least => Some((value, Constraint::AtLeast(least))),
        value if value > most => Some((value, Constraint::AtMost(most))),
        _ => None,
    }
}

fn within(path: &str, member: Option<i64>, least: i64, most: i64) -> Option<String> {
    let (value, broken) = beyond(member, least, most)?;
    Some(broken.broken_by(value, path))
}

/// As [`within`], in the newer form.
fn within_newer(path: &str, member: Option<i64>, least: i64, most: i64) -> Option<String> {
    let (_, broken) = beyond(member, least, most)?;
    Some(broken.broken_at(path))
}

/// Which end of a range a length is beyond.
fn length_beyond(length: usize, least: usize, most: usize) -> Option<Constraint> {
    if length < least {
        Some(Constraint::LengthAtLeast(least))
    } else if length > most {
        Some(Constraint::LengthAtMost(most))
    } else {
        None
    }
}

/// A list of texts, which errors show as Java does.
fn texts_within(
    path: &str,
    member: &Option<Vec<String>>,
    least: usize,
    most: usize,
) -> Option<String> {
    let texts = member.as_ref()?;
    let broken = length_beyond(texts.len(), least, most)?;
    Some(broken.broken_by(format_args!("[{}]", texts.join(", ")), path))
}
