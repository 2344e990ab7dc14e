//! Key schemas: which attributes partition and which sort.

use std::collections::BTreeSet;

use flywheel_api::{ApiError, AttributeDefinition, KeySchemaElement};
use flywheel_item::{AttributeType, HashTable, in_hash_order};

use super::wording::{self, Fault};
use crate::catalog::record::{KeyPart, KeyRecord};
use crate::limits::MAX_INDEX_KEY_PARTS;

/// Attributes that a request defines: names and types.
#[derive(Debug, Clone, Default)]
pub(crate) struct Definitions(Vec<KeyPart>);

/// An element of a key schema.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    name: &'a str,
    is_hash: bool,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::validation(message))
}

impl Definitions {
    /// Those of a request, whose members were looked at one by one before. Of one that is there twice the
    /// first counts.
    pub fn new(definitions: &[AttributeDefinition]) -> Self {
        let mut names = BTreeSet::new();
        let parts = definitions.iter().filter_map(|definition| {
            let name = definition.attribute_name.clone()?;
            let kind = AttributeType::from_code(definition.attribute_type.as_deref()?)?;
            names.insert(name.clone()).then_some(KeyPart { name, kind })
        });
        Self(parts.collect())
    }

    /// These.
    pub fn of(parts: Vec<KeyPart>) -> Self {
        Self(parts)
    }

    pub fn parts(&self) -> &[KeyPart] {
        &self.0
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|part| part.name.clone()).collect()
    }

    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.name == name)
    }

    /// The key of a table.
    pub fn table_key(&self, schema: &[KeySchemaElement]) -> Result<KeyRecord, ApiError> {
        let elements = elements(schema);
        let missing: Vec<String> = elements
            .iter()
            .filter(|element| !self.contains(element.name))
            .map(|element| element.name.to_owned())
            .collect();
        let has_same_names = matches!(&elements[..], [one, other] if one.name == other.name);
        if !missing.is_empty() {
            if self.0.is_empty() || elements.len() > 1 {
                return refuse(wording::KEY_UNDEFINED);
            }
            return refuse(wording::undefined(&missing, &self.names()));
        }
        if has_same_names {
            return refuse(wording::KEY_UNDEFINED);
        }
        check_order(&elements)?;
        Ok(self.key(&elements))
    }

    /// That the attributes of an index's key are defined.
    pub fn check_index_key(&self, schema: &[KeySchemaElement]) -> Result<(), ApiError> {
        let mut names: Vec<String> = Vec::new();
        for element in elements(schema) {
            if !names.iter().any(|name| name == element.name) {
                names.push(element.name.to_owned());
            }
        }
        if names.iter().all(|name| self.contains(name)) {
            return Ok(());
        }
        if self.0.len() < names.len() {
            return refuse(wording::KEY_UNDEFINED);
        }
        refuse(wording::undefined(
            &in_hash_order(names, HashTable::Sized),
            &in_hash_order(self.names(), HashTable::Sized),
        ))
    }

    /// The key of a local index.
    pub fn local_key(
        &self,
        index: &str,
        schema: &[KeySchemaElement],
        table: &KeyRecord,
    ) -> Result<KeyRecord, ApiError> {
        let elements = elements(schema);
        check_order(&elements)?;
        if !elements.iter().any(|element| !element.is_hash) {
            return refuse(wording::no_range_of_index(index));
        }
        let (own, tables) = (elements[0].name, &table.partition[0].name);
        if own != tables {
            return refuse(wording::other_hash(index, own, tables));
        }
        Ok(self.key(&elements))
    }

    /// The key of a global index: up to four attributes of either kind.
    pub fn global_key(&self, schema: &[KeySchemaElement]) -> Result<KeyRecord, ApiError> {
        let elements = elements(schema);
        if elements.first().is_none_or(|first| !first.is_hash) {
            return refuse(wording::FIRST_NOT_HASH);
        }
        if let [hash, range] = &elements[..]
            && !range.is_hash
            && hash.name == range.name
        {
            return refuse(wording::SAME_NAMES);
        }
        let mut names = BTreeSet::new();
        if !elements.iter().all(|element| names.insert(element.name)) {
            return refuse(wording::REPEATED_NAME);
        }
        if elements.windows(2).any(|pair| !pair[0].is_hash && pair[1].is_hash) {
            return refuse(wording::fault(Fault::HashAfterRange));
        }
        for (is_hash, kind) in [(true, "HASH"), (false, "RANGE")] {
            let parts = elements.iter().filter(|element| element.is_hash == is_hash).count();
            if parts > MAX_INDEX_KEY_PARTS {
                return refuse(wording::too_many_parts(kind));
            }
        }
        Ok(self.key(&elements))
    }

    /// That each attribute that is defined is one of a key.
    pub fn check_used(&self, keys: &[&KeyRecord], has_indexes: bool) -> Result<(), ApiError> {
        let mut used: Vec<String> = Vec::new();
        for part in keys.iter().flat_map(|key| key.partition.iter().chain(&key.sort)) {
            if !used.contains(&part.name) {
                used.push(part.name.clone());
            }
        }
        if used.len() == self.0.len() {
            return Ok(());
        }
        if !has_indexes {
            return refuse(wording::fault(Fault::AttributeCount));
        }
        refuse(wording::unused(
            &in_hash_order(self.names(), HashTable::Sized),
            &in_hash_order(used, HashTable::Grown),
        ))
    }

    fn key(&self, elements: &[Element<'_>]) -> KeyRecord {
        let of = |is_hash: bool| {
            let names = elements.iter().filter(|element| element.is_hash == is_hash);
            names
                .filter_map(|element| self.0.iter().find(|part| part.name == element.name))
                .cloned()
                .collect()
        };
        KeyRecord { partition: of(true), sort: of(false) }
    }
}

/// One that partitions, then at most one that sorts.
fn check_order(elements: &[Element<'_>]) -> Result<(), ApiError> {
    match elements {
        [] => refuse(wording::FIRST_NOT_HASH),
        [first, ..] if !first.is_hash => refuse(wording::FIRST_NOT_HASH),
        [first, second, ..] if first.name == second.name => refuse(wording::SAME_NAMES),
        [_, second, ..] if second.is_hash => refuse(wording::SECOND_NOT_RANGE),
        _ => Ok(()),
    }
}

fn elements(schema: &[KeySchemaElement]) -> Vec<Element<'_>> {
    schema
        .iter()
        .filter_map(|element| {
            let name = element.attribute_name.as_deref()?;
            Some(Element { name, is_hash: element.key_type.as_deref()? == "HASH" })
        })
        .collect()
}
