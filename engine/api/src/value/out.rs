//! Items of responses: stored bytes that are written to JSON as they are, or items that were made.

use bytes::Bytes;
use flywheel_item::codec::{self, Malformed};
use flywheel_item::{Invalid, Item};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer, ser};

use super::{Sent, write};
use crate::wire::{Place, Reads};

/// An item of a response.
#[derive(Debug, Clone)]
pub enum ItemOut {
    /// As [`codec::encode`] wrote it. What is malformed is an error once it is written.
    Stored(Bytes),
    /// As it is.
    Built(Item),
}

impl ItemOut {
    /// The item, out of stored bytes if need be.
    ///
    /// # Errors
    /// If those are malformed.
    pub fn into_item(self) -> Result<Item, Malformed> {
        match self {
            Self::Stored(bytes) => codec::read(&bytes)?.to_item(),
            Self::Built(item) => Ok(item),
        }
    }
}

impl Default for ItemOut {
    fn default() -> Self {
        Self::Built(Item::new())
    }
}

impl From<Item> for ItemOut {
    fn from(item: Item) -> Self {
        Self::Built(item)
    }
}

impl From<Bytes> for ItemOut {
    fn from(stored: Bytes) -> Self {
        Self::Stored(stored)
    }
}

/// Equal are those of equal attributes, whichever form they have.
impl PartialEq for ItemOut {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Built(one), Self::Built(other)) => one == other,
            (Self::Stored(one), Self::Stored(other)) => one == other,
            (Self::Stored(bytes), Self::Built(item)) | (Self::Built(item), Self::Stored(bytes)) => {
                codec::read(bytes).and_then(|stored| stored.to_item()).is_ok_and(|it| it == *item)
            }
        }
    }
}

impl Serialize for ItemOut {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stored(bytes) => {
                write::attributes(codec::read(bytes).map_err(ser::Error::custom)?, to)
            }
            Self::Built(item) => write::item(item, to),
        }
    }
}

impl Reads<Self> for ItemOut {
    fn class() -> String {
        <Sent<Item> as Reads<_>>::class()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, place: Place) -> Result<Option<Self>, D::Error> {
        let Some(sent) = <Sent<Item> as Reads<_>>::read(from, place)? else { return Ok(None) };
        // Who reads a response has no use for a value that is none.
        let item = sent.into_sound().map_err(|invalid: Invalid| D::Error::custom(invalid))?;
        Ok(Some(Self::Built(item)))
    }
}

impl<'de> Deserialize<'de> for ItemOut {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <Self as Reads<_>>::read(from, Place::Member)?.ok_or_else(|| D::Error::custom(""))
    }
}
