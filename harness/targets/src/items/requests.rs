//! The requests of operations as values of `flywheel-api`. Not their JSON: see `dynamodb::body`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flywheel_api::{
    AttributeValueUpdate, ExpectedAttributeValue, GetItemRequest, Put, PutItemRequest, ScanRequest,
    Sent, TransactWriteItem, TransactWriteItemsRequest, UpdateItemRequest,
};
use flywheel_item::{AttributeValue, Item, Number};
use flywheel_load::{Addition, FieldSet, Record, TargetError};

use super::mapping::ItemMapping;
use super::records::{FieldValue, key_text};

/// What is added to, by how much, and what it has to be for that.
pub const ADD_UPDATE: &str = "SET #n = #n + :amount";
/// The condition of an addition.
pub const ADD_CONDITION: &str = "#n BETWEEN :first AND :last";

impl ItemMapping {
    /// GetItem.
    pub fn get_request(
        &self,
        key: &[u8],
        fields: FieldSet,
        is_consistent: bool,
    ) -> Result<GetItemRequest, TargetError> {
        Ok(GetItemRequest {
            table_name: Some(self.table.clone()),
            key: Some(self.key_item(key)?.into()),
            attributes_to_get: self.attributes(fields, false)?,
            consistent_read: is_consistent.then_some(true),
            ..GetItemRequest::default()
        })
    }

    /// PutItem.
    pub fn put_request(&self, key: &[u8], record: &Record) -> Result<PutItemRequest, TargetError> {
        let mut item = self.key_item(key)?;
        for (field, value) in record.fields() {
            item.insert(self.name(field)?.to_owned(), attribute(self.value(field, value)));
        }
        Ok(PutItemRequest {
            table_name: Some(self.table.clone()),
            item: Some(item.into()),
            ..PutItemRequest::default()
        })
    }

    /// TransactWriteItems: the record, and copies of it under keys beside its own.
    pub fn transact_request(
        &self,
        key: &[u8],
        record: &Record,
    ) -> Result<TransactWriteItemsRequest, TargetError> {
        let put = |place| {
            let request = self.put_request(&self.key_of_copy(key, place), record)?;
            let put = Put { table_name: request.table_name, item: request.item, ..Put::default() };
            Ok(TransactWriteItem { put: Some(put), ..TransactWriteItem::default() })
        };
        let items: Result<Vec<_>, TargetError> = (0..self.transaction_items).map(put).collect();
        Ok(TransactWriteItemsRequest {
            transact_items: Some(items?),
            ..TransactWriteItemsRequest::default()
        })
    }

    /// The key of the record itself, and of those that are written with it: `user1`, `user1~1`, `user1~2`.
    pub fn key_of_copy<'k>(&self, key: &'k [u8], place: usize) -> Cow<'k, [u8]> {
        match place {
            0 => Cow::Borrowed(key),
            place => Cow::Owned([key, format!("~{place}").as_bytes()].concat()),
        }
    }

    /// UpdateItem, in the words from before expressions, as YCSB's binding has it.
    pub fn update_request(
        &self,
        key: &[u8],
        changes: &Record,
        must_exist: bool,
    ) -> Result<UpdateItemRequest, TargetError> {
        let updates = changes.fields().map(|(field, value)| {
            let update = AttributeValueUpdate {
                value: Some(attribute(self.value(field, value)).into()),
                action: Some("PUT".into()),
            };
            Ok((self.name(field)?.to_owned(), update))
        });
        let is_there = || {
            let expected = ExpectedAttributeValue {
                comparison_operator: Some("NOT_NULL".into()),
                ..ExpectedAttributeValue::default()
            };
            BTreeMap::from([(self.key.clone(), expected)])
        };
        Ok(UpdateItemRequest {
            table_name: Some(self.table.clone()),
            key: Some(self.key_item(key)?.into()),
            attribute_updates: Some(updates.collect::<Result<_, TargetError>>()?),
            expected: must_exist.then(is_there),
            ..UpdateItemRequest::default()
        })
    }

    /// UpdateItem that adds.
    pub fn add_request(
        &self,
        key: &[u8],
        addition: &Addition,
        between: (i64, i64),
    ) -> Result<UpdateItemRequest, TargetError> {
        let values = [(":amount", addition.amount), (":first", between.0), (":last", between.1)];
        let values = values.map(|(name, number)| (name.to_owned(), n(number)));
        let name = self.name(addition.field)?.to_owned();
        Ok(UpdateItemRequest {
            table_name: Some(self.table.clone()),
            key: Some(self.key_item(key)?.into()),
            update_expression: Some(ADD_UPDATE.into()),
            condition_expression: Some(ADD_CONDITION.into()),
            expression_attribute_names: Some(BTreeMap::from([("#n".to_owned(), name)])),
            expression_attribute_values: Some(Sent::from(Item::from(values))),
            return_values: Some("UPDATED_NEW".into()),
            return_values_on_condition_check_failure: Some("ALL_OLD".into()),
            ..UpdateItemRequest::default()
        })
    }

    /// Scan behind a key, or from the beginning.
    pub fn scan_request(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        fields: FieldSet,
    ) -> Result<ScanRequest, TargetError> {
        let after = after.map(|key| self.key_item(key)).transpose()?;
        Ok(ScanRequest {
            table_name: Some(self.table.clone()),
            exclusive_start_key: after.map(Sent::from),
            limit: Some((limit as i64).into()),
            attributes_to_get: self.attributes(fields, true)?,
            ..ScanRequest::default()
        })
    }

    /// The key attributes of a record.
    fn key_item(&self, key: &[u8]) -> Result<Item, TargetError> {
        let mut item = Item::new();
        item.insert(self.key.clone(), AttributeValue::S(key_text(key)?.to_owned()));
        if let Some((name, value)) = &self.shared {
            item.insert(name.clone(), AttributeValue::S(value.clone()));
        }
        Ok(item)
    }

    /// The names that `fields` asks for; `None` for all there are.
    fn attributes(
        &self,
        fields: FieldSet,
        with_key: bool,
    ) -> Result<Option<Vec<String>>, TargetError> {
        let mut names = match fields {
            FieldSet::All => return Ok(None),
            FieldSet::AllByName => self.fields.clone(),
            FieldSet::One(field) => vec![self.name(field)?.to_owned()],
        };
        names.extend(with_key.then(|| self.key.clone()));
        Ok(Some(names))
    }
}

fn attribute(value: FieldValue<'_>) -> AttributeValue {
    match value {
        FieldValue::S(text) => AttributeValue::S(text.to_owned()),
        FieldValue::B(bytes) => AttributeValue::B(bytes.to_vec()),
        FieldValue::N(number) => n(number),
    }
}

fn n(number: i64) -> AttributeValue {
    let parsed = Number::parse(&number.to_string());
    AttributeValue::N(parsed.expect("19 digits are a number"))
}
