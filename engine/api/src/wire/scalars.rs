//! Text, numbers, booleans and bytes in JSON. Not the numbers of items, which are text there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::{Expect, Found, Place, Reads, Refusal, expect};

/// What a wrong scalar is called.
fn refusal(found: Found, class: &'static str) -> Refusal {
    match found {
        Found::List => Refusal::Collection(format!("class java.lang.{class}")),
        Found::Map => Refusal::Structure,
        found => Refusal::NotConvertible(found, class),
    }
}

struct Text;

impl Expect<'_> for Text {
    type Out = Option<String>;

    fn refusal(&self, found: Found) -> Refusal {
        refusal(found, "String")
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn text<E: Error>(self, text: &str) -> Result<Self::Out, E> {
        Ok(Some(text.to_owned()))
    }

    fn owned_text<E: Error>(self, text: String) -> Result<Self::Out, E> {
        Ok(Some(text))
    }
}

impl Reads<String> for String {
    fn class() -> String {
        "java.lang.String".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<String>, D::Error> {
        expect(from, Text)
    }
}

/// A whole number, by what its type is called. What is behind the point is cut off, what does not fit 64 bits is
/// the last that does, as in Java. A smaller type is as wide here: constraints tell of what does not fit it.
struct Whole(&'static str);

impl Expect<'_> for Whole {
    type Out = Option<i64>;

    fn refusal(&self, found: Found) -> Refusal {
        refusal(found, self.0)
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn integer<E: Error>(self, value: i64) -> Result<Self::Out, E> {
        Ok(Some(value))
    }

    fn decimal<E: Error>(self, value: f64) -> Result<Self::Out, E> {
        // Rust's conversion cuts off and saturates too.
        Ok(Some(value as i64))
    }
}

impl Reads<i64> for i64 {
    fn class() -> String {
        "java.lang.Long".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<i64>, D::Error> {
        expect(from, Whole("Long"))
    }
}

/// A number that is 32 bits in the service, which only its name tells.
pub(crate) struct Integer;

impl Reads<i64> for Integer {
    fn class() -> String {
        "java.lang.Integer".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<i64>, D::Error> {
        expect(from, Whole("Integer"))
    }
}

/// A number of 32 bits, as the service has it: what is behind the point is cut off, and what does not fit is the last
/// that does. Constraints hold it against another form of words where it is not what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrowed {
    /// What is left, which fits 32 bits.
    pub value: i64,
    /// Whether that is what was sent.
    pub is_exact: bool,
}

impl From<i64> for Narrowed {
    fn from(sent: i64) -> Self {
        let value = sent.clamp(i32::MIN.into(), i32::MAX.into());
        Self { value, is_exact: value == sent }
    }
}

/// What was cut off is not written: it would be read as another number.
impl Serialize for Narrowed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !self.is_exact {
            return Err(serde::ser::Error::custom("a number that was cut off"));
        }
        to.serialize_i64(self.value)
    }
}

struct Narrow;

impl Expect<'_> for Narrow {
    type Out = Option<Narrowed>;

    fn refusal(&self, found: Found) -> Refusal {
        refusal(found, "Integer")
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn integer<E: Error>(self, value: i64) -> Result<Self::Out, E> {
        Ok(Some(value.into()))
    }

    fn decimal<E: Error>(self, value: f64) -> Result<Self::Out, E> {
        let cut = Narrowed::from(value as i64);
        Ok(Some(Narrowed { is_exact: cut.is_exact && value.fract() == 0.0, ..cut }))
    }
}

impl Reads<Narrowed> for Narrowed {
    fn class() -> String {
        "java.lang.Integer".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<Self>, D::Error> {
        expect(from, Narrow)
    }
}

struct Double;

impl Expect<'_> for Double {
    type Out = Option<f64>;

    fn refusal(&self, found: Found) -> Refusal {
        refusal(found, "Double")
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn integer<E: Error>(self, value: i64) -> Result<Self::Out, E> {
        Ok(Some(value as f64))
    }

    fn decimal<E: Error>(self, value: f64) -> Result<Self::Out, E> {
        Ok(Some(value))
    }
}

impl Reads<f64> for f64 {
    fn class() -> String {
        "java.lang.Double".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<f64>, D::Error> {
        expect(from, Double)
    }
}

/// True, false, and the words that stand for them. Of lists as values of attributes nothing is told.
struct Boolean {
    is_attribute: bool,
}

impl Expect<'_> for Boolean {
    type Out = Option<bool>;

    fn refusal(&self, found: Found) -> Refusal {
        match found {
            Found::List if self.is_attribute => Refusal::Wordless,
            Found::Text => Refusal::NotBoolean,
            found => refusal(found, "Boolean"),
        }
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn boolean<E: Error>(self, value: bool) -> Result<Self::Out, E> {
        Ok(Some(value))
    }

    fn text<E: Error>(self, text: &str) -> Result<Self::Out, E> {
        let is = |word: &&str| text.eq_ignore_ascii_case(word);
        if ["true", "t", "yes", "y", "1"].iter().any(is) {
            Ok(Some(true))
        } else if ["false", "f", "no", "n", "0"].iter().any(is) {
            Ok(Some(false))
        } else {
            Err(E::custom(self.refusal(Found::Text)))
        }
    }
}

impl Reads<bool> for bool {
    fn class() -> String {
        "java.lang.Boolean".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<bool>, D::Error> {
        expect(from, Boolean { is_attribute: false })
    }
}

/// A boolean that is the value of an attribute.
pub(crate) struct Flag;

impl Reads<bool> for Flag {
    fn class() -> String {
        "java.lang.Boolean".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<bool>, D::Error> {
        expect(from, Boolean { is_attribute: true })
    }
}

/// Bytes in base64.
pub(crate) struct Blob;

impl Expect<'_> for Blob {
    type Out = Option<Vec<u8>>;

    fn refusal(&self, found: Found) -> Refusal {
        match found {
            Found::List => Refusal::Collection("class java.nio.ByteBuffer".into()),
            Found::Map => Refusal::Structure,
            _ => Refusal::NotBase64,
        }
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn text<E: Error>(self, text: &str) -> Result<Self::Out, E> {
        if !text.len().is_multiple_of(4) {
            return Err(E::custom(Refusal::Base64Length(text.len())));
        }
        STANDARD.decode(text).map(Some).map_err(|_| E::custom(Refusal::Base64End))
    }
}

impl Reads<Vec<u8>> for Blob {
    fn class() -> String {
        "java.nio.ByteBuffer".into()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, _: Place) -> Result<Option<Vec<u8>>, D::Error> {
        expect(from, Blob)
    }
}
