//! Stored items, read in place: attribute by attribute, without a copy until one is asked for.

use std::collections::BTreeSet;

use super::{Malformed, tag};
use crate::limits::MAX_LEVELS;
use crate::number::Number;
use crate::value::{AttributeValue, Item};

/// The attributes of a stored item or map.
#[derive(Debug, Clone)]
pub struct AttributesRef<'a> {
    left: usize,
    reader: Reader<'a>,
}

/// The values of a stored list.
#[derive(Debug, Clone)]
pub struct ListRef<'a> {
    left: usize,
    reader: Reader<'a>,
}

/// The members of a stored set.
#[derive(Debug, Clone)]
pub struct MembersRef<'a> {
    left: usize,
    reader: Reader<'a>,
}

/// A stored value.
#[derive(Debug, Clone)]
pub enum ValueRef<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// Text.
    S(&'a str),
    /// Bytes.
    B(&'a [u8]),
    /// A number.
    N(Number),
    /// A map.
    M(AttributesRef<'a>),
    /// A list.
    L(ListRef<'a>),
    /// A set of text.
    Ss(MembersRef<'a>),
    /// A set of bytes.
    Bs(MembersRef<'a>),
    /// A set of numbers.
    Ns(MembersRef<'a>),
}

impl<'a> AttributesRef<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader { rest: bytes };
        Ok(Self { left: reader.count()?, reader })
    }

    /// How many are left to be read.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether all were read.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The next one and its name, in the order of names.
    ///
    /// # Errors
    /// If it is malformed, or something follows the last one.
    pub fn read_next(&mut self) -> Result<Option<(&'a str, ValueRef<'a>)>, Malformed> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        Ok(Some((self.reader.text()?, self.reader.value()?)))
    }

    /// The one of that name.
    ///
    /// # Errors
    /// If one before it is malformed.
    pub fn get(&self, name: &str) -> Result<Option<ValueRef<'a>>, Malformed> {
        let mut attributes = self.clone();
        while let Some((found, value)) = attributes.read_next()? {
            if found >= name {
                return Ok((found == name).then_some(value));
            }
        }
        Ok(None)
    }

    /// All of them.
    ///
    /// # Errors
    /// If one is malformed, or names are not in order.
    pub fn to_item(&self) -> Result<Item, Malformed> {
        self.to_item_within(MAX_LEVELS)
    }

    /// `levels` is how deep its values may go.
    fn to_item_within(&self, levels: usize) -> Result<Item, Malformed> {
        let mut attributes = self.clone();
        let (mut item, mut last) = (Item::new(), None);
        while let Some((name, value)) = attributes.read_next()? {
            if last.is_some_and(|last| last >= name) {
                return Err(attributes.reader.malformed("names out of order"));
            }
            last = Some(name);
            item.insert(name.to_owned(), value.to_value_within(levels)?);
        }
        Ok(item)
    }
}

impl<'a> ListRef<'a> {
    /// How many are left to be read.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether all were read.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The next one.
    ///
    /// # Errors
    /// If it is malformed, or something follows the last one.
    pub fn read_next(&mut self) -> Result<Option<ValueRef<'a>>, Malformed> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.reader.value().map(Some)
    }
}

impl<'a> MembersRef<'a> {
    /// The next one of a set of text.
    ///
    /// # Errors
    /// If it is malformed, or something follows the last one.
    pub fn next_text(&mut self) -> Result<Option<&'a str>, Malformed> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.reader.text().map(Some)
    }

    /// The next one of a set of bytes.
    ///
    /// # Errors
    /// If it is malformed, or something follows the last one.
    pub fn next_bytes(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.reader.bytes().map(Some)
    }

    /// The next one of a set of numbers.
    ///
    /// # Errors
    /// If it is malformed, or something follows the last one.
    pub fn next_number(&mut self) -> Result<Option<Number>, Malformed> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.reader.number().map(Some)
    }
}

impl MembersRef<'_> {
    /// All of them, which are in order and not none.
    fn to_set<T: Ord>(
        &self,
        next: impl Fn(&mut Self) -> Result<Option<T>, Malformed>,
    ) -> Result<BTreeSet<T>, Malformed> {
        let (mut members, mut set) = (self.clone(), BTreeSet::new());
        while let Some(member) = next(&mut members)? {
            if set.last().is_some_and(|last| *last >= member) {
                return Err(members.reader.malformed("members out of order"));
            }
            set.insert(member);
        }
        if set.is_empty() {
            Err(members.reader.malformed("a set without members"))
        } else {
            Ok(set)
        }
    }
}

impl ValueRef<'_> {
    /// The value, copied.
    ///
    /// # Errors
    /// If something in it is malformed.
    pub fn to_value(&self) -> Result<AttributeValue, Malformed> {
        self.to_value_within(MAX_LEVELS)
    }

    fn to_value_within(&self, levels: usize) -> Result<AttributeValue, Malformed> {
        let Some(below) = levels.checked_sub(1) else {
            return Err(Malformed { what: "nested too deep", left_bytes: 0 });
        };
        Ok(match self {
            Self::Null => AttributeValue::Null,
            Self::Bool(value) => AttributeValue::Bool(*value),
            Self::S(text) => AttributeValue::S((*text).to_owned()),
            Self::B(bytes) => AttributeValue::B(bytes.to_vec()),
            Self::N(number) => AttributeValue::N(*number),
            Self::M(map) => AttributeValue::M(map.to_item_within(below)?),
            Self::L(list) => {
                let mut list = list.clone();
                // Not as many as it says: of damage in each of 32 levels that would be gigabytes.
                let mut values = Vec::new();
                while let Some(value) = list.read_next()? {
                    values.push(value.to_value_within(below)?);
                }
                AttributeValue::L(values)
            }
            Self::Ss(members) => AttributeValue::Ss(
                members.to_set(|members| Ok(members.next_text()?.map(str::to_owned)))?,
            ),
            Self::Bs(members) => AttributeValue::Bs(
                members.to_set(|members| Ok(members.next_bytes()?.map(<[u8]>::to_vec)))?,
            ),
            Self::Ns(members) => AttributeValue::Ns(members.to_set(MembersRef::next_number)?),
        })
    }
}

/// What is left of some bytes.
#[derive(Debug, Clone)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, left_bytes: self.rest.len() }
    }

    /// Whether there is one more of what is counted; if not, nothing may be left.
    fn more(&self, left: &mut usize) -> Result<bool, Malformed> {
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Ok(true)
            }
            None if self.rest.is_empty() => Ok(false),
            None => Err(self.malformed("more bytes than it says")),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or_else(|| self.malformed("cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> Result<usize, Malformed> {
        let mut count = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            count |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.malformed("a count longer than it need be"));
                }
                return u32::try_from(count)
                    .map(|count| count as usize)
                    .map_err(|_| self.malformed("a count beyond 32 bits"));
            }
        }
        Err(self.malformed("a count beyond 32 bits"))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.count()?;
        self.take(len)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("text that is not UTF-8"))
    }

    fn number(&mut self) -> Result<Number, Malformed> {
        let (number, rest) =
            Number::decode(self.rest).ok_or_else(|| self.malformed("not a number"))?;
        self.rest = rest;
        Ok(number)
    }

    /// What an extent covers, and its count.
    fn extent(&mut self) -> Result<(usize, Reader<'a>), Malformed> {
        let extent = self.take(4)?.try_into().map(u32::from_le_bytes).expect("4 bytes were taken");
        let mut reader = Reader { rest: self.take(extent as usize)? };
        Ok((reader.count()?, reader))
    }

    fn value(&mut self) -> Result<ValueRef<'a>, Malformed> {
        Ok(match self.byte()? {
            tag::NULL => ValueRef::Null,
            tag::FALSE => ValueRef::Bool(false),
            tag::TRUE => ValueRef::Bool(true),
            tag::S => ValueRef::S(self.text()?),
            tag::B => ValueRef::B(self.bytes()?),
            tag::N => ValueRef::N(self.number()?),
            container => {
                if !(tag::M..=tag::NS).contains(&container) {
                    return Err(self.malformed("an unknown type"));
                }
                let (left, reader) = self.extent()?;
                match container {
                    tag::M => ValueRef::M(AttributesRef { left, reader }),
                    tag::L => ValueRef::L(ListRef { left, reader }),
                    tag::SS => ValueRef::Ss(MembersRef { left, reader }),
                    tag::BS => ValueRef::Bs(MembersRef { left, reader }),
                    _ => ValueRef::Ns(MembersRef { left, reader }),
                }
            }
        })
    }
}
