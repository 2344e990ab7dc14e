//! What DynamoDB says of JSON of the wrong type. Its service is written in Java, and it shows.

use std::fmt;

/// What stands where something else should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    True,
    False,
    Integer,
    Decimal,
    Text,
    List,
    Map,
}

impl Found {
    /// As its parser calls it; lists and maps have words of their own.
    fn token(self) -> &'static str {
        match self {
            Self::True => "TRUE_VALUE",
            Self::False => "FALSE_VALUE",
            Self::Integer => "NUMBER_VALUE",
            Self::Decimal => "DECIMAL_VALUE",
            Self::Text => "STRING_VALUE",
            Self::List => "START_ARRAY",
            Self::Map => "START_OBJECT",
        }
    }
}

/// The words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No words.
    Wordless,
    /// A scalar of another type than the one that is named.
    NotConvertible(Found, &'static str),
    /// A scalar where a structure, list or map is a member of a structure.
    FieldType,
    /// A scalar where a structure is an element of a list or map.
    ValueType,
    /// A scalar where a list or map is such an element.
    ElementType,
    /// A list where there should be none, and the class that there should be.
    Collection(String),
    /// A map where there should be none.
    Structure,
    /// Text that is neither true nor false.
    NotBoolean,
    /// What cannot be bytes.
    NotBase64,
    /// Base64 of so many characters.
    Base64Length(usize),
    /// Base64 with characters that do not belong, or bits left over.
    Base64End,
}

/// What lists and maps within others are read as.
const ELEMENT_TYPE: &str = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be \
    cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and \
    java.lang.Class are in module java.base of loader 'bootstrap')";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wordless => Ok(()),
            Self::NotConvertible(found, class) => {
                write!(f, "{} cannot be converted to {class}", found.token())
            }
            Self::FieldType => f.write_str("Unexpected field type"),
            Self::ValueType => f.write_str("Unexpected value type in payload"),
            Self::ElementType => f.write_str(ELEMENT_TYPE),
            Self::Collection(class) => write!(f, "Unrecognized collection type {class}"),
            Self::Structure => f.write_str("Start of structure or map found where not expected"),
            Self::NotBoolean => f.write_str("Unexpected token received from parser"),
            Self::NotBase64 => f.write_str("only base-64-encoded strings are convertible to bytes"),
            Self::Base64Length(length) => write!(
                f,
                "Base64 encoded length is expected a multiple of 4 bytes but found: {length}"
            ),
            // So it is spelled.
            Self::Base64End => f.write_str("Invalid last non-pad Base64 character dectected"),
        }
    }
}
