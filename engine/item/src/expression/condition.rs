//! Conditions that hold for an item or do not. Reading and checking their text is `check`'s.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::lexer::Comparator;
use crate::number::Number;
use crate::path::Path;
use crate::value::{AttributeType, AttributeValue, Item};

/// A condition without placeholders.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Both hold.
    And(Box<[Condition; 2]>),
    /// One holds.
    Or(Box<[Condition; 2]>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two terms compare like that.
    Compare(Comparator, Box<[Term; 2]>),
    /// A term lies between two others, both included.
    Between(Box<[Term; 3]>),
    /// A term is one of some.
    In(Box<Term>, Vec<Term>),
    /// Something stands there.
    Exists(Path),
    /// Nothing stands there.
    NotExists(Path),
    /// What stands there has this type.
    HasType(Path, AttributeType),
    /// The first term is text or bytes that start with the second.
    BeginsWith(Box<[Term; 2]>),
    /// The first term is text that has the second in it, or a set or list that has it as a member.
    Contains(Box<[Term; 2]>),
}

/// What conditions are about.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// What stands there.
    Path(Path),
    /// A value, which may be large and used often.
    Value(Arc<AttributeValue>),
    /// Length, or number of members.
    Size(Box<Term>),
}

impl Condition {
    /// Whether it holds for an item; for one that is not there, its attributes are none.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(both) => both.iter().all(|one| one.holds(item)),
            Self::Or(both) => both.iter().any(|one| one.holds(item)),
            Self::Not(one) => !one.holds(item),
            Self::Compare(comparator, terms) => {
                let [left, right] = &**terms;
                compares(*comparator, left.get(item).as_deref(), right.get(item).as_deref())
            }
            Self::Between(terms) => {
                let [term, low, high] = &**terms;
                let term = term.get(item);
                let is = |comparator, bound: &Term| {
                    compares(comparator, term.as_deref(), bound.get(item).as_deref())
                };
                is(Comparator::GreaterOrEqual, low) && is(Comparator::LessOrEqual, high)
            }
            Self::In(term, list) => {
                let Some(term) = term.get(item) else { return false };
                list.iter().any(|one| one.get(item).is_some_and(|one| *one == *term))
            }
            Self::Exists(path) => path.get(item).is_some(),
            Self::NotExists(path) => path.get(item).is_none(),
            Self::HasType(path, kind) => path.get(item).is_some_and(|value| value.kind() == *kind),
            Self::BeginsWith(terms) => both(terms, item, begins_with),
            Self::Contains(terms) => both(terms, item, contains),
        }
    }

    /// Every path that it looks at.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.visit_paths(&mut |path| paths.push(path));
        paths
    }

    fn visit_paths<'a>(&'a self, see: &mut impl FnMut(&'a Path)) {
        match self {
            Self::And(both) | Self::Or(both) => both.iter().for_each(|one| one.visit_paths(see)),
            Self::Not(one) => one.visit_paths(see),
            Self::Compare(_, terms) | Self::BeginsWith(terms) | Self::Contains(terms) => {
                terms.iter().for_each(|term| term.visit_paths(see));
            }
            Self::Between(terms) => terms.iter().for_each(|term| term.visit_paths(see)),
            Self::In(term, list) => {
                std::iter::once(&**term).chain(list).for_each(|term| term.visit_paths(see));
            }
            Self::Exists(path) | Self::NotExists(path) | Self::HasType(path, _) => see(path),
        }
    }
}

impl Term {
    /// What it is of an item; `None` if nothing stands there, or what stands there has no size.
    fn get<'a>(&'a self, item: &'a Item) -> Option<Cow<'a, AttributeValue>> {
        match self {
            Self::Path(path) => path.get(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(value)),
            Self::Size(term) => {
                let size = size(&*term.get(item)?)?;
                Some(Cow::Owned(AttributeValue::N(Number::from(size as u64))))
            }
        }
    }

    fn visit_paths<'a>(&'a self, see: &mut impl FnMut(&'a Path)) {
        match self {
            Self::Path(path) => see(path),
            Self::Value(_) => {}
            Self::Size(term) => term.visit_paths(see),
        }
    }
}

/// What `size` says of a value: of text its UTF-16 units, as AWS counts it.
fn size(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::S(text) => Some(text.encode_utf16().count()),
        AttributeValue::B(bytes) => Some(bytes.len()),
        AttributeValue::M(map) => Some(map.len()),
        AttributeValue::L(list) => Some(list.len()),
        AttributeValue::Ss(set) => Some(set.len()),
        AttributeValue::Ns(set) => Some(set.len()),
        AttributeValue::Bs(set) => Some(set.len()),
        AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => None,
    }
}

fn both(
    terms: &[Term; 2],
    item: &Item,
    holds: impl Fn(&AttributeValue, &AttributeValue) -> bool,
) -> bool {
    let [left, right] = terms;
    match (left.get(item), right.get(item)) {
        (Some(left), Some(right)) => holds(&left, &right),
        _ => false,
    }
}

/// Whether two compare like that. What is not there is unequal to everything, itself included.
fn compares(
    comparator: Comparator,
    left: Option<&AttributeValue>,
    right: Option<&AttributeValue>,
) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return comparator == Comparator::NotEqual;
    };
    match comparator {
        Comparator::Equal => left == right,
        Comparator::NotEqual => left != right,
        Comparator::Less => order(left, right).is_some_and(Ordering::is_lt),
        Comparator::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        Comparator::Greater => order(left, right).is_some_and(Ordering::is_gt),
        Comparator::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
    }
}

/// How two values are ordered; `None` if they have different types, or one without an order.
pub(crate) fn order(left: &AttributeValue, right: &AttributeValue) -> Option<Ordering> {
    match (left, right) {
        (AttributeValue::S(left), AttributeValue::S(right)) => Some(left.cmp(right)),
        (AttributeValue::N(left), AttributeValue::N(right)) => Some(left.cmp(right)),
        (AttributeValue::B(left), AttributeValue::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn begins_with(value: &AttributeValue, beginning: &AttributeValue) -> bool {
    match (value, beginning) {
        (AttributeValue::S(value), AttributeValue::S(beginning)) => value.starts_with(&**beginning),
        (AttributeValue::B(value), AttributeValue::B(beginning)) => value.starts_with(beginning),
        _ => false,
    }
}

fn contains(value: &AttributeValue, part: &AttributeValue) -> bool {
    match (value, part) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(&**part),
        (AttributeValue::B(bytes), AttributeValue::B(part)) => {
            memchr::memmem::find(bytes, part).is_some()
        }
        (AttributeValue::Ss(set), AttributeValue::S(member)) => set.contains(member),
        (AttributeValue::Ns(set), AttributeValue::N(member)) => set.contains(member),
        (AttributeValue::Bs(set), AttributeValue::B(member)) => set.contains(member),
        (AttributeValue::L(list), member) => list.contains(member),
        _ => false,
    }
}
