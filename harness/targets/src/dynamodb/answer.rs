//! Bodies of responses, read straight into records: no trees, and no allocation but for those.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flywheel_load::{TargetError, TargetErrorKind};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::items::{Gathered, ItemMapping, Meant, Page};

/// Reads one item: `Item` of GetItem, `Attributes` of UpdateItem. Whether there was one.
pub fn item(
    body: &[u8],
    member: &'static str,
    mapping: &ItemMapping,
    gathered: &mut Gathered,
) -> Result<bool, TargetError> {
    gathered.clear();
    let mut is_found = false;
    let answer = Answer { mapping, gathered, on: On::One { member, is_found: &mut is_found } };
    read(body, answer)?;
    Ok(is_found)
}

/// Reads a page of a scan.
pub fn page(
    body: &[u8],
    mapping: &ItemMapping,
    gathered: &mut Gathered,
) -> Result<Page, TargetError> {
    let mut page = Page::default();
    read(body, Answer { mapping, gathered, on: On::Page(&mut page) })?;
    Ok(page)
}

fn read<'de>(body: &'de [u8], answer: Answer<'_>) -> Result<(), TargetError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let result = answer.deserialize(&mut json).and_then(|()| json.end());
    result.map_err(|error| TargetError::from_display(TargetErrorKind::Undecodable, error))
}

/// What is looked for in a response.
enum On<'a> {
    One { member: &'static str, is_found: &'a mut bool },
    Page(&'a mut Page),
}

/// A response.
struct Answer<'a> {
    mapping: &'a ItemMapping,
    gathered: &'a mut Gathered,
    on: On<'a>,
}

/// What a member of a response is.
enum Member {
    One,
    Rows,
    Last,
    Other,
}

impl<'de> DeserializeSeed<'de> for Answer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Answer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mapping, gathered) = (self.mapping, self.gathered);
        while let Some(member) = map.next_key_seed(MemberName(&self.on))? {
            match (member, &mut self.on) {
                (Member::One, On::One { is_found, .. }) => {
                    **is_found = map.next_value_seed(OneItem { mapping, gathered })?;
                }
                (Member::Rows, On::Page(page)) => {
                    map.next_value_seed(Rows { mapping, gathered, page })?;
                }
                (Member::Last, On::Page(page)) => {
                    gathered.clear();
                    if map.next_value_seed(OneItem { mapping, gathered })? {
                        page.after = Some(gathered.key().map_err(A::Error::custom)?);
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct MemberName<'a>(&'a On<'a>);

impl<'de> DeserializeSeed<'de> for MemberName<'_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Member, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName<'_> {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Member, E> {
        Ok(match self.0 {
            On::One { member, .. } if *member == name => Member::One,
            On::Page(_) if name == "Items" => Member::Rows,
            On::Page(_) if name == "LastEvaluatedKey" => Member::Last,
            _ => Member::Other,
        })
    }
}

/// The items of a scan.
struct Rows<'a> {
    mapping: &'a ItemMapping,
    gathered: &'a mut Gathered,
    page: &'a mut Page,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { mapping, gathered, page } = self;
        loop {
            gathered.clear();
            if list.next_element_seed(OneItem { mapping, gathered })?.is_none() {
                return Ok(());
            }
            page.rows.push(gathered.row().map_err(A::Error::custom)?);
        }
    }
}

/// One item. Whether it is one, and not null.
struct OneItem<'a> {
    mapping: &'a ItemMapping,
    gathered: &'a mut Gathered,
}

impl<'de> DeserializeSeed<'de> for OneItem<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneItem<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { mapping, gathered } = self;
        while let Some(meant) = map.next_key_seed(Name(mapping))? {
            match meant {
                Meant::Nothing => drop(map.next_value::<IgnoredAny>()?),
                meant => map.next_value_seed(Value { meant, gathered })?,
            }
        }
        Ok(true)
    }
}

/// The name of an attribute.
struct Name<'a>(&'a ItemMapping);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Meant;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Meant, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Meant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Meant, E> {
        Ok(Gathered::meant(self.0, name))
    }
}

/// The value of an attribute: `{"S": "text"}`.
struct Value<'a> {
    meant: Meant,
    gathered: &'a mut Gathered,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute's value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { meant, gathered } = self;
        while let Some(kind) = map.next_key::<Kind>()? {
            if kind == Kind::Other {
                gathered.push_wrong("of a field");
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Text { kind, meant, gathered })?;
            }
        }
        Ok(())
    }
}

/// The type of a value, as far as records have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
enum Kind {
    S,
    B,
    N,
    #[serde(other)]
    Other,
}

/// What a value says, which is text of all types that records have.
struct Text<'a> {
    kind: Kind,
    meant: Meant,
    gathered: &'a mut Gathered,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let Self { kind, meant, gathered } = self;
        match kind {
            Kind::N => gathered.push_number(meant, text),
            Kind::B => {
                let mut result = Ok(());
                gathered.push(meant, |out| result = STANDARD.decode_vec(text, out));
                result.map_err(E::custom)?;
            }
            Kind::S | Kind::Other => {
                gathered.push(meant, |out| out.extend_from_slice(text.as_bytes()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flywheel_load::{Properties, Record, Workload};

    use super::*;

    fn mapping() -> ItemMapping {
        let workload = Workload::resolve(&Properties::new()).expect("YCSB's defaults").workload;
        ItemMapping::new(&workload, "t").expect("sound").with_numbers(&[2])
    }

    #[test]
    fn items_are_read_in_any_order_and_strangers_passed_over() {
        let body = br#"{"ConsumedCapacity":{"Units":[1]},"Item":{"field10":{"S":"?"},
            "field2":{"N":"-7"},"more":{"L":[{"S":"x"}]},"field1":{"B":"/wA="},
            "firstname":{"S":"user1"},"field0":{"S":"\"\u00e9"}}}"#;
        let mut gathered = Gathered::default();
        assert_eq!(item(body, "Item", &mapping(), &mut gathered), Ok(true));
        let number = (-7i64).to_le_bytes();
        let fields = [(0, "\"\u{e9}".as_bytes()), (1, b"\xFF\x00"), (2, &number)];
        assert_eq!(gathered.record(), Ok(Record::from_fields(fields)));
        assert_eq!(gathered.key().expect("a key"), "user1");
        for nothing in [&b"{}"[..], br#"{"Item":null}"#, br#"{"Other":{"field0":{"S":"x"}}}"#] {
            assert_eq!(item(nothing, "Item", &mapping(), &mut gathered), Ok(false));
        }
        assert_eq!(item(br#"{"Item":{}}"#, "Item", &mapping(), &mut gathered), Ok(true));
        assert_eq!(gathered.record(), Ok(Record::default()));
    }

    #[test]
    fn pages_have_rows_and_an_end() {
        let body =
            br#"{"Items":[{"firstname":{"S":"a"},"field0":{"S":"1"}},{"firstname":{"S":"b"}}],
            "Count":2,"LastEvaluatedKey":{"firstname":{"S":"b"}}}"#;
        let mut gathered = Gathered::default();
        let read = page(body, &mapping(), &mut gathered).expect("a page");
        let keys: Vec<_> = read.rows.iter().map(|row| &row.key[..]).collect();
        assert_eq!(keys, [b"a", b"b"]);
        assert_eq!(read.rows[0].record.get(0), Some(&b"1"[..]));
        assert_eq!(read.after.as_deref(), Some(&b"b"[..]));
        let last = page(br#"{"Items":[]}"#, &mapping(), &mut gathered).expect("a page");
        assert!(last.rows.is_empty() && last.after.is_none());
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        let mut gathered = Gathered::default();
        for body in [
            &b""[..],
            b"[]",
            br#"{"Item":[]}"#,
            br#"{"Item":{"field0":"x"}}"#,
            br#"{"Item":{"field0":{"B":"!"}}}"#,
            br#"{"Item":{"field0":{"S":1}}}"#,
            br#"{"Item":{}} more"#,
        ] {
            let error = item(body, "Item", &mapping(), &mut gathered).expect_err("no response");
            assert_eq!(error.kind, TargetErrorKind::Undecodable);
        }
        let too_long = br#"{"Item":{"field2":{"N":"99999999999999999999"}}}"#;
        assert_eq!(item(too_long, "Item", &mapping(), &mut gathered), Ok(true));
        assert!(gathered.record().is_err());
        let odd = br#"{"Item":{"field0":{"BOOL":true}}}"#;
        assert_eq!(item(odd, "Item", &mapping(), &mut gathered), Ok(true));
        assert!(gathered.record().is_err());
        assert!(page(br#"{"Items":[{"field0":{"S":"x"}}]}"#, &mapping(), &mut gathered).is_err());
    }
}
