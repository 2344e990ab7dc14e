//! Attribute values and items in JSON: `{"S": "text"}`. Not how they are stored.

mod out;
mod read;
mod write;

pub use out::ItemOut;
pub(crate) use read::Values;

use flywheel_item::{AttributeValue, Invalid, Item};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// An attribute value or an item of a request: what it is, or what is wrong with it.
///
/// What is wrong with JSON is told at once. A value that is sound JSON and no sound value, such as a number
/// of 39 digits, is kept for later, because DynamoDB looks at the other members of a request before.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent<T>(pub Result<T, Invalid>);

impl<T> Sent<T> {
    /// The value.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn into_sound(self) -> Result<T, Invalid> {
        self.0
    }

    /// The value, in place.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn sound(&self) -> Result<&T, &Invalid> {
        self.0.as_ref()
    }
}

impl Default for Sent<Item> {
    fn default() -> Self {
        Self(Ok(Item::new()))
    }
}

impl<T> From<T> for Sent<T> {
    fn from(value: T) -> Self {
        Self(Ok(value))
    }
}

impl Serialize for Sent<AttributeValue> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write::value(self.0.as_ref().map_err(ser::Error::custom)?, to)
    }
}

impl Serialize for Sent<Item> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write::item(self.0.as_ref().map_err(ser::Error::custom)?, to)
    }
}

impl<'de> Deserialize<'de> for Sent<AttributeValue> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read::sent_value(from)?.ok_or_else(|| D::Error::custom(""))
    }
}

impl<'de> Deserialize<'de> for Sent<Item> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read::sent_item(from)?.ok_or_else(|| D::Error::custom(""))
    }
}
