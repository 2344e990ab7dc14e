//! JSON to messages and back. What is not JSON, or JSON of other types than a message has, is a
//! `SerializationException` in DynamoDB's words; what values may be is not looked at here.

mod collections;
mod json;
mod refusal;
mod scalars;
mod structure;

pub(crate) use collections::map_refusal;
pub(crate) use refusal::{Found, Refusal};
pub use scalars::Narrowed;
pub(crate) use scalars::{Blob, Flag, Integer};
pub(crate) use structure::{
    MemberName, Structure, class_of, message, read_structure, structure_refusal,
};

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode};
use crate::limits::MAX_KEPT_STRUCTURES;

/// Reads a message.
///
/// # Errors
/// `SerializationException`, without a message if this is no JSON.
pub fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::new(ErrorCode::Serialization, words(&error)))
}

/// What is told of a body that cannot be read: nothing, but of members of the wrong type.
fn words(error: &serde_json::Error) -> String {
    if !error.is_data() {
        return String::new();
    }
    let (text, place) =
        (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Writes a message.
///
/// # Errors
/// `InternalServerError`, if it has a stored item in it that is malformed, or a value that is none.
pub fn write<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, ApiError> {
    // Most responses are of one small item or none.
    let mut out = Vec::with_capacity(512);
    write_into(message, &mut out)?;
    Ok(out)
}

/// Appends a message to what may be the rest of a response, or memory that was used before.
///
/// # Errors
/// As [`write()`]; then nothing is appended.
pub fn write_into<T: Serialize + ?Sized>(message: &T, out: &mut Vec<u8>) -> Result<(), ApiError> {
    let before = out.len();
    json::append(message, out).map_err(|error| {
        out.truncate(before);
        ApiError::internal(error.to_string())
    })
}

/// Where a value stands, which the words for a wrong one hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the message.
    Body,
    /// It is a member of a structure.
    Member,
    /// It is an element of a list or a map.
    Element,
}

/// How a `T` is read.
pub(crate) trait Reads<T> {
    /// What Java calls the type.
    fn class() -> String;

    /// Reads one; `None` for null.
    fn read<'de, D: Deserializer<'de>>(from: D, place: Place) -> Result<Option<T>, D::Error>;

    /// Adds one to a list of them. Those that the list is wrong without already may be left out.
    fn add_to(list: &mut Vec<T>, element: T) {
        list.push(element);
    }

    /// What a null among the elements of a list or map is; `None` if it is nothing.
    fn of_null() -> Option<T> {
        None
    }
}

/// Adds a structure to a list of them, unless there are too many already: then whoever checks it sees so.
pub(crate) fn add_structure<T>(list: &mut Vec<T>, element: T) {
    if list.len() < MAX_KEPT_STRUCTURES {
        list.push(element);
    }
}

/// A `T` that is read as `K` says, where serde wants a seed.
pub(crate) struct Seed<T, K = T> {
    place: Place,
    kinds: PhantomData<(T, K)>,
}

impl<T, K> Seed<T, K> {
    pub(crate) fn at(place: Place) -> Self {
        Self { place, kinds: PhantomData }
    }
}

impl<'de, T, K: Reads<T>> DeserializeSeed<'de> for Seed<T, K> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        K::read(from, self.place)
    }
}

/// What is expected somewhere: what it makes of what it finds. It refuses all that it does not override.
pub(crate) trait Expect<'de>: Sized {
    /// What it makes.
    type Out;

    /// Its words for what does not belong there.
    fn refusal(&self, found: Found) -> Refusal;

    fn null<E: Error>(self) -> Result<Self::Out, E>;

    fn boolean<E: Error>(self, value: bool) -> Result<Self::Out, E> {
        Err(E::custom(self.refusal(if value { Found::True } else { Found::False })))
    }

    fn integer<E: Error>(self, _: i64) -> Result<Self::Out, E> {
        Err(E::custom(self.refusal(Found::Integer)))
    }

    fn decimal<E: Error>(self, _: f64) -> Result<Self::Out, E> {
        Err(E::custom(self.refusal(Found::Decimal)))
    }

    fn text<E: Error>(self, _: &str) -> Result<Self::Out, E> {
        Err(E::custom(self.refusal(Found::Text)))
    }

    /// Text that is the reader's own already.
    fn owned_text<E: Error>(self, text: String) -> Result<Self::Out, E> {
        self.text(&text)
    }

    fn list<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Out, A::Error> {
        Err(A::Error::custom(self.refusal(Found::List)))
    }

    fn map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Out, A::Error> {
        Err(A::Error::custom(self.refusal(Found::Map)))
    }
}

/// Reads what is expected.
pub(crate) fn expect<'de, D, X>(from: D, expected: X) -> Result<X::Out, D::Error>
where
    D: Deserializer<'de>,
    X: Expect<'de>,
{
    from.deserialize_any(Expecting(expected))
}

struct Expecting<X>(X);

impl<'de, X: Expect<'de>> Visitor<'de> for Expecting<X> {
    type Value = X::Out;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<X::Out, E> {
        self.0.null()
    }

    fn visit_none<E: Error>(self) -> Result<X::Out, E> {
        self.0.null()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<X::Out, E> {
        self.0.boolean(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<X::Out, E> {
        self.0.integer(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<X::Out, E> {
        self.0.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<X::Out, E> {
        self.0.decimal(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<X::Out, E> {
        self.0.text(value)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<X::Out, E> {
        self.0.owned_text(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<X::Out, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<X::Out, A::Error> {
        self.0.map(map)
    }
}
