//! What stands under the key of an item: the item as `flywheel_item::codec` writes it. And the record of a
//! change, which global indexes follow.
//!
//! ```text
//!   change := form (1 byte, 1) written_ms (8, big-endian) key length (2, big-endian) key before
//!   before := the item as it was stored; nothing if there was none
//! ```

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::{Item, codec, item_size_bytes};

/// The one form of change records there is so far.
const FORM: u8 = 1;

const HEAD_BYTES: usize = 11;

/// A change of an item, as those who follow learn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeRecord {
    /// When it was decided, by the clock.
    pub written_ms: u64,
    /// Where the item stands.
    pub key: Bytes,
    /// What stood there before; empty for nothing.
    pub before: Bytes,
}

impl ChangeRecord {
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.key.len() + self.before.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&self.written_ms.to_be_bytes());
        let length = u16::try_from(self.key.len()).expect("keys are bounded by the storage");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.before);
        bytes.into()
    }

    /// `None` for bytes that are no change record.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let (head, _) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [FORM, written_ms @ .., high, low] = head else { return None };
        let written_ms = u64::from_be_bytes(*written_ms.first_chunk::<8>()?);
        let end = HEAD_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
        if end > bytes.len() {
            return None;
        }
        let (key, before) = (bytes.slice(HEAD_BYTES..end), bytes.slice(end..));
        Some(Self { written_ms, key, before })
    }
}

/// An item as it is stored.
pub(crate) fn encode(item: &Item) -> Bytes {
    // What an item counts, and for each of its attributes a tag and the length of name and value.
    let mut bytes = Vec::with_capacity(item_size_bytes(item) + 8 * (1 + item.len()));
    codec::encode(item, &mut bytes);
    bytes.into()
}

/// The item in stored bytes.
///
/// # Errors
/// If they are none: a fault, since the storage checks what it reads.
pub(crate) fn decode(bytes: &[u8]) -> Result<Item, ApiError> {
    codec::decode(bytes).map_err(|malformed| unreadable(&malformed))
}

/// What a stored item counts, in bytes.
///
/// # Errors
/// If these are not an item's bytes.
pub(crate) fn size_bytes(bytes: &[u8]) -> Result<usize, ApiError> {
    codec::size_bytes(bytes).map_err(|malformed| unreadable(&malformed))
}

/// What is told where stored bytes are no item.
pub(crate) fn unreadable(malformed: &codec::Malformed) -> ApiError {
    ApiError::internal(format!("a stored item cannot be read: {malformed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_record_is_read_as_it_was_written() {
        let key = Bytes::from_static(b"key");
        for before in [Bytes::new(), Bytes::from_static(b"item")] {
            let record = ChangeRecord { written_ms: 1_700_000_000_123, key: key.clone(), before };
            let bytes = record.encode();
            assert_eq!(ChangeRecord::decode(&bytes), Some(record));
            for cut in 0..HEAD_BYTES + key.len() {
                assert_eq!(ChangeRecord::decode(&bytes.slice(..cut)), None, "cut at {cut}");
            }
        }
    }
}
