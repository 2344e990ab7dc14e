//! The ledger: what was decided of transactions. Not the deciding: see `phases` and `settle`.
//!
//! ```text
//!   record := form (1 byte, 1) decision (1) attempt (16) decided_ms (8) digest of the request (32) count (2) place ...
//!   decision := 1 committed, 2 aborted
//!   place  := table (4) read_bytes (4) key length (2) key           all numbers big-endian
//! ```

use bytes::{Buf, Bytes};

use super::{ATTEMPT_BYTES, TransactionName};
use crate::limits::TOKEN_KEPT_MS;

/// The one form of records there is so far.
const FORM: u8 = 1;

/// How long it is kept that a transaction was aborted: longer than any write of it may still be under way.
const ABORTED_KEPT_MS: u64 = 120_000;

/// How a transaction was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Committed,
    Aborted,
}

/// An item of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of its table.
    pub table: u32,
    /// Where it stands.
    pub key: Bytes,
    /// The larger of what it was and what it became, which asking again is charged for.
    pub read_bytes: u32,
}

/// What the ledger says of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub decision: Decision,
    /// Of which attempt; all others of the same entry are aborted.
    pub attempt: [u8; ATTEMPT_BYTES],
    pub decided_ms: u64,
    /// Of the request, to know it again by its token.
    pub digest: [u8; 32],
    /// Its items, if it is committed.
    pub places: Vec<Place>,
}

impl Record {
    pub fn aborted(attempt: [u8; ATTEMPT_BYTES], now_ms: u64) -> Self {
        let decision = Decision::Aborted;
        Self { decision, attempt, decided_ms: now_ms, digest: [0; 32], places: Vec::new() }
    }

    /// The name of the transaction whose record this is at that entry.
    pub fn name(&self, entry: TransactionName) -> TransactionName {
        TransactionName { attempt: self.attempt, ..entry }
    }

    /// From when on nobody needs it any more.
    pub fn kept_until_ms(&self, name: &TransactionName) -> u64 {
        match self.decision {
            Decision::Aborted => self.decided_ms + ABORTED_KEPT_MS,
            Decision::Committed if name.has_token() => self.decided_ms + TOKEN_KEPT_MS,
            Decision::Committed => 0,
        }
    }

    pub fn encode(&self) -> Bytes {
        let mut bytes = vec![FORM];
        bytes.push(match self.decision {
            Decision::Committed => 1,
            Decision::Aborted => 2,
        });
        bytes.extend_from_slice(&self.attempt);
        bytes.extend_from_slice(&self.decided_ms.to_be_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.extend_from_slice(&(self.places.len() as u16).to_be_bytes());
        for place in &self.places {
            bytes.extend_from_slice(&place.table.to_be_bytes());
            bytes.extend_from_slice(&place.read_bytes.to_be_bytes());
            bytes.extend_from_slice(&(place.key.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&place.key);
        }
        bytes.into()
    }

    /// `None` for bytes that are no record.
    pub fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.try_get_u8().ok()? != FORM {
            return None;
        }
        let decision = match bytes.try_get_u8().ok()? {
            1 => Decision::Committed,
            2 => Decision::Aborted,
            _ => return None,
        };
        let mut attempt = [0; ATTEMPT_BYTES];
        bytes.try_copy_to_slice(&mut attempt).ok()?;
        let decided_ms = bytes.try_get_u64().ok()?;
        let mut digest = [0; 32];
        bytes.try_copy_to_slice(&mut digest).ok()?;
        let count = bytes.try_get_u16().ok()?;
        let mut places = Vec::new();
        for _ in 0..count {
            let table = bytes.try_get_u32().ok()?;
            let read_bytes = bytes.try_get_u32().ok()?;
            let length = usize::from(bytes.try_get_u16().ok()?);
            if length > bytes.len() {
                return None;
            }
            places.push(Place { table, key: bytes.split_to(length), read_bytes });
        }
        bytes.is_empty().then_some(Self { decision, attempt, decided_ms, digest, places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let place = |table, key: &'static [u8]| Place {
            table,
            key: Bytes::from_static(key),
            read_bytes: 7,
        };
        let committed = Record {
            decision: Decision::Committed,
            attempt: [3; ATTEMPT_BYTES],
            decided_ms: 1_790_000_000_000,
            digest: [5; 32],
            places: vec![place(1, b"a"), place(2, b"bc")],
        };
        for record in [committed, Record::aborted([4; ATTEMPT_BYTES], 9)] {
            let bytes = record.encode();
            assert_eq!(Record::decode(bytes.clone()), Some(record));
            for cut in 0..bytes.len() {
                assert_eq!(Record::decode(bytes.slice(..cut)), None, "cut at {cut}");
            }
        }
    }
}
