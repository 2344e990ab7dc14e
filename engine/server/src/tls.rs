//! TLS on a connection: certificates from files, records over the ring's socket. Not HTTP.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use flywheel_disk::real::{Outgoing, Socket};
use flywheel_disk::{DiskError, read_small_file};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::stream::{Chunk, Stream};

/// A server's certificate and key. Clones share them.
#[derive(Clone)]
pub struct TlsSettings {
    config: Arc<ServerConfig>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] DiskError),
    /// What was given is no certificate or key in PEM form.
    #[error("{what} in PEM form: {problem}")]
    Pem {
        /// The certificates, or the key.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Certificate and key are of no use together.
    #[error("the certificate and its key: {0}")]
    Unfit(#[from] rustls::Error),
}

impl TlsSettings {
    /// From files in PEM form: the server's certificate with those that lead to its authority, and the
    /// certificate's private key.
    ///
    /// # Errors
    /// If a file cannot be read, or as [`TlsSettings::from_pem`].
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::from_pem(&read_small_file(certificates)?, &read_small_file(key)?)
    }

    /// As [`TlsSettings::from_files`], from what the files hold.
    ///
    /// # Errors
    /// If there is no certificate or key in it, or they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| pem("certificates", &error))?;
        if chain.is_empty() {
            return Err(TlsError::Pem { what: "certificates", problem: "there are none".into() });
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| pem("a private key", &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }
}

fn pem(what: &'static str, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::Pem { what, problem: error.to_string() }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsSettings")
    }
}

/// A connection whose bytes are encrypted.
pub(crate) struct TlsStream {
    socket: Socket,
    session: Box<ServerConnection>,
    /// What was decrypted and nobody has taken yet.
    decrypted: Vec<u8>,
}

impl TlsStream {
    /// Shakes hands with a client.
    pub(crate) async fn accept(settings: &TlsSettings, socket: Socket) -> io::Result<Self> {
        let session = ServerConnection::new(settings.config.clone()).map_err(io::Error::other)?;
        let mut stream = Self { socket, session: Box::new(session), decrypted: Vec::new() };
        while stream.session.is_handshaking() {
            stream.send_records().await?;
            if stream.session.is_handshaking() && !stream.receive_records().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        stream.send_records().await?;
        Ok(stream)
    }

    /// Takes what has come into the session, and what that decrypts out of it; false at the end of the
    /// stream.
    async fn receive_records(&mut self) -> io::Result<bool> {
        let received = self.socket.recv().await?;
        let mut rest = &received[..];
        while !rest.is_empty() {
            self.session.read_tls(&mut rest)?;
            let available = match self.session.process_new_packets() {
                Ok(state) => state.plaintext_bytes_to_read(),
                Err(error) => {
                    drop(received);
                    // The client is told what it did wrong, if it listens.
                    let _ = self.send_records().await;
                    return Err(io::Error::other(error));
                }
            };
            // At once: the session takes no more while it holds much.
            let held = self.decrypted.len();
            self.decrypted.resize(held + available, 0);
            self.session.reader().read_exact(&mut self.decrypted[held..])?;
        }
        Ok(!received.is_empty())
    }

    /// Sends what the session has to send.
    async fn send_records(&mut self) -> io::Result<()> {
        let mut head = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut head)?;
        }
        self.socket.send(Outgoing { head, body: Vec::new() }).await.map(drop)
    }
}

impl Stream for TlsStream {
    async fn recv(&mut self) -> io::Result<Chunk> {
        loop {
            if !self.decrypted.is_empty() {
                return Ok(Chunk::Own(std::mem::take(&mut self.decrypted)));
            }
            let more = self.receive_records().await?;
            // A new key, or the answer to one.
            if self.session.wants_write() {
                self.send_records().await?;
            }
            if !more {
                return Ok(Chunk::Own(Vec::new()));
            }
        }
    }

    async fn send(&mut self, outgoing: Outgoing) -> io::Result<Outgoing> {
        for part in [&outgoing.head, &outgoing.body] {
            let mut rest = &part[..];
            while !rest.is_empty() {
                // It takes as much as its bound on what waits to be sent allows.
                let taken = self.session.writer().write(rest)?;
                rest = &rest[taken..];
                if taken == 0 || !rest.is_empty() {
                    self.send_records().await?;
                }
            }
        }
        self.send_records().await?;
        Ok(outgoing)
    }

    async fn finish(&mut self) {
        self.session.send_close_notify();
        // A client that is gone need not be told.
        let _ = self.send_records().await;
        self.socket.shutdown_write();
    }
}
