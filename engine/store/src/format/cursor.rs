//! Reading and writing little-endian fields in order. Not a serialisation framework: the few shapes
//! that metadata needs. Reading past the end is damage, never a panic.

use bytes::Bytes;

use super::Damage;
use crate::limits::MAX_COUNTER;

/// Appends fields to a byte vector.
pub(crate) trait Put {
    fn put_u8(&mut self, value: u8);
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    /// A length (u16) and that many bytes.
    fn put_short(&mut self, bytes: &[u8]);
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn put_short(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).expect("keys are at most 4 KiB");
        self.put_u16(length);
        self.extend_from_slice(bytes);
    }
}

/// Takes fields off the front of a slice.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        if self.rest.len() < length {
            let what = format!("{length} more bytes expected, {} left", self.rest.len());
            return Err(Damage::new(what));
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("exactly N bytes were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        Ok(self.array::<1>()?[0])
    }
    pub(crate) fn u16(&mut self) -> Result<u16, Damage> {
        Ok(u16::from_le_bytes(self.array()?))
    }
    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// A number that is only ever counted up.
    pub(crate) fn counter(&mut self) -> Result<u64, Damage> {
        let value = self.u64()?;
        if value > MAX_COUNTER {
            return Err(Damage::new(format!("at most {MAX_COUNTER} expected, found {value}")));
        }
        Ok(value)
    }
    pub(crate) fn short(&mut self) -> Result<Bytes, Damage> {
        let length = self.u16()?;
        Ok(Bytes::copy_from_slice(self.take(length.into())?))
    }
}
