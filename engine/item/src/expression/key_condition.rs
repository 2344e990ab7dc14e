//! Conditions on keys: which items a query finds. Reads them as conditions, then takes them apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::condition::{Condition, Term};
use super::lexer::Comparator;
use super::placeholders::Placeholders;
use crate::check::check_key_value;
use crate::invalid::{ExpressionKind, Invalid, KeyConditionFault};
use crate::key::{KeyAttribute, KeySchema, SortCondition};
use crate::path::Path;
use crate::value::AttributeValue;

/// Tests of attributes, all of which must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition {
    tests: Vec<KeyTest>,
}

/// A test of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyTest {
    /// The attribute.
    pub name: String,
    /// What it must be.
    pub condition: SortCondition,
}

/// What a query asks of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct QueriedKey {
    /// The values of the partition key.
    pub partition: Vec<AttributeValue>,
    /// What the first attributes that sort are equal to.
    pub sort_equal: Vec<AttributeValue>,
    /// What the attribute behind those must be, if it is not equality.
    pub sort: Option<SortCondition>,
}

impl KeyCondition {
    /// Reads a condition on a key.
    ///
    /// # Errors
    /// If it is none, or needs a name or value that is not defined.
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, Invalid> {
        let condition = Condition::parse(ExpressionKind::KeyCondition, text, placeholders)?;
        let mut tests = Vec::new();
        take_apart(condition, &mut tests).map_err(Invalid::KeyCondition)?;
        Self::of(tests)
    }

    /// These tests.
    ///
    /// # Errors
    /// If two are of one attribute.
    pub fn of(tests: Vec<KeyTest>) -> Result<Self, Invalid> {
        let mut names = BTreeSet::new();
        if !tests.iter().all(|test| names.insert(&test.name)) {
            return Err(Invalid::KeyCondition(KeyConditionFault::SeveralConditions));
        }
        Ok(Self { tests })
    }

    /// Its tests.
    pub fn tests(&self) -> &[KeyTest] {
        &self.tests
    }

    /// What it asks of a key.
    ///
    /// # Errors
    /// If a part of the partition key is not compared by equality, an attribute is none of the key's, or a
    /// value is not of the key's type.
    pub fn of_key(&self, schema: &KeySchema) -> Result<QueriedKey, Invalid> {
        let queried = self.bind(schema).map_err(Invalid::KeyCondition)?;
        let parts = [(&schema.partition, true), (&schema.sort, false)];
        for (attributes, is_partition) in parts {
            for test in &self.tests {
                let Some(key) = attributes.iter().find(|key| key.name == test.name) else {
                    continue;
                };
                for value in test.condition.values() {
                    check_key_value(key, value, is_partition)?;
                }
            }
        }
        Ok(queried)
    }

    fn bind(&self, schema: &KeySchema) -> Result<QueriedKey, KeyConditionFault> {
        let (given, defined) = (self.tests.len(), schema.attributes().count());
        if given > defined {
            return Err(KeyConditionFault::TooMany { given, defined });
        }
        let test = |key: &KeyAttribute| self.tests.iter().find(|test| test.name == key.name);
        let equal = |key: &KeyAttribute| match test(key).map(|test| &test.condition) {
            Some(SortCondition::Equal(value)) => Some(value),
            _ => None,
        };
        let without = |keys: &[KeyAttribute]| -> Vec<String> {
            keys.iter().filter(|key| equal(key).is_none()).map(|key| key.name.clone()).collect()
        };
        let missing = without(&schema.partition);
        if let Some(first) = missing.first() {
            let is_composite = schema.partition.len() > 1 || schema.sort.len() > 1;
            return Err(match test(&schema.partition[0]) {
                _ if is_composite => KeyConditionFault::PartitionsNotEqual(missing),
                Some(_) => KeyConditionFault::PartitionNotEqual,
                None => KeyConditionFault::Missed(first.clone()),
            });
        }
        if self.tests.iter().any(|test| !schema.contains(&test.name)) {
            let missed = schema.sort.iter().find(|key| test(key).is_none());
            let missed = missed.map(|key| key.name.clone()).unwrap_or_default();
            return Err(KeyConditionFault::Missed(missed));
        }
        let last = schema.sort.iter().rposition(|key| test(key).is_some());
        let before = last.map_or(&[][..], |last| &schema.sort[..last]);
        let missing = without(before);
        if let (Some(last), false) = (last, missing.is_empty()) {
            let before = schema.sort[last].name.clone();
            return Err(KeyConditionFault::SortsNotEqual { missing, before });
        }
        for key in schema.attributes() {
            test(key).map_or(Ok(()), |test| check_types(key, test))?;
        }
        let values = |keys: &[KeyAttribute]| keys.iter().filter_map(equal).cloned().collect();
        let sort = last.and_then(|last| test(&schema.sort[last])).map(|test| &test.condition);
        Ok(QueriedKey {
            partition: values(&schema.partition),
            sort_equal: values(&schema.sort),
            sort: sort.filter(|sort| !matches!(sort, SortCondition::Equal(_))).cloned(),
        })
    }
}

fn check_types(key: &KeyAttribute, test: &KeyTest) -> Result<(), KeyConditionFault> {
    let is_of_type = |value: &AttributeValue| value.kind() == key.kind;
    if test.condition.values().all(is_of_type) { Ok(()) } else { Err(KeyConditionFault::Type) }
}

fn take_apart(condition: Condition, tests: &mut Vec<KeyTest>) -> Result<(), KeyConditionFault> {
    let refused = |operator: &str| Err(KeyConditionFault::Operator(operator.into()));
    let test = match condition {
        Condition::And(both) => {
            let [left, right] = *both;
            take_apart(left, tests)?;
            return take_apart(right, tests);
        }
        Condition::Or(_) => return refused("OR"),
        Condition::Not(_) => return refused("NOT"),
        Condition::In(..) => return refused("IN"),
        Condition::Exists(_) => return refused("attribute_exists"),
        Condition::NotExists(_) => return refused("attribute_not_exists"),
        Condition::HasType(..) => return refused("attribute_type"),
        Condition::Contains(_) => return refused("contains"),
        Condition::Compare(Comparator::NotEqual, _) => return refused("<>"),
        Condition::Compare(comparator, terms) => compare(comparator, *terms)?,
        Condition::Between(terms) => {
            let [term, low, high] = *terms;
            let name = first("BETWEEN", term)?;
            KeyTest { name, condition: SortCondition::Between(value(low)?, value(high)?) }
        }
        Condition::BeginsWith(terms) => {
            let [term, beginning] = *terms;
            let name = first("begins_with", term)?;
            KeyTest { name, condition: SortCondition::BeginsWith(value(beginning)?) }
        }
    };
    tests.push(test);
    Ok(())
}

fn compare(comparator: Comparator, terms: [Term; 2]) -> Result<KeyTest, KeyConditionFault> {
    let [left, right] = terms;
    let (comparator, path, other) = match (left, right) {
        (Term::Path(path), other) => (comparator, path, other),
        (other, Term::Path(path)) => (comparator.mirrored(), path, other),
        (Term::Size(_), _) | (_, Term::Size(_)) => return Err(KeyConditionFault::NestedOperation),
        _ => return Err(KeyConditionFault::NoAttribute),
    };
    let (name, value) = (name(path)?, value(other)?);
    let condition = match comparator {
        Comparator::Less => SortCondition::Less(value),
        Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
        Comparator::Greater => SortCondition::Greater(value),
        Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
        Comparator::Equal | Comparator::NotEqual => SortCondition::Equal(value),
    };
    Ok(KeyTest { name, condition })
}

/// The attribute that an operator's first operand must be.
fn first(operator: &str, term: Term) -> Result<String, KeyConditionFault> {
    match term {
        Term::Path(path) => name(path),
        Term::Size(_) => Err(KeyConditionFault::NestedOperation),
        Term::Value(_) => Err(KeyConditionFault::AttributeNotFirst(operator.into())),
    }
}

fn name(path: Path) -> Result<String, KeyConditionFault> {
    if path.is_nested() {
        return Err(KeyConditionFault::NestedAttribute);
    }
    Ok(path.name().to_owned())
}

fn value(term: Term) -> Result<AttributeValue, KeyConditionFault> {
    match term {
        Term::Value(value) => Ok(Arc::unwrap_or_clone(value)),
        Term::Path(_) => Err(KeyConditionFault::SeveralAttributes),
        Term::Size(_) => Err(KeyConditionFault::NestedOperation),
    }
}
