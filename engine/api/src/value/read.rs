//! JSON to attribute values and items, straight into them. A value may be sound JSON and no sound value:
//! then reading goes on, because wrong JSON behind it is told of first, and what was wrong is kept.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flywheel_item::limits::MAX_LEVELS;
use flywheel_item::{AttributeType, AttributeValue, Invalid, Item, Number};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess};

use super::Sent;
use crate::wire::{
    Blob, Expect, Flag, Found, MemberName, Place, Reads, Refusal, Seed, add_structure, class_of,
    expect, map_refusal, structure_refusal,
};

const NAME: &str = "AttributeValue";

/// The members of a value, as AWS's model has them.
const MEMBERS: &[&str] = &["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"];

/// A value, or what is wrong with it first.
type Kept<T> = Result<T, Invalid>;

pub(super) fn sent_value<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Sent<AttributeValue>>, D::Error> {
    <Sent<AttributeValue> as Reads<_>>::read(from, Place::Member)
}

pub(super) fn sent_item<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Sent<Item>>, D::Error> {
    <Sent<Item> as Reads<_>>::read(from, Place::Member)
}

impl Reads<Self> for Sent<AttributeValue> {
    fn class() -> String {
        class_of(NAME)
    }

    fn read<'de, D: Deserializer<'de>>(from: D, place: Place) -> Result<Option<Self>, D::Error> {
        Ok(expect(from, Value { place, levels: MAX_LEVELS })?.map(Self))
    }

    fn add_to(list: &mut Vec<Self>, element: Self) {
        // Of two wrong ones only the first is ever told.
        let is_told = list.last().is_some_and(|last| last.0.is_err()) && element.0.is_err();
        if !is_told {
            list.push(element);
        }
    }

    fn of_null() -> Option<Self> {
        Some(Self(Err(Invalid::EmptyValue)))
    }
}

impl Reads<Self> for Sent<Item> {
    fn class() -> String {
        map_class()
    }

    fn read<'de, D: Deserializer<'de>>(from: D, place: Place) -> Result<Option<Self>, D::Error> {
        let attributes = Attributes { place, levels: MAX_LEVELS, are_placeholders: false };
        Ok(expect(from, attributes)?.map(Self))
    }

    fn add_to(list: &mut Vec<Self>, element: Self) {
        add_structure(list, element);
    }

    fn of_null() -> Option<Self> {
        Some(Self::default())
    }
}

/// The values of expressions: an item in all but what is said of a value that is none.
pub(crate) struct Values;

impl Reads<Sent<Item>> for Values {
    fn class() -> String {
        map_class()
    }

    fn read<'de, D: Deserializer<'de>>(
        from: D,
        place: Place,
    ) -> Result<Option<Sent<Item>>, D::Error> {
        let attributes = Attributes { place, levels: MAX_LEVELS, are_placeholders: true };
        Ok(expect(from, attributes)?.map(Sent))
    }
}

/// Of several things that are wrong, empty names are told before all else.
fn rank(wrong: &Invalid) -> usize {
    usize::from(!matches!(wrong, Invalid::EmptyAttributeName))
}

fn map_class() -> String {
    format!("java.util.Map<java.lang.String, {}>", class_of(NAME))
}

/// Attributes by name.
struct Attributes {
    place: Place,
    /// How deep their values may go.
    levels: usize,
    are_placeholders: bool,
}

impl<'de> Expect<'de> for Attributes {
    type Out = Option<Kept<Item>>;

    fn refusal(&self, found: Found) -> Refusal {
        map_refusal(found, self.place, || class_of(NAME))
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        let mut item = Item::new();
        // By name, with the order in which they were found: the last of a name counts, and may be sound.
        let mut wrong = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = Value { place: Place::Element, levels: self.levels };
            let mut value = map.next_value_seed(value)?.unwrap_or(Err(Invalid::EmptyValue));
            // Of placeholders it is said in other words, with all else about them.
            if name.is_empty() && !self.are_placeholders {
                value = Err(Invalid::EmptyAttributeName);
            }
            match value {
                Ok(value) => {
                    wrong.remove(&name);
                    item.insert(name, value);
                }
                Err(invalid) => {
                    let at = wrong.len();
                    wrong.insert(name, (at, invalid));
                }
            }
        }
        let first = wrong.into_iter().min_by_key(|(_, (at, wrong))| (rank(wrong), *at));
        Ok(Some(match first {
            None => Ok(item),
            Some((key, (_, invalid))) if self.are_placeholders => {
                Err(Invalid::ExpressionValue(key, Box::new(invalid)))
            }
            Some((_, (_, invalid))) => Err(invalid),
        }))
    }
}

impl<'de> DeserializeSeed<'de> for Attributes {
    type Value = Option<Kept<Item>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        expect(from, self)
    }
}

/// One value.
#[derive(Clone, Copy)]
struct Value {
    place: Place,
    /// How deep it may go. It is not followed below that: nor does the stack go there, nor the bound that
    /// the parser has of its own.
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Option<Kept<AttributeValue>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        if self.levels > 0 {
            return expect(from, self);
        }
        serde::Deserialize::deserialize(from).map(|IgnoredAny| Some(Err(Invalid::NestedTooDeep)))
    }
}

impl<'de> Expect<'de> for Value {
    type Out = Option<Kept<AttributeValue>>;

    fn refusal(&self, found: Found) -> Refusal {
        structure_refusal(found, self.place, NAME)
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        let mut members = Members::default();
        while let Some(index) = map.next_key_seed(MemberName { names: MEMBERS, likely: 0 })? {
            match index {
                Some(index) => {
                    let value = self.member(MEMBERS[index], &mut map)?;
                    members.add(MEMBERS[index], value);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(members.into_value()))
    }
}

impl Value {
    /// Reads the value of one member; `None` for null.
    fn member<'de, A: MapAccess<'de>>(
        self,
        name: &str,
        map: &mut A,
    ) -> Result<Option<Kept<AttributeValue>>, A::Error> {
        let (place, below) = (Place::Member, self.levels - 1);
        Ok(match name {
            "S" => text(map)?.map(|text| Ok(AttributeValue::S(text))),
            "N" => text(map)?.map(|text| number(&text).map(AttributeValue::N)),
            "B" => {
                let bytes = map.next_value_seed(Seed::<Vec<u8>, Blob>::at(place))?;
                bytes.map(|bytes| Ok(AttributeValue::B(bytes)))
            }
            "BOOL" => flag(map)?.map(|value| Ok(AttributeValue::Bool(value))),
            "NULL" => flag(map)?.map(|value| {
                if value { Ok(AttributeValue::Null) } else { Err(Invalid::NullNotTrue) }
            }),
            "SS" => texts(map)?.map(text_set),
            "NS" => texts(map)?.map(number_set),
            "BS" => {
                let members = map.next_value_seed(Seed::<Vec<Vec<u8>>, Vec<Blob>>::at(place))?;
                members.map(binary_set)
            }
            "L" => {
                map.next_value_seed(List { levels: below })?.map(|list| list.map(AttributeValue::L))
            }
            _ => {
                let attributes = Attributes { place, levels: below, are_placeholders: false };
                map.next_value_seed(attributes)?.map(|map| map.map(AttributeValue::M))
            }
        })
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    map.next_value_seed(Seed::<String>::at(Place::Member))
}

fn texts<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Vec<String>>, A::Error> {
    map.next_value_seed(Seed::<Vec<String>>::at(Place::Member))
}

fn flag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<bool>, A::Error> {
    map.next_value_seed(Seed::<bool, Flag>::at(Place::Member))
}

/// What the members of a value come to.
#[derive(Default)]
struct Members {
    /// The one that there should be: the last of its name that is not null.
    first: Option<(&'static str, Kept<AttributeValue>)>,
    /// Those beside it.
    others: Vec<(&'static str, Kept<AttributeValue>)>,
}

impl Members {
    fn add(&mut self, name: &'static str, value: Option<Kept<AttributeValue>>) {
        self.others.retain(|(other, _)| *other != name);
        if self.first.as_ref().is_some_and(|(first, _)| *first == name) {
            self.first = self.others.pop();
        }
        let Some(value) = value else { return };
        match self.first {
            None => self.first = Some((name, value)),
            Some(_) => self.others.push((name, value)),
        }
    }

    fn into_value(self) -> Kept<AttributeValue> {
        let Some((_, value)) = self.first else { return Err(Invalid::EmptyValue) };
        if self.others.is_empty() {
            return value;
        }
        let others = self.others.into_iter().map(|(_, value)| value);
        Err(first_wrong(std::iter::once(value).chain(others)).unwrap_or(Invalid::SeveralTypes))
    }
}

/// What is told of values with several types instead: empty sets first, then numbers, then nulls.
fn first_wrong(values: impl Iterator<Item = Kept<AttributeValue>>) -> Option<Invalid> {
    let rank = |invalid: &Invalid| match invalid {
        Invalid::EmptySet(_) => Some(0),
        Invalid::Number(..) => Some(1),
        Invalid::NullNotTrue => Some(2),
        _ => None,
    };
    values.filter_map(Result::err).filter(|wrong| rank(wrong).is_some()).min_by_key(rank)
}

fn number(text: &str) -> Kept<Number> {
    Number::parse(text).map_err(|error| Invalid::Number(error, text.to_owned()))
}

fn text_set(members: Vec<String>) -> Kept<AttributeValue> {
    let differ = members.iter().collect::<BTreeSet<_>>().len();
    check_set(AttributeType::Ss, members.len(), differ, || members.clone())?;
    Ok(AttributeValue::Ss(members.into_iter().collect()))
}

fn number_set(members: Vec<String>) -> Kept<AttributeValue> {
    let set = members.iter().map(|text| number(text)).collect::<Kept<BTreeSet<Number>>>()?;
    check_set(AttributeType::Ns, members.len(), set.len(), || members)?;
    Ok(AttributeValue::Ns(set))
}

fn binary_set(members: Vec<Vec<u8>>) -> Kept<AttributeValue> {
    let differ = members.iter().collect::<BTreeSet<_>>().len();
    let sent = || members.iter().map(|bytes| STANDARD.encode(bytes)).collect();
    check_set(AttributeType::Bs, members.len(), differ, sent)?;
    Ok(AttributeValue::Bs(members.into_iter().collect()))
}

/// `sent` is how many members there were, `differ` how many of them are not repeated.
fn check_set(
    kind: AttributeType,
    sent: usize,
    differ: usize,
    members: impl FnOnce() -> Vec<String>,
) -> Kept<()> {
    match sent {
        0 => Err(Invalid::EmptySet(kind)),
        _ if sent == differ => Ok(()),
        _ => Err(Invalid::DuplicateMembers(kind, members())),
    }
}

/// The values of a list.
struct List {
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for List {
    type Value = Option<Kept<Vec<AttributeValue>>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        expect(from, self)
    }
}

impl<'de> Expect<'de> for List {
    type Out = Option<Kept<Vec<AttributeValue>>>;

    fn refusal(&self, found: Found) -> Refusal {
        match found {
            Found::Map => Refusal::Structure,
            _ => Refusal::FieldType,
        }
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Out, A::Error> {
        let (mut values, mut wrong) = (Vec::new(), None);
        let value = Value { place: Place::Element, levels: self.levels };
        while let Some(value) = list.next_element_seed(value)? {
            match value.unwrap_or(Err(Invalid::EmptyValue)) {
                Ok(value) => values.push(value),
                Err(invalid) if wrong.as_ref().is_none_or(|wrong| rank(&invalid) < rank(wrong)) => {
                    wrong = Some(invalid);
                }
                Err(_) => {}
            }
        }
        Ok(Some(wrong.map_or(Ok(values), Err)))
    }
}
