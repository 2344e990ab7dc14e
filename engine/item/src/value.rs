//! Attribute values and items. Not their JSON, their stored bytes or their size.

use std::collections::{BTreeMap, BTreeSet};

use crate::number::Number;

/// Attributes by name: an item, or the contents of a map.
pub type Item = BTreeMap<String, AttributeValue>;

/// What an attribute holds.
///
/// Sets are in order, strings and binaries by their bytes and numbers by value, which is how most operations of DynamoDB
/// return them. Some return numbers in another order: that is made where they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Text.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Vec<u8>),
    /// True or false.
    Bool(bool),
    /// Null, which DynamoDB writes as `{"NULL": true}`.
    Null,
    /// A map.
    M(Item),
    /// A list.
    L(Vec<AttributeValue>),
    /// A set of text.
    Ss(BTreeSet<String>),
    /// A set of numbers.
    Ns(BTreeSet<Number>),
    /// A set of bytes.
    Bs(BTreeSet<Vec<u8>>),
}

/// The type of a value, as DynamoDB abbreviates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeType {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
    /// Boolean.
    Bool,
    /// Null.
    Null,
    /// Map.
    M,
    /// List.
    L,
    /// String set.
    Ss,
    /// Number set.
    Ns,
    /// Binary set.
    Bs,
}

impl AttributeType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::S,
        Self::N,
        Self::B,
        Self::Bool,
        Self::Null,
        Self::M,
        Self::L,
        Self::Ss,
        Self::Ns,
        Self::Bs,
    ];

    /// Its abbreviation: `S`, `N`, ... `BS`.
    pub fn code(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::M => "M",
            Self::L => "L",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
        }
    }

    /// The type that an abbreviation stands for. Abbreviations are upper case.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether values of it have an order, and may be keys.
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::S | Self::N | Self::B)
    }

    /// Whether it is one of the three sets.
    pub fn is_set(self) -> bool {
        matches!(self, Self::Ss | Self::Ns | Self::Bs)
    }
}

impl AttributeValue {
    /// Its type.
    pub fn kind(&self) -> AttributeType {
        match self {
            Self::S(_) => AttributeType::S,
            Self::N(_) => AttributeType::N,
            Self::B(_) => AttributeType::B,
            Self::Bool(_) => AttributeType::Bool,
            Self::Null => AttributeType::Null,
            Self::M(_) => AttributeType::M,
            Self::L(_) => AttributeType::L,
            Self::Ss(_) => AttributeType::Ss,
            Self::Ns(_) => AttributeType::Ns,
            Self::Bs(_) => AttributeType::Bs,
        }
    }

    /// Whether it goes no deeper than so many levels: 1 for what is neither list nor map, and for empty ones; 2 for a list of
    /// text. Goes no deeper itself.
    pub fn is_within_levels(&self, most: usize) -> bool {
        let Some(below) = most.checked_sub(1) else { return false };
        match self {
            Self::M(map) => map.values().all(|value| value.is_within_levels(below)),
            Self::L(list) => list.iter().all(|value| value.is_within_levels(below)),
            _ => true,
        }
    }
}
