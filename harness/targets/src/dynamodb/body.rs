//! Bodies of requests, written straight: no trees, no allocation beyond the buffer. The same requests as
//! `items::requests` makes, which tests hold against these.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flywheel_load::{Addition, FieldSet, Record, TargetError};
use std::io::Write;

use crate::items::{ADD_CONDITION, ADD_UPDATE, FieldValue, ItemMapping, key_text};

/// What does not change from one request to the next, as JSON already.
pub struct Bodies {
    /// `{"TableName":"usertable"`
    begin: Vec<u8>,
    /// `{"firstname":{"S":`, the shared key before it where there is one.
    key: Vec<u8>,
    /// `"firstname"`
    key_name: Vec<u8>,
    /// `"field0"` and so on.
    fields: Vec<Vec<u8>>,
}

impl Bodies {
    pub fn new(mapping: &ItemMapping) -> Self {
        let mut begin = b"{\"TableName\":".to_vec();
        push_text(&mut begin, &mapping.table);
        let mut key = b"{".to_vec();
        if let Some((name, value)) = &mapping.shared {
            push_text(&mut key, name);
            key.extend_from_slice(b":{\"S\":");
            push_text(&mut key, value);
            key.extend_from_slice(b"},");
        }
        push_text(&mut key, &mapping.key);
        key.extend_from_slice(b":{\"S\":");
        let quoted = |name: &String| {
            let mut text = Vec::new();
            push_text(&mut text, name);
            text
        };
        let fields = mapping.fields.iter().map(quoted).collect();
        Self { begin, key, key_name: quoted(&mapping.key), fields }
    }

    /// GetItem.
    pub fn get(
        &self,
        key: &[u8],
        fields: FieldSet,
        is_consistent: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(&self.begin);
        out.extend_from_slice(b",\"Key\":");
        self.push_key(key, out)?;
        out.push(b'}');
        self.push_attributes(fields, false, out)?;
        out.extend_from_slice(if is_consistent { b",\"ConsistentRead\":true}" } else { b"}" });
        Ok(())
    }

    /// PutItem.
    pub fn put(
        &self,
        mapping: &ItemMapping,
        key: &[u8],
        record: &Record,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(&self.begin);
        out.extend_from_slice(b",\"Item\":");
        self.push_key(key, out)?;
        for (field, value) in record.fields() {
            out.push(b',');
            out.extend_from_slice(self.name(mapping, field)?);
            out.push(b':');
            push_value(mapping.value(field, value), out);
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// TransactWriteItems.
    pub fn transact(
        &self,
        mapping: &ItemMapping,
        key: &[u8],
        record: &Record,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(b"{\"TransactItems\":[");
        for place in 0..mapping.transaction_items {
            out.extend_from_slice(if place == 0 { b"{\"Put\":" } else { b",{\"Put\":" });
            self.put(mapping, &mapping.key_of_copy(key, place), record, out)?;
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
        Ok(())
    }

    /// UpdateItem.
    pub fn update(
        &self,
        mapping: &ItemMapping,
        key: &[u8],
        changes: &Record,
        must_exist: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(&self.begin);
        out.extend_from_slice(b",\"Key\":");
        self.push_key(key, out)?;
        out.extend_from_slice(b"},\"AttributeUpdates\":{");
        for (index, (field, value)) in changes.fields().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.name(mapping, field)?);
            out.extend_from_slice(b":{\"Value\":");
            push_value(mapping.value(field, value), out);
            out.extend_from_slice(b",\"Action\":\"PUT\"}");
        }
        out.push(b'}');
        if must_exist {
            out.extend_from_slice(b",\"Expected\":{");
            out.extend_from_slice(&self.key_name);
            out.extend_from_slice(b":{\"ComparisonOperator\":\"NOT_NULL\"}}");
        }
        out.push(b'}');
        Ok(())
    }

    /// UpdateItem that adds.
    pub fn add(
        &self,
        mapping: &ItemMapping,
        key: &[u8],
        addition: &Addition,
        between: (i64, i64),
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(&self.begin);
        out.extend_from_slice(b",\"Key\":");
        self.push_key(key, out)?;
        let _ = write!(
            out,
            "}},\"UpdateExpression\":\"{ADD_UPDATE}\",\"ConditionExpression\":\"{ADD_CONDITION}\",\
             \"ExpressionAttributeNames\":{{\"#n\":"
        );
        out.extend_from_slice(self.name(mapping, addition.field)?);
        let ((first, last), amount) = (between, addition.amount);
        let _ = write!(
            out,
            "}},\"ExpressionAttributeValues\":{{\":amount\":{{\"N\":\"{amount}\"}},\
             \":first\":{{\"N\":\"{first}\"}},\":last\":{{\"N\":\"{last}\"}}}},\
             \"ReturnValues\":\"UPDATED_NEW\",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}}"
        );
        Ok(())
    }

    /// Scan.
    pub fn scan(
        &self,
        after: Option<&[u8]>,
        limit: usize,
        fields: FieldSet,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        out.extend_from_slice(&self.begin);
        if let Some(after) = after {
            out.extend_from_slice(b",\"ExclusiveStartKey\":");
            self.push_key(after, out)?;
            out.push(b'}');
        }
        self.push_attributes(fields, true, out)?;
        let _ = write!(out, ",\"Limit\":{limit}}}");
        Ok(())
    }

    /// The key attributes, without the end of their object.
    fn push_key(&self, key: &[u8], out: &mut Vec<u8>) -> Result<(), TargetError> {
        out.extend_from_slice(&self.key);
        push_text(out, key_text(key)?);
        out.push(b'}');
        Ok(())
    }

    fn push_attributes(
        &self,
        fields: FieldSet,
        with_key: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), TargetError> {
        let one;
        let names = match fields {
            FieldSet::All => return Ok(()),
            FieldSet::AllByName => &self.fields[..],
            FieldSet::One(field) => {
                one = usize::from(field);
                self.fields.get(one..=one).ok_or_else(|| {
                    let what = "a field that the workload has no name for";
                    TargetError::new(flywheel_load::TargetErrorKind::Invalid, what)
                })?
            }
        };
        out.extend_from_slice(b",\"AttributesToGet\":[");
        let key = with_key.then_some(&self.key_name);
        for (index, name) in names.iter().chain(key).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name);
        }
        out.push(b']');
        Ok(())
    }

    fn name(&self, mapping: &ItemMapping, field: u16) -> Result<&[u8], TargetError> {
        mapping.name(field)?;
        Ok(&self.fields[usize::from(field)])
    }
}

fn push_value(value: FieldValue<'_>, out: &mut Vec<u8>) {
    match value {
        FieldValue::S(text) => {
            out.extend_from_slice(b"{\"S\":");
            push_text(out, text);
            out.push(b'}');
        }
        FieldValue::B(bytes) => {
            out.extend_from_slice(b"{\"B\":\"");
            let begin = out.len();
            out.resize(begin + bytes.len().div_ceil(3) * 4, 0);
            let written = STANDARD.encode_slice(bytes, &mut out[begin..]);
            debug_assert_eq!(written.ok(), Some(out.len() - begin), "padded base64");
            out.extend_from_slice(b"\"}");
        }
        FieldValue::N(number) => {
            let _ = write!(out, "{{\"N\":\"{number}\"}}");
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    // Text becomes JSON without fail, and memory takes it.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use flywheel_api::{
        GetItemRequest, PutItemRequest, ScanRequest, TransactWriteItemsRequest, UpdateItemRequest,
        read,
    };
    use flywheel_load::{Properties, Workload};

    use super::*;

    fn mapping(properties: &[(&str, &str)]) -> ItemMapping {
        let mut all = Properties::new();
        for (name, value) in [("fieldcount", "4"), ("recordcount", "1")].iter().chain(properties) {
            all.set_override(name, value, "test");
        }
        let workload = Workload::resolve(&all).expect("sound").workload;
        ItemMapping::new(&workload, "a \"table\"").expect("sound").with_numbers(&[2])
    }

    /// Both ways to write a request say the same.
    fn check(mapping: &ItemMapping) {
        let bodies = Bodies::new(mapping);
        let number = (-7i64).to_le_bytes();
        let fields = [(0, &b"\"text\" \\ \x01"[..]), (1, b"\xFF\x00bytes"), (2, &number), (3, b"")];
        let record = Record::from_fields(fields);
        let key = "user\"1\u{e9}".as_bytes();
        let mut out = Vec::new();
        let mut written = |write: &dyn Fn(&mut Vec<u8>) -> Result<(), TargetError>| {
            out.clear();
            write(&mut out).expect("it can be written");
            out.clone()
        };
        for fields in [FieldSet::All, FieldSet::AllByName, FieldSet::One(3)] {
            let body = written(&|out| bodies.get(key, fields, true, out));
            let request = mapping.get_request(key, fields, true).expect("sound");
            assert_eq!(read::<GetItemRequest>(&body).expect("JSON"), request);
            for after in [None, Some(key)] {
                let body = written(&|out| bodies.scan(after, 7, fields, out));
                let request = mapping.scan_request(after, 7, fields).expect("sound");
                assert_eq!(read::<ScanRequest>(&body).expect("JSON"), request);
            }
        }
        let body = written(&|out| bodies.put(mapping, key, &record, out));
        let request = mapping.put_request(key, &record).expect("sound");
        assert_eq!(read::<PutItemRequest>(&body).expect("JSON"), request);
        let body = written(&|out| bodies.transact(mapping, key, &record, out));
        let request = mapping.transact_request(key, &record).expect("sound");
        assert_eq!(read::<TransactWriteItemsRequest>(&body).expect("JSON"), request);
        for must_exist in [false, true] {
            let body = written(&|out| bodies.update(mapping, key, &record, must_exist, out));
            let request = mapping.update_request(key, &record, must_exist).expect("sound");
            assert_eq!(read::<UpdateItemRequest>(&body).expect("JSON"), request);
        }
        let addition = Addition { field: 2, amount: -3, least: 0 };
        let body = written(&|out| bodies.add(mapping, key, &addition, (3, i64::MAX), out));
        let request = mapping.add_request(key, &addition, (3, i64::MAX)).expect("sound");
        assert_eq!(read::<UpdateItemRequest>(&body).expect("JSON"), request);
    }

    #[test]
    fn what_is_written_straight_is_what_the_messages_say() {
        check(&mapping(&[]));
        check(&mapping(&[
            ("dynamodb.primaryKey", "the \\ key"),
            ("dynamodb.primaryKeyType", "HASH_AND_RANGE"),
            ("dynamodb.hashKeyName", "shared"),
            ("dynamodb.transactionItems", "3"),
        ]));
    }

    #[test]
    fn keys_that_are_no_text_and_fields_without_names_are_refused() {
        let mapping = mapping(&[]);
        let bodies = Bodies::new(&mapping);
        let mut out = Vec::new();
        assert!(bodies.get(b"\xFF", FieldSet::All, false, &mut out).is_err());
        assert!(bodies.get(b"a", FieldSet::One(4), false, &mut out).is_err());
        let stranger = Record::from_fields([(4, &b""[..])]);
        assert!(bodies.put(&mapping, b"a", &stranger, &mut out).is_err());
    }
}
