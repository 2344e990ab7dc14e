//! Lists and maps in JSON. Not structures, whose members have names of their own.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess};

use super::{Expect, Found, Place, Reads, Refusal, Seed, expect};

fn scalar_refusal(place: Place) -> Refusal {
    match place {
        Place::Body | Place::Member => Refusal::FieldType,
        Place::Element => Refusal::ElementType,
    }
}

struct List<T, K> {
    place: Place,
    kinds: PhantomData<(T, K)>,
}

impl<'de, T, K: Reads<T>> Expect<'de> for List<T, K> {
    type Out = Option<Vec<T>>;

    fn refusal(&self, found: Found) -> Refusal {
        match found {
            Found::Map => Refusal::Structure,
            _ => scalar_refusal(self.place),
        }
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Out, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(Seed::<T, K>::at(Place::Element))? {
            if let Some(element) = element.or_else(K::of_null) {
                K::add_to(&mut elements, element);
            }
        }
        Ok(Some(elements))
    }
}

impl<T, K: Reads<T>> Reads<Vec<T>> for Vec<K> {
    fn class() -> String {
        format!("java.util.List<{}>", K::class())
    }

    fn read<'de, D: Deserializer<'de>>(from: D, place: Place) -> Result<Option<Vec<T>>, D::Error> {
        expect(from, List::<T, K> { place, kinds: PhantomData })
    }
}

struct Map<T, K> {
    place: Place,
    kinds: PhantomData<(T, K)>,
}

impl<'de, T, K: Reads<T>> Expect<'de> for Map<T, K> {
    type Out = Option<BTreeMap<String, T>>;

    fn refusal(&self, found: Found) -> Refusal {
        map_refusal(found, self.place, K::class)
    }

    fn null<E: Error>(self) -> Result<Self::Out, E> {
        Ok(None)
    }

    fn map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Seed::<T, K>::at(Place::Element))?;
            match value.or_else(K::of_null) {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        Ok(Some(entries))
    }
}

/// What is said of something that is no map, but should be one of such a class.
pub(crate) fn map_refusal(found: Found, place: Place, class: fn() -> String) -> Refusal {
    match found {
        Found::List => Refusal::Collection(format!("java.util.Map<java.lang.String, {}>", class())),
        _ => scalar_refusal(place),
    }
}

impl<T, K: Reads<T>> Reads<BTreeMap<String, T>> for BTreeMap<String, K> {
    fn class() -> String {
        format!("java.util.Map<java.lang.String, {}>", K::class())
    }

    fn read<'de, D: Deserializer<'de>>(
        from: D,
        place: Place,
    ) -> Result<Option<BTreeMap<String, T>>, D::Error> {
        expect(from, Map::<T, K> { place, kinds: PhantomData })
    }
}
