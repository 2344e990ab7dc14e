//! An item that a transaction holds, as it is stored in the item's place.
//!
//! ```text
//!   held   := form (1 byte, 2) name of the transaction (25 + 16) what (1 byte) length of before (4, big-endian)
//!             before after
//!   what   := 0 the item stays as it is, 1 it goes, 2 it becomes `after`
//!   before := the item as it was stored; nothing if there was none
//!   after  := the item as it will be stored; nothing unless it becomes that
//! ```

use bytes::Bytes;

use super::{ATTEMPT_BYTES, ENTRY_BYTES, TransactionName};

/// First byte of a held item; others begin with the form of their codec, which is 1.
const FORM: u8 = 2;

const NAME_BYTES: usize = ENTRY_BYTES + ATTEMPT_BYTES;

const HEAD_BYTES: usize = 1 + NAME_BYTES + 1 + 4;

/// What becomes of a held item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    Goes,
    Becomes(Bytes),
}

/// A held item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub by: TransactionName,
    /// What was stored; empty for nothing.
    pub before: Bytes,
    pub fate: Fate,
}

impl Held {
    pub fn encode(&self) -> Bytes {
        let (what, after): (u8, &[u8]) = match &self.fate {
            Fate::Stays => (0, &[]),
            Fate::Goes => (1, &[]),
            Fate::Becomes(after) => (2, after),
        };
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.before.len() + after.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&self.by.entry);
        bytes.extend_from_slice(&self.by.attempt);
        bytes.push(what);
        bytes.extend_from_slice(&(self.before.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&self.before);
        bytes.extend_from_slice(after);
        bytes.into()
    }

    /// `None` for what is not held: an item.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        if bytes.first() != Some(&FORM) {
            return None;
        }
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (entry, attempt) = (head[1..].first_chunk()?, head[1 + ENTRY_BYTES..].first_chunk()?);
        let by = TransactionName { entry: *entry, attempt: *attempt };
        let length = u32::from_be_bytes(*head.last_chunk()?) as usize;
        if length > rest.len() {
            return None;
        }
        let before = bytes.slice(HEAD_BYTES..HEAD_BYTES + length);
        let after = bytes.slice(HEAD_BYTES + length..);
        let fate = match head[1 + NAME_BYTES] {
            0 => Fate::Stays,
            1 => Fate::Goes,
            2 => Fate::Becomes(after),
            _ => return None,
        };
        Some(Self { by, before, fate })
    }

    /// What is stored if the transaction is committed; `None` for nothing.
    pub fn committed(&self) -> Option<Bytes> {
        match &self.fate {
            Fate::Stays => self.aborted(),
            Fate::Goes => None,
            Fate::Becomes(after) => Some(after.clone()),
        }
    }

    /// What is stored if it is not; `None` for nothing.
    pub fn aborted(&self) -> Option<Bytes> {
        (!self.before.is_empty()).then(|| self.before.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_read_as_it_was_written() {
        let by = TransactionName::new(3, 4, Some("token"));
        let fates = [Fate::Stays, Fate::Goes, Fate::Becomes(Bytes::from_static(b"\x01after"))];
        for fate in fates {
            for before in [Bytes::new(), Bytes::from_static(b"\x01before")] {
                let held = Held { by, before, fate: fate.clone() };
                let bytes = held.encode();
                assert_eq!(Held::decode(&bytes), Some(held));
                for cut in 0..HEAD_BYTES {
                    assert_eq!(Held::decode(&bytes.slice(..cut)), None);
                }
            }
        }
        assert_eq!(Held::decode(&Bytes::from_static(b"\x01an item")), None);
    }
}
