//! Document paths: where in an item something stands. Not their text, which `expression` reads.

use std::fmt;

use crate::value::{AttributeValue, Item};

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// Into a map, or the item itself.
    Name(Box<str>),
    /// Into a list.
    Index(u32),
}

/// A name, and steps from there. Paths sort element by element, indexes as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    elements: Vec<PathElement>,
}

impl Path {
    /// A path of these elements.
    ///
    /// # Panics
    /// If the first one is not a name.
    pub fn new(elements: Vec<PathElement>) -> Self {
        assert!(
            matches!(elements.first(), Some(PathElement::Name(_))),
            "a path starts with a name: {elements:?}"
        );
        Self { elements }
    }

    /// The path of an attribute of the item itself.
    pub fn of_name(name: &str) -> Self {
        Self::new(vec![PathElement::Name(name.into())])
    }

    /// Its steps; the first is a name.
    pub fn elements(&self) -> &[PathElement] {
        &self.elements
    }

    /// The attribute of the item that it starts with.
    pub fn name(&self) -> &str {
        match &self.elements[0] {
            PathElement::Name(name) => name,
            PathElement::Index(_) => unreachable!("a path starts with a name"),
        }
    }

    /// Whether it goes into an attribute rather than naming it.
    pub fn is_nested(&self) -> bool {
        self.elements.len() > 1
    }

    /// What stands there.
    pub fn get<'a>(&self, item: &'a Item) -> Option<&'a AttributeValue> {
        let found = item.get(self.name())?;
        self.elements[1..].iter().try_fold(found, step)
    }

    /// What stands there, to be changed.
    pub fn get_mut<'a>(&self, item: &'a mut Item) -> Option<&'a mut AttributeValue> {
        let found = item.get_mut(self.name())?;
        self.elements[1..].iter().try_fold(found, |value, element| match (value, element) {
            (AttributeValue::M(map), PathElement::Name(name)) => map.get_mut(&**name),
            (AttributeValue::L(list), PathElement::Index(index)) => list.get_mut(*index as usize),
            _ => None,
        })
    }

    /// What its last step goes into; `None` for a path of one element.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.elements.split_last()?;
        (!parent.is_empty()).then(|| Self { elements: parent.to_vec() })
    }

    /// Its last step.
    pub fn last(&self) -> &PathElement {
        self.elements.last().expect("a path starts with a name")
    }
}

fn step<'a>(value: &'a AttributeValue, element: &PathElement) -> Option<&'a AttributeValue> {
    match (value, element) {
        (AttributeValue::M(map), PathElement::Name(name)) => map.get(&**name),
        (AttributeValue::L(list), PathElement::Index(index)) => list.get(*index as usize),
        _ => None,
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// As DynamoDB writes paths in its errors: `[a, b, [0]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, element) in self.elements.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{element}")?;
        }
        f.write_str("]")
    }
}
