//! Attribute values and items to JSON, from values and from stored bytes alike. Sets are written in their
//! order, numbers with all their digits.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use flywheel_item::codec::{AttributesRef, ListRef, Malformed, MembersRef, ValueRef};
use flywheel_item::{AttributeType, AttributeValue, Item, Number};
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

pub(super) fn value<S: Serializer>(value: &AttributeValue, to: S) -> Result<S::Ok, S::Error> {
    Value(value).serialize(to)
}

pub(super) fn item<S: Serializer>(item: &Item, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(item.iter().map(|(name, value)| (name, Value(value))))
}

pub(super) fn attributes<S: Serializer>(
    mut attributes: AttributesRef<'_>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    while let Some((name, value)) = attributes.read_next().map_err(malformed)? {
        map.serialize_entry(name, &Stored(value))?;
    }
    map.end()
}

fn malformed<E: Error>(malformed: Malformed) -> E {
    E::custom(format_args!("a stored item: {malformed}"))
}

/// The one member that a value has.
fn member<S: Serializer>(
    to: S,
    kind: AttributeType,
    contents: &(impl Serialize + ?Sized),
) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(kind.code(), contents)?;
    map.end()
}

/// Bytes in base64.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Digits.
struct Digits<'a>(&'a Number);

impl Serialize for Digits<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self.0)
    }
}

struct Value<'a>(&'a AttributeValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let kind = self.0.kind();
        match self.0 {
            AttributeValue::S(text) => member(to, kind, text),
            AttributeValue::N(number) => member(to, kind, &Digits(number)),
            AttributeValue::B(bytes) => member(to, kind, &Bytes(bytes)),
            AttributeValue::Bool(value) => member(to, kind, value),
            AttributeValue::Null => member(to, kind, &true),
            AttributeValue::M(map) => member(to, kind, &Map(map)),
            AttributeValue::L(list) => member(to, kind, &Each(|| list.iter().map(Value))),
            AttributeValue::Ss(set) => member(to, kind, set),
            AttributeValue::Ns(set) => member(to, kind, &Each(|| set.iter().map(Digits))),
            AttributeValue::Bs(set) => {
                member(to, kind, &Each(|| set.iter().map(|bytes| Bytes(bytes))))
            }
        }
    }
}

struct Map<'a>(&'a Item);

impl Serialize for Map<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        item(self.0, to)
    }
}

/// What an iterator has, as a list.
struct Each<F>(F);

impl<I, F> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0())
    }
}

struct Stored<'a>(ValueRef<'a>);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            ValueRef::Null => member(to, AttributeType::Null, &true),
            ValueRef::Bool(value) => member(to, AttributeType::Bool, value),
            ValueRef::S(text) => member(to, AttributeType::S, *text),
            ValueRef::B(bytes) => member(to, AttributeType::B, &Bytes(bytes)),
            ValueRef::N(number) => member(to, AttributeType::N, &Digits(number)),
            ValueRef::M(map) => member(to, AttributeType::M, &StoredMap(map)),
            ValueRef::L(list) => member(to, AttributeType::L, &StoredList(list)),
            ValueRef::Ss(set) => member(to, AttributeType::Ss, &StoredSet(AttributeType::Ss, set)),
            ValueRef::Ns(set) => member(to, AttributeType::Ns, &StoredSet(AttributeType::Ns, set)),
            ValueRef::Bs(set) => member(to, AttributeType::Bs, &StoredSet(AttributeType::Bs, set)),
        }
    }
}

struct StoredMap<'a>(&'a AttributesRef<'a>);

impl Serialize for StoredMap<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        attributes(self.0.clone(), to)
    }
}

struct StoredList<'a>(&'a ListRef<'a>);

impl Serialize for StoredList<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (mut values, mut list) = (self.0.clone(), to.serialize_seq(None)?);
        while let Some(value) = values.read_next().map_err(malformed)? {
            list.serialize_element(&Stored(value))?;
        }
        list.end()
    }
}

struct StoredSet<'a>(AttributeType, &'a MembersRef<'a>);

impl Serialize for StoredSet<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (mut members, mut list) = (self.1.clone(), to.serialize_seq(None)?);
        match self.0 {
            AttributeType::Ns => {
                while let Some(number) = members.next_number().map_err(malformed)? {
                    list.serialize_element(&Digits(&number))?;
                }
            }
            AttributeType::Bs => {
                while let Some(bytes) = members.next_bytes().map_err(malformed)? {
                    list.serialize_element(&Bytes(bytes))?;
                }
            }
            _ => {
                while let Some(text) = members.next_text().map_err(malformed)? {
                    list.serialize_element(text)?;
                }
            }
        }
        list.end()
    }
}
