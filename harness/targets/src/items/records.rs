//! From items to records: attributes gathered in whatever order they come, then put in the order of fields. Not
//! how attributes are read.

use std::ops::Range;

use bytes::Bytes;
use flywheel_api::ItemOut;
use flywheel_item::codec::{self, ValueRef};
use flywheel_item::{AttributeValue, Number};
use flywheel_load::{Record, Row, TargetError, TargetErrorKind};

use super::mapping::ItemMapping;

/// The attributes of one item, as far as they are fields or the record's key. Memory is kept from one item to the next.
#[derive(Debug, Default)]
pub struct Gathered {
    bytes: Vec<u8>,
    fields: Vec<(u16, Range<usize>)>,
    key: Option<Range<usize>>,
    wrong: Option<String>,
}

/// What an attribute is to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    Key,
    Field(u16),
    Nothing,
}

impl Gathered {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.key = None;
        self.wrong = None;
    }

    /// What the attribute of that name is.
    pub fn meant(mapping: &ItemMapping, name: &str) -> Meant {
        match mapping.field(name) {
            Some(field) => Meant::Field(field),
            None if name == mapping.key => Meant::Key,
            None => Meant::Nothing,
        }
    }

    /// A value's bytes, text or not; `put` appends them.
    pub fn push(&mut self, meant: Meant, put: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.bytes.len();
        put(&mut self.bytes);
        self.end(meant, begin);
    }

    /// A number in digits.
    pub fn push_number(&mut self, meant: Meant, digits: &str) {
        match digits.parse::<i64>() {
            Ok(number) => self.push(meant, |out| out.extend_from_slice(&number.to_le_bytes())),
            Err(_) => self.wrong = Some(format!("{digits} is no number of 8 bytes")),
        }
    }

    /// A value that no field has.
    pub fn push_wrong(&mut self, name: &str) {
        self.wrong = Some(format!("attribute {name} is neither text nor bytes nor a number"));
    }

    fn end(&mut self, meant: Meant, begin: usize) {
        let range = begin..self.bytes.len();
        match meant {
            Meant::Key => self.key = Some(range),
            Meant::Field(field) => {
                // Of a name that is there twice the last counts.
                self.fields.retain(|(other, _)| *other != field);
                self.fields.push((field, range));
            }
            Meant::Nothing => {}
        }
    }

    /// The record.
    pub fn record(&mut self) -> Result<Record, TargetError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(TargetError::new(TargetErrorKind::Undecodable, wrong));
        }
        self.fields.sort_unstable_by_key(|(field, _)| *field);
        let fields = self.fields.iter();
        Ok(Record::from_fields(fields.map(|(field, range)| (*field, &self.bytes[range.clone()]))))
    }

    /// The record's key.
    pub fn key(&self) -> Result<Bytes, TargetError> {
        let key = self.key.clone().map(|range| Bytes::copy_from_slice(&self.bytes[range]));
        key.ok_or_else(|| TargetError::new(TargetErrorKind::Undecodable, "an item without its key"))
    }

    /// The record under its key.
    pub fn row(&mut self) -> Result<Row, TargetError> {
        Ok(Row { record: self.record()?, key: self.key()? })
    }

    /// Takes an item of a response.
    pub fn take(&mut self, mapping: &ItemMapping, item: &ItemOut) -> Result<(), TargetError> {
        self.clear();
        match item {
            ItemOut::Stored(bytes) => self
                .take_stored(mapping, bytes)
                .map_err(|error| TargetError::from_display(TargetErrorKind::Undecodable, error))?,
            ItemOut::Built(item) => {
                for (name, value) in item {
                    match (Self::meant(mapping, name), value) {
                        (Meant::Nothing, _) => {}
                        (meant, AttributeValue::S(text)) => {
                            self.push(meant, |out| out.extend_from_slice(text.as_bytes()));
                        }
                        (meant, AttributeValue::B(bytes)) => {
                            self.push(meant, |out| out.extend_from_slice(bytes));
                        }
                        (meant, AttributeValue::N(number)) => self.push_digits(meant, number),
                        _ => self.push_wrong(name),
                    }
                }
            }
        }
        Ok(())
    }

    fn take_stored(&mut self, mapping: &ItemMapping, bytes: &[u8]) -> Result<(), codec::Malformed> {
        let mut attributes = codec::read(bytes)?;
        while let Some((name, value)) = attributes.read_next()? {
            match (Self::meant(mapping, name), value) {
                (Meant::Nothing, _) => {}
                (meant, ValueRef::S(text)) => {
                    self.push(meant, |out| out.extend_from_slice(text.as_bytes()));
                }
                (meant, ValueRef::B(bytes)) => self.push(meant, |out| out.extend_from_slice(bytes)),
                (meant, ValueRef::N(number)) => self.push_digits(meant, &number),
                _ => self.push_wrong(name),
            }
        }
        Ok(())
    }

    fn push_digits(&mut self, meant: Meant, number: &Number) {
        self.push_number(meant, &number.to_string());
    }
}

/// How a field's value is an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'a> {
    S(&'a str),
    B(&'a [u8]),
    N(i64),
}

impl ItemMapping {
    /// How the value of a field is sent.
    pub fn value<'a>(&self, field: u16, bytes: &'a [u8]) -> FieldValue<'a> {
        match <[u8; 8]>::try_from(bytes) {
            Ok(number) if self.is_added_to(field) => FieldValue::N(i64::from_le_bytes(number)),
            _ => std::str::from_utf8(bytes).map_or(FieldValue::B(bytes), FieldValue::S),
        }
    }

    /// The attribute's name of a field.
    pub fn name(&self, field: u16) -> Result<&str, TargetError> {
        let name = self.fields.get(usize::from(field)).map(String::as_str);
        name.ok_or_else(|| {
            TargetError::new(TargetErrorKind::Invalid, "a field that the workload has no name for")
        })
    }
}

/// A record's key, which is text here.
pub fn key_text(key: &[u8]) -> Result<&str, TargetError> {
    std::str::from_utf8(key).map_err(|_| {
        TargetError::new(
            TargetErrorKind::Invalid,
            "a key that is no UTF-8, which key attributes are",
        )
    })
}
