//! Structures in JSON, and the macro that every message is made by. Members that a structure does not
//! have are passed over; of one that is there twice the last one counts, as in Java.

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Expect, Found, Place, Refusal, expect};

/// What has named members.
pub(crate) trait Structure: Default {
    /// What AWS calls it.
    const NAME: &'static str;
    /// What AWS calls its members.
    const MEMBERS: &'static [&'static str];

    /// Reads the value of one, by its index in [`Self::MEMBERS`].
    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        index: usize,
        from: &mut A,
    ) -> Result<(), A::Error>;
}

/// What Java calls a structure.
pub(crate) fn class_of(name: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810.{name}")
}

/// Reads a structure; `None` for null.
pub(crate) fn read_structure<'de, D, T>(from: D, place: Place) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Structure,
{
    expect(from, Expected { place, kind: PhantomData })
}

struct Expected<T> {
    place: Place,
    kind: PhantomData<T>,
}

/// What is said of something that is no structure, but should be the one of that name.
pub(crate) fn structure_refusal(found: Found, place: Place, name: &str) -> Refusal {
    match (found, place) {
        // What AWS says of a body that is no structure is not known.
        (_, Place::Body) => Refusal::Wordless,
        (Found::List, _) => Refusal::Collection(format!("class {}", class_of(name))),
        (_, Place::Member) => Refusal::FieldType,
        (_, Place::Element) => Refusal::ValueType,
    }
}

impl<'de, T: Structure> Expect<'de> for Expected<T> {
    type Out = Option<T>;

    fn refusal(&self, found: Found) -> Refusal {
        structure_refusal(found, self.place, T::NAME)
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        let mut structure = T::default();
        let mut likely = 0;
        while let Some(index) = map.next_key_seed(MemberName { names: T::MEMBERS, likely })? {
            match index {
                Some(index) => {
                    structure.read_member(index, &mut map)?;
                    likely = index + 1;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(structure))
    }
}

/// Finds the index of a name among some, from the one on that is likely to be next.
pub(crate) struct MemberName {
    pub(crate) names: &'static [&'static str],
    pub(crate) likely: usize,
}

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<usize>, E> {
        let likely = self.likely.min(self.names.len());
        let (before, behind) = self.names.split_at(likely);
        let find = |names: &[&str]| names.iter().position(|name| *name == text);
        Ok(find(behind).map(|index| index + likely).or_else(|| find(before)))
    }
}

/// Messages and the structures in them: `field "NameAtAws": Type,`, where `as Kind` behind the type says
/// that it is read another way than its type is.
macro_rules! message {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $field:ident $wire:literal : $type:ty $(as $kind:ty)? , )*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                #[serde(rename = $wire, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $crate::wire::Structure for $name {
            const NAME: &'static str = stringify!($name);
            const MEMBERS: &'static [&'static str] = &[$($wire),*];

            #[allow(unused_variables, unused_mut, unused_assignments, reason = "some have no members")]
            fn read_member<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                index: usize,
                from: &mut A,
            ) -> Result<(), A::Error> {
                let mut at = 0;
                $(
                    if index == at {
                        self.$field = from.next_value_seed(
                            $crate::wire::Seed::<$type, $crate::wire::message!(@kind $type $(, $kind)?)>::at(
                                $crate::wire::Place::Member,
                            ),
                        )?;
                        return Ok(());
                    }
                    at += 1;
                )*
                Ok(())
            }
        }

        impl $crate::wire::Reads<$name> for $name {
            fn class() -> String {
                $crate::wire::class_of(stringify!($name))
            }

            fn read<'de, D: serde::Deserializer<'de>>(
                from: D,
                place: $crate::wire::Place,
            ) -> Result<Option<Self>, D::Error> {
                $crate::wire::read_structure(from, place)
            }

            fn add_to(list: &mut Vec<Self>, element: Self) {
                $crate::wire::add_structure(list, element);
            }

            fn of_null() -> Option<Self> {
                Some(Self::default())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let read = $crate::wire::read_structure(from, $crate::wire::Place::Body)?;
                read.ok_or_else(|| serde::de::Error::custom(""))
            }
        }
    )*};
    (@kind $type:ty) => { $type };
    (@kind $type:ty, $kind:ty) => { $kind };
}

pub(crate) use message;
