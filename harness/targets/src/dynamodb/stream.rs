//! The bytes of one connection, plain or through TLS, on a socket that never blocks. Not HTTP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Whether there may be more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Not now.
    AllForNow,
    /// Never.
    Closed,
}

/// One connection.
pub struct Stream {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

/// What connections are encrypted with.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsSettings {
    /// For a server of this name, whose certificate the system's authorities vouch for, or those in a file of PEM.
    ///
    /// # Errors
    /// No such name, no authorities.
    pub fn new(name: &str, authorities: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let certificates = match authorities {
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("{}: {error}", path.display()))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        // The system's may have some that are of no use; the others will do.
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err("no authorities to trust: give --ca FILE, or set SSL_CERT_FILE".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        Ok(Self { config: Arc::new(config), name })
    }
}

impl Stream {
    /// Begins to connect; whoever writes first may have to wait.
    pub fn open(address: SocketAddr, tls: Option<&TlsSettings>) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let tls = tls.map(|tls| {
            let session = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone());
            let mut session = session.map_err(io::Error::other)?;
            // A request waits there for the handshake; nothing comes behind it.
            session.set_buffer_limit(None);
            io::Result::Ok(Box::new(session))
        });
        Ok(Self { socket: TcpStream::from(socket), tls: tls.transpose()? })
    }

    /// Its socket.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends of `out` what can be sent now; how many bytes need not be offered again.
    pub fn send(&mut self, out: &[u8]) -> io::Result<usize> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(out)?;
            self.flush()?;
            return Ok(out.len());
        }
        let mut sent = 0;
        while sent < out.len() {
            match (&self.socket).write(&out[sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(more) => sent += more,
                Err(error) if is_not_yet(&error) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Sends records that are ready.
    fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            match tls.write_tls(&mut &self.socket) {
                Ok(_) => {}
                Err(error) if is_not_yet(&error) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Appends what has come in; `scratch` is lent memory.
    pub fn receive(&mut self, scratch: &mut [u8], into: &mut Vec<u8>) -> io::Result<Received> {
        if self.tls.is_some() {
            return self.receive_records(scratch, into);
        }
        loop {
            match (&self.socket).read(scratch) {
                Ok(0) => return Ok(Received::Closed),
                Ok(length) => {
                    into.extend_from_slice(&scratch[..length]);
                    // Less than there was room for is all there is: what comes later is told of.
                    if length < scratch.len() {
                        return Ok(Received::AllForNow);
                    }
                }
                Err(error) if is_not_yet(&error) => return Ok(Received::AllForNow),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn receive_records(&mut self, scratch: &mut [u8], into: &mut Vec<u8>) -> io::Result<Received> {
        self.flush()?;
        loop {
            let Some(tls) = &mut self.tls else { return Ok(Received::Closed) };
            let has_ended = match tls.read_tls(&mut &self.socket) {
                Ok(length) => length == 0,
                Err(error) if is_not_yet(&error) => return Ok(Received::AllForNow),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let mut left = state.plaintext_bytes_to_read();
            while left > 0 {
                let length = tls.reader().read(scratch)?;
                into.extend_from_slice(&scratch[..length]);
                left = left.saturating_sub(length.max(1));
            }
            if has_ended || state.peer_has_closed() {
                return Ok(Received::Closed);
            }
            self.flush()?;
        }
    }
}

/// Whether it has only to be tried again: sockets that are being connected say so in their own way.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
