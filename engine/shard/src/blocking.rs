//! The handle's calls for threads that may block: each parks its thread until the answer is there.
//! Not for tasks of an executor, whose other tasks would wait too.

use bytes::Bytes;
use flywheel_store::{
    Modified, ScanPage, ScanRequest, Version, Versioned, WriteBatch, WriteOutcome,
};
use futures_executor::block_on;

use crate::error::ShardError;
use crate::handle::Handle;
use crate::request::ChangeFn;

/// A [`Handle`] whose calls block. Errors are those of the calls of the same name.
#[derive(Debug, Clone, Copy)]
pub struct Blocking<'a> {
    handle: &'a Handle,
}

impl<'a> Blocking<'a> {
    pub(crate) fn new(handle: &'a Handle) -> Self {
        Self { handle }
    }

    /// See [`Handle::get`].
    pub fn get(self, key: Bytes) -> Result<Option<Versioned>, ShardError> {
        block_on(self.handle.get(key))
    }

    /// See [`Handle::put`].
    pub fn put(self, key: Bytes, value: Bytes) -> Result<Version, ShardError> {
        block_on(self.handle.put(key, value))
    }

    /// See [`Handle::delete`].
    pub fn delete(self, key: Bytes) -> Result<Version, ShardError> {
        block_on(self.handle.delete(key))
    }

    /// See [`Handle::write`].
    pub fn write(self, batch: WriteBatch) -> Result<WriteOutcome, ShardError> {
        block_on(self.handle.write(batch))
    }

    /// See [`Handle::modify`].
    pub fn modify(self, key: Bytes, change: ChangeFn) -> Result<Modified, ShardError> {
        block_on(self.handle.modify(key, change))
    }

    /// See [`Handle::scan`].
    pub fn scan(self, request: ScanRequest) -> Result<ScanPage, ShardError> {
        block_on(self.handle.scan(request))
    }
}
