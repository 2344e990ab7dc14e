//! The bytes of a connection: plain, or through TLS. Not HTTP.

use std::io;
use std::ops::Deref;

use flywheel_disk::real::{Outgoing, Received, Socket};

/// Bytes that have come.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// In memory that many connections share.
    Shared(Received),
    /// In memory of its own.
    Own(Vec<u8>),
}

impl Deref for Chunk {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Chunk::Shared(received) => received,
            Chunk::Own(bytes) => bytes,
        }
    }
}

/// A connection as HTTP sees it.
#[allow(async_fn_in_trait, reason = "futures stay on one core and need not be Send")]
pub(crate) trait Stream: 'static {
    /// Waits until something has come; empty at the end. Holds no memory for it while it waits.
    async fn recv(&mut self) -> io::Result<Chunk>;

    /// Sends all of it, and returns the memory.
    async fn send(&mut self, outgoing: Outgoing) -> io::Result<Outgoing>;

    /// Says that nothing more will be sent.
    async fn finish(&mut self);
}

impl Stream for Socket {
    async fn recv(&mut self) -> io::Result<Chunk> {
        Socket::recv(self).await.map(Chunk::Shared)
    }

    async fn send(&mut self, outgoing: Outgoing) -> io::Result<Outgoing> {
        Socket::send(self, outgoing).await
    }

    async fn finish(&mut self) {
        self.shutdown_write();
    }
}
