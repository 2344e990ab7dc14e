//! Wrong members as errors repeat them: the service's own objects, as Java prints them. Not their JSON.
//!
//! Regions differ in how they print attribute values; this is the form that most of them have.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use flywheel_item::{AttributeType, AttributeValue, Item};

use crate::limits::MAX_ECHO_BYTES;
use crate::messages::{
    ConditionCheck, Delete, Get, KeySchemaElement, Put, TransactGetItem, TransactWriteItem, Update,
    WriteRequest,
};
use crate::value::Sent;

/// Text that takes so much and no more.
#[derive(Default)]
struct Bounded {
    text: String,
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.text.len() + more.len() > MAX_ECHO_BYTES {
            self.text.push_str("...");
            return Err(fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

/// What `print` prints, as much of it as fits.
fn bounded(print: impl FnOnce(&mut Bounded) -> fmt::Result) -> String {
    let mut out = Bounded::default();
    // It fails once it is full, and what it has by then is what is shown.
    let _ = print(&mut out);
    out.text
}

pub(super) fn key_schema(schema: &[KeySchemaElement]) -> String {
    bounded(|out| {
        list(out, schema, |out, element| {
            let text = |member: &Option<String>| member.clone().unwrap_or_default();
            let (name, kind) = (text(&element.attribute_name), text(&element.key_type));
            write!(out, "KeySchemaElement(attributeName={name}, keyType={kind})")
        })
    })
}

pub(super) fn writes(requests: &BTreeMap<String, Vec<WriteRequest>>) -> String {
    bounded(|out| {
        entries(out, requests.iter(), |out, requests| {
            list(out, requests, |out, request| {
                out.write_str("WriteRequest(putRequest=")?;
                option(out, request.put_request.as_ref(), |out, put| {
                    out.write_str("PutRequest(item=")?;
                    sent(out, &put.item)?;
                    out.write_str(", workloadProfileName=null)")
                })?;
                out.write_str(", deleteRequest=")?;
                option(out, request.delete_request.as_ref(), |out, delete| {
                    out.write_str("DeleteRequest(key=")?;
                    sent(out, &delete.key)?;
                    out.write_str(", workloadProfileName=null)")
                })?;
                out.write_str(")")
            })
        })
    })
}

pub(super) fn gets(items: &[TransactGetItem]) -> String {
    bounded(|out| {
        list(out, items, |out, item| {
            out.write_str("TransactGetItem(get=")?;
            option(out, item.get.as_ref(), get)?;
            out.write_str(")")
        })
    })
}

fn get(out: &mut Bounded, get: &Get) -> fmt::Result {
    out.write_str("Get(key=")?;
    sent(out, &get.key)?;
    text(out, "tableName", &get.table_name)?;
    text(out, "projectionExpression", &get.projection_expression)?;
    out.write_str(", expressionAttributeNames=")?;
    names(out, &get.expression_attribute_names)?;
    out.write_str(", workloadProfileName=null)")
}

pub(super) fn actions(items: &[TransactWriteItem]) -> String {
    bounded(|out| {
        list(out, items, |out, item| {
            out.write_str("TransactWriteItem(conditionCheck=")?;
            option(out, item.condition_check.as_ref(), condition_check)?;
            out.write_str(", put=")?;
            option(out, item.put.as_ref(), put)?;
            out.write_str(", delete=")?;
            option(out, item.delete.as_ref(), delete)?;
            out.write_str(", update=")?;
            option(out, item.update.as_ref(), update)?;
            out.write_str(")")
        })
    })
}

/// What the four actions of a transaction end with.
macro_rules! ending {
    ($out:expr, $action:expr) => {{
        text($out, "tableName", &$action.table_name)?;
        text($out, "conditionExpression", &$action.condition_expression)?;
        $out.write_str(", expressionAttributeNames=")?;
        names($out, &$action.expression_attribute_names)?;
        $out.write_str(", expressionAttributeValues=")?;
        sent($out, &$action.expression_attribute_values)?;
        let on_failure = &$action.return_values_on_condition_check_failure;
        text($out, "returnValuesOnConditionCheckFailure", on_failure)?;
        $out.write_str(", workloadProfileName=null)")
    }};
}

fn condition_check(out: &mut Bounded, check: &ConditionCheck) -> fmt::Result {
    out.write_str("ConditionCheck(key=")?;
    sent(out, &check.key)?;
    ending!(out, check)
}

fn put(out: &mut Bounded, put: &Put) -> fmt::Result {
    out.write_str("Put(item=")?;
    sent(out, &put.item)?;
    ending!(out, put)
}

fn delete(out: &mut Bounded, delete: &Delete) -> fmt::Result {
    out.write_str("Delete(key=")?;
    sent(out, &delete.key)?;
    ending!(out, delete)
}

fn update(out: &mut Bounded, update: &Update) -> fmt::Result {
    out.write_str("Update(key=")?;
    sent(out, &update.key)?;
    text(out, "updateExpression", &update.update_expression)?;
    ending!(out, update)
}

fn option<T>(
    out: &mut Bounded,
    value: Option<T>,
    print: impl FnOnce(&mut Bounded, T) -> fmt::Result,
) -> fmt::Result {
    match value {
        Some(value) => print(out, value),
        None => out.write_str("null"),
    }
}

fn text(out: &mut Bounded, name: &str, value: &Option<String>) -> fmt::Result {
    write!(out, ", {name}={}", value.as_deref().unwrap_or("null"))
}

fn list<T>(
    out: &mut Bounded,
    values: impl IntoIterator<Item = T>,
    print: impl Fn(&mut Bounded, T) -> fmt::Result,
) -> fmt::Result {
    out.write_str("[")?;
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.write_str(", ")?;
        }
        print(out, value)?;
    }
    out.write_str("]")
}

fn entries<'a, T>(
    out: &mut Bounded,
    entries: impl IntoIterator<Item = (&'a String, T)>,
    print: impl Fn(&mut Bounded, T) -> fmt::Result,
) -> fmt::Result {
    out.write_str("{")?;
    for (at, (name, value)) in entries.into_iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(out, "{comma}{name}=")?;
        print(out, value)?;
    }
    out.write_str("}")
}

fn names(out: &mut Bounded, names: &Option<BTreeMap<String, String>>) -> fmt::Result {
    option(out, names.as_ref(), |out, names| {
        entries(out, in_java_order(names), |out, name| out.write_str(name))
    })
}

fn sent(out: &mut Bounded, item: &Option<Sent<Item>>) -> fmt::Result {
    // Of an item with a wrong value nothing is left but what is wrong.
    let item = item.as_ref().and_then(|sent| sent.sound().ok());
    option(out, item, |out, item| entries(out, in_java_order(item), value))
}

/// Entries in the order of a Java hash table that was made for as many as there are.
fn in_java_order<T>(map: &BTreeMap<String, T>) -> impl Iterator<Item = (&String, &T)> {
    // It doubles once it is more than three quarters full.
    let mut buckets = map.len().max(1).next_power_of_two();
    while map.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let bucket = |name: &str| {
        let add = |hash: u32, unit: u16| hash.wrapping_mul(31).wrapping_add(u32::from(unit));
        let hash = name.encode_utf16().fold(0, add);
        (hash ^ hash >> 16) as usize & (buckets - 1)
    };
    let mut entries: Vec<(&String, &T)> = map.iter().collect();
    entries.sort_by_key(|(name, _)| bucket(name));
    entries.into_iter()
}

/// The members that an attribute value has there.
const MEMBERS: [(&str, Option<AttributeType>); 16] = [
    ("s", Some(AttributeType::S)),
    ("n", Some(AttributeType::N)),
    ("b", Some(AttributeType::B)),
    ("iNT", None),
    ("dECIMAL", None),
    ("dOUBLE", None),
    ("sS", Some(AttributeType::Ss)),
    ("nS", Some(AttributeType::Ns)),
    ("bS", Some(AttributeType::Bs)),
    ("iNTSET", None),
    ("dECIMALSET", None),
    ("dOUBLESET", None),
    ("m", Some(AttributeType::M)),
    ("l", Some(AttributeType::L)),
    ("nULL", Some(AttributeType::Null)),
    ("bOOL", Some(AttributeType::Bool)),
];

fn value(out: &mut Bounded, value: &AttributeValue) -> fmt::Result {
    out.write_str("AttributeValue(")?;
    for (at, (name, kind)) in MEMBERS.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(out, "{comma}{name}=")?;
        if *kind == Some(value.kind()) {
            contents(out, value)?;
        } else {
            out.write_str("null")?;
        }
    }
    out.write_str(")")
}

fn contents(out: &mut Bounded, value: &AttributeValue) -> fmt::Result {
    match value {
        AttributeValue::S(text) => out.write_str(text),
        AttributeValue::N(number) => write!(out, "{number}"),
        AttributeValue::B(bytes) => binary(out, bytes),
        AttributeValue::Bool(value) => write!(out, "{value}"),
        AttributeValue::Null => out.write_str("true"),
        AttributeValue::M(map) => entries(out, in_java_order(map), self::value),
        AttributeValue::L(values) => list(out, values, self::value),
        AttributeValue::Ss(set) => list(out, set, |out, text| out.write_str(text)),
        AttributeValue::Ns(set) => list(out, set, |out, number| write!(out, "{number}")),
        AttributeValue::Bs(set) => list(out, set, |out, bytes| binary(out, bytes)),
    }
}

fn binary(out: &mut Bounded, bytes: &[u8]) -> fmt::Result {
    write!(out, "java.nio.HeapByteBuffer[pos=0 lim={len} cap={len}]", len = bytes.len())
}
