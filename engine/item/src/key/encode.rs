//! Key attributes to bytes.

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::value::AttributeValue;

/// In the length of a partition: its attributes stand as a digest.
const DIGEST: u16 = 0x8000;

/// Hash of the bytes that stand for a partition key.
pub fn partition_hash(partition: &[u8]) -> u64 {
    xxh3_64(partition)
}

/// Bytes of the partition that a key has behind its hash and length, as the two bytes of the length say.
pub fn partition_len_bytes(length: [u8; 2]) -> usize {
    usize::from(u16::from_be_bytes(length) & !DIGEST)
}

/// Writes a key: the partition first, then the attributes that sort, one after another.
#[derive(Debug, Clone)]
pub struct KeyEncoder {
    bytes: Vec<u8>,
}

impl KeyEncoder {
    /// Starts a key behind `prefix` with the values of its partition key.
    ///
    /// # Panics
    /// If a value is neither text, number nor binary, or all of them take 64 KiB and more: callers check
    /// types and sizes first, because those have errors of their own.
    pub fn new(prefix: &[u8], partition: &[&AttributeValue]) -> Self {
        Self::bounded(prefix, partition, usize::MAX)
    }

    /// The same, for keys in which much follows: a partition of more than `most_bytes` stands as a digest.
    ///
    /// # Panics
    /// As [`KeyEncoder::new`].
    pub fn bounded(prefix: &[u8], partition: &[&AttributeValue], most_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(prefix.len() + 64);
        bytes.extend_from_slice(prefix);
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 10]);
        match partition {
            [only] => push_last(only, &mut bytes),
            several => several.iter().for_each(|value| push_ended(value, &mut bytes)),
        }
        let encoded = &bytes[start + 10..];
        let hash = partition_hash(encoded).to_be_bytes();
        let mut len = u16::try_from(encoded.len()).expect("key values are checked for their size");
        if usize::from(len) > most_bytes {
            let digest = Sha256::digest(encoded);
            bytes.truncate(start + 10);
            bytes.extend_from_slice(&digest);
            len = DIGEST | digest.len() as u16;
        }
        bytes[start..start + 8].copy_from_slice(&hash);
        bytes[start + 8..start + 10].copy_from_slice(&len.to_be_bytes());
        Self { bytes }
    }

    /// Adds a byte of the caller's.
    pub fn push_tag(&mut self, tag: u8) -> &mut Self {
        self.bytes.push(tag);
        self
    }

    /// Adds bytes that tell keys apart and whose order means nothing, as a digest if there are more than
    /// `most_bytes`. Nothing may follow them.
    pub fn push_distinction(&mut self, distinction: &[u8], most_bytes: usize) -> &mut Self {
        if distinction.len() <= most_bytes {
            self.bytes.push(0);
            self.bytes.extend_from_slice(distinction);
        } else {
            self.bytes.push(1);
            self.bytes.extend_from_slice(&Sha256::digest(distinction));
        }
        self
    }

    /// Adds a value that sorts and that others may follow.
    pub fn push(&mut self, value: &AttributeValue) -> &mut Self {
        push_ended(value, &mut self.bytes);
        self
    }

    /// Adds the last value that sorts.
    pub fn push_last(&mut self, value: &AttributeValue) -> &mut Self {
        push_last(value, &mut self.bytes);
        self
    }

    /// Adds the beginning of a value: bytes that every value that starts with `value` starts with.
    /// `ended` says whether those values are ended, as by [`KeyEncoder::push`].
    pub(super) fn push_beginning(&mut self, value: &AttributeValue, ended: bool) -> &mut Self {
        match (value, ended) {
            (AttributeValue::S(text), true) => push_escaped(text.as_bytes(), &mut self.bytes),
            (AttributeValue::B(bytes), true) => push_escaped(bytes, &mut self.bytes),
            _ => push_last(value, &mut self.bytes),
        }
        self
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn push_last(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => out.extend_from_slice(text.as_bytes()),
        AttributeValue::B(bytes) => out.extend_from_slice(bytes),
        AttributeValue::N(number) => number.encode(out),
        other => panic!("a key of type {} was not refused", other.kind().code()),
    }
}

fn push_ended(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => push_escaped(text.as_bytes(), out),
        AttributeValue::B(bytes) => push_escaped(bytes, out),
        number => return push_last(number, out),
    }
    out.extend_from_slice(&[0, 0]);
}

fn push_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}
