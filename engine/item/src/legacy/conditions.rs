//! `Expected`, `QueryFilter`, `ScanFilter` and `KeyConditions`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expression::{Comparator, Condition, KeyCondition, KeyTest, Term, order};
use crate::invalid::{Invalid, KeyConditionFault, LegacyFault};
use crate::key::SortCondition;
use crate::path::Path;
use crate::value::{AttributeType, AttributeValue};

/// A `ComparisonOperator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyOperator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less or equal.
    Le,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Greater.
    Gt,
    /// There.
    NotNull,
    /// Not there.
    Null,
    /// Has it in it.
    Contains,
    /// Is there and does not have it in it.
    NotContains,
    /// Starts with it.
    BeginsWith,
    /// One of some.
    In,
    /// Between two, both included.
    Between,
}

impl LegacyOperator {
    /// All of them, in the order in which DynamoDB lists them.
    pub const ALL: [Self; 13] = [
        Self::In,
        Self::Null,
        Self::Between,
        Self::Lt,
        Self::NotContains,
        Self::Eq,
        Self::Gt,
        Self::NotNull,
        Self::Ne,
        Self::Le,
        Self::BeginsWith,
        Self::Ge,
        Self::Contains,
    ];

    /// How it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "EQ",
            Self::Ne => "NE",
            Self::Le => "LE",
            Self::Lt => "LT",
            Self::Ge => "GE",
            Self::Gt => "GT",
            Self::NotNull => "NOT_NULL",
            Self::Null => "NULL",
            Self::Contains => "CONTAINS",
            Self::NotContains => "NOT_CONTAINS",
            Self::BeginsWith => "BEGINS_WITH",
            Self::In => "IN",
            Self::Between => "BETWEEN",
        }
    }

    fn takes(self, count: usize) -> bool {
        match self {
            Self::NotNull | Self::Null => count == 0,
            Self::In => count > 0,
            Self::Between => count == 2,
            _ => count == 1,
        }
    }

    fn compares(self, kind: AttributeType) -> bool {
        match self {
            Self::Eq | Self::Ne | Self::NotNull | Self::Null => true,
            Self::BeginsWith => matches!(kind, AttributeType::S | AttributeType::B),
            _ => kind.is_ordered(),
        }
    }
}

/// How conditions on several attributes go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combine {
    /// All must hold.
    #[default]
    And,
    /// One must hold.
    Or,
}

/// A condition on one attribute: an entry of a filter, or of `KeyConditions`.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyCondition {
    /// What it compares by.
    pub operator: LegacyOperator,
    /// What with.
    pub values: Vec<AttributeValue>,
}

/// An entry of `Expected`, as it was sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expectation {
    /// `Value`.
    pub value: Option<AttributeValue>,
    /// `Exists`.
    pub exists: Option<bool>,
    /// `ComparisonOperator`.
    pub operator: Option<LegacyOperator>,
    /// `AttributeValueList`.
    pub values: Option<Vec<AttributeValue>>,
}

/// The condition that `Expected` means; `None` if it is empty.
///
/// # Errors
/// If an entry is none.
pub fn expected(
    entries: BTreeMap<String, Expectation>,
    combine: Combine,
) -> Result<Option<Condition>, Invalid> {
    let mut conditions = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let condition = expectation(&name, entry).map_err(Invalid::Legacy)?;
        conditions.push(one(&name, condition).map_err(Invalid::Legacy)?);
    }
    Ok(combined(conditions, combine))
}

/// The condition that `QueryFilter` or `ScanFilter` means; `None` if it is empty.
///
/// # Errors
/// If an entry is none.
pub fn filter(
    entries: BTreeMap<String, LegacyCondition>,
    combine: Combine,
) -> Result<Option<Condition>, Invalid> {
    let conditions: Result<Vec<Condition>, LegacyFault> =
        entries.into_iter().map(|(name, condition)| one(&name, condition)).collect();
    Ok(combined(conditions.map_err(Invalid::Legacy)?, combine))
}

/// The condition on a key that `KeyConditions` means.
///
/// # Errors
/// If an entry is none, or not one on a key.
pub fn key_conditions(entries: BTreeMap<String, LegacyCondition>) -> Result<KeyCondition, Invalid> {
    let all = || entries.values();
    all().try_for_each(|entry| check(entry.operator, &entry.values)).map_err(Invalid::Legacy)?;
    let mut tests = Vec::with_capacity(entries.len());
    for (name, LegacyCondition { operator, values }) in entries {
        let mut values = values.into_iter();
        let mut next = || values.next().expect("operators have as many values as they take");
        let condition = match operator {
            LegacyOperator::Eq => SortCondition::Equal(next()),
            LegacyOperator::Lt => SortCondition::Less(next()),
            LegacyOperator::Le => SortCondition::LessOrEqual(next()),
            LegacyOperator::Gt => SortCondition::Greater(next()),
            LegacyOperator::Ge => SortCondition::GreaterOrEqual(next()),
            LegacyOperator::Between => SortCondition::Between(next(), next()),
            LegacyOperator::BeginsWith => SortCondition::BeginsWith(next()),
            _ => return Err(Invalid::KeyCondition(KeyConditionFault::NotIndexable)),
        };
        tests.push(KeyTest { name, condition });
    }
    KeyCondition::of(tests)
}

fn combined(conditions: Vec<Condition>, combine: Combine) -> Option<Condition> {
    // Two and two, for there may be thousands: a tree as deep as that would not fit on a stack.
    let mut level = conditions;
    while level.len() > 1 {
        let mut pairs = level.into_iter();
        let mut next = Vec::new();
        while let Some(left) = pairs.next() {
            next.push(match (pairs.next(), combine) {
                (Some(right), Combine::And) => Condition::And(Box::new([left, right])),
                (Some(right), Combine::Or) => Condition::Or(Box::new([left, right])),
                (None, _) => left,
            });
        }
        level = next;
    }
    level.pop()
}

/// What an entry of `Expected` compares by, and with.
fn expectation(name: &str, entry: Expectation) -> Result<LegacyCondition, LegacyFault> {
    let Expectation { value, exists, operator, values } = entry;
    let name = || name.to_owned();
    if value.is_some() && values.is_some() {
        return Err(LegacyFault::ValueAndList(name()));
    }
    if let Some(operator) = operator {
        if exists.is_some() {
            return Err(LegacyFault::ExistsAndOperator(name()));
        }
        let is_alone = matches!(operator, LegacyOperator::Null | LegacyOperator::NotNull);
        if !is_alone && value.is_none() && values.is_none() {
            return Err(LegacyFault::NoValue { operator: operator.name(), name: name() });
        }
        let values = values.unwrap_or_else(|| value.into_iter().collect());
        return Ok(LegacyCondition { operator, values });
    }
    if values.is_some() {
        return Err(LegacyFault::ListWithoutOperator(name()));
    }
    match (exists, value) {
        (None | Some(true), Some(value)) => {
            Ok(LegacyCondition { operator: LegacyOperator::Eq, values: vec![value] })
        }
        (exists @ (None | Some(true)), None) => {
            Err(LegacyFault::ExistsWithoutValue(exists, name()))
        }
        (Some(false), None) => {
            Ok(LegacyCondition { operator: LegacyOperator::Null, values: Vec::new() })
        }
        (Some(false), Some(_)) => Err(LegacyFault::ValueButNotExists(name())),
    }
}

fn check(operator: LegacyOperator, values: &[AttributeValue]) -> Result<(), LegacyFault> {
    if !operator.takes(values.len()) {
        return Err(LegacyFault::ArgumentCount(operator.name()));
    }
    let is_mixed = values.windows(2).any(|two| two[0].kind() != two[1].kind());
    // Of IN the types are looked at one by one first.
    if is_mixed && operator != LegacyOperator::In {
        return Err(LegacyFault::MixedTypes);
    }
    if let Some(value) = values.iter().find(|value| !operator.compares(value.kind())) {
        return Err(LegacyFault::OperatorType(operator.name(), value.kind()));
    }
    if is_mixed {
        return Err(LegacyFault::MixedTypes);
    }
    match (operator, values) {
        (LegacyOperator::Between, [low, high]) if order(low, high).is_some_and(Ordering::is_gt) => {
            Err(LegacyFault::BetweenOrder)
        }
        _ => Ok(()),
    }
}

/// The condition on one attribute.
fn one(name: &str, condition: LegacyCondition) -> Result<Condition, LegacyFault> {
    let LegacyCondition { operator, values } = condition;
    check(operator, &values)?;
    let path = Path::of_name(name);
    let term = Term::Path(path.clone());
    let mut values = values.into_iter().map(|value| Term::Value(Arc::new(value)));
    let mut next = || values.next().expect("operators have as many values as they take");
    let compare =
        |comparator, value| Condition::Compare(comparator, Box::new([term.clone(), value]));
    Ok(match operator {
        LegacyOperator::Eq => compare(Comparator::Equal, next()),
        LegacyOperator::Ne => compare(Comparator::NotEqual, next()),
        LegacyOperator::Le => compare(Comparator::LessOrEqual, next()),
        LegacyOperator::Lt => compare(Comparator::Less, next()),
        LegacyOperator::Ge => compare(Comparator::GreaterOrEqual, next()),
        LegacyOperator::Gt => compare(Comparator::Greater, next()),
        LegacyOperator::NotNull => Condition::Exists(path),
        LegacyOperator::Null => Condition::NotExists(path),
        LegacyOperator::Contains => Condition::Contains(Box::new([term, next()])),
        LegacyOperator::NotContains => {
            // Of what is not there nothing can be said to be missing.
            let contains = Condition::Contains(Box::new([term, next()]));
            let not = Condition::Not(Box::new(contains));
            Condition::And(Box::new([Condition::Exists(path), not]))
        }
        LegacyOperator::BeginsWith => Condition::BeginsWith(Box::new([term, next()])),
        LegacyOperator::Between => Condition::Between(Box::new([term, next(), next()])),
        LegacyOperator::In => Condition::In(Box::new(term), values.collect()),
    })
}
