//! A port that each core listens on by itself: the kernel deals connections out among them. Not what is
//! said on a connection: see `socket`.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use super::socket::Socket;
use crate::limits::MAX_BACKLOG;
use crate::real::current;
use crate::real::executor::Machine;
use crate::real::ring::Request;

/// A listening socket of this core. Other listeners of this user may share its port.
pub struct Listener {
    machine: Rc<Machine>,
    file: Rc<File>,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `address` with the core that this is called on. Port 0 is any free one; the other
    /// cores [`share`](Listener::share) this one's [`Listener::local_address`].
    ///
    /// # Errors
    /// With the address: somebody listens on it, it is not this host's, or not ours to take.
    ///
    /// # Panics
    /// On a thread that is not a core.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        // Sharing a port with another server of this user would be granted, and half of all requests
        // would go there. A socket that does not share is refused.
        let alone = bound(address, false).map_err(|error| explain(address, &error))?;
        drop(alone);
        Self::share(address)
    }

    /// Listens beside another listener of this process: the kernel deals connections out.
    ///
    /// # Errors
    /// As [`Listener::bind`], but that somebody of this user may listen on it.
    ///
    /// # Panics
    /// On a thread that is not a core.
    pub fn share(address: SocketAddr) -> io::Result<Self> {
        let machine = current::machine();
        let (file, address) = listen(address).map_err(|error| explain(address, &error))?;
        Ok(Self { machine, file: Rc::new(file), address })
    }

    /// The address with the port that was found.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// The system's; most often that no descriptor is left, which may be otherwise later.
    pub async fn accept(&self) -> io::Result<Socket> {
        loop {
            let asked = self.machine.ask(self.file.clone(), Request::Accept)?;
            match asked.await.outcome {
                Ok(descriptor) => return Socket::accepted(self.machine.clone(), descriptor),
                // It was there, and went before we looked.
                Err(error) if is_the_connections_own(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_the_connections_own(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::ConnectionAborted, io::ErrorKind::Interrupted];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(libc::EPROTO)
}

fn explain(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("listening on {address}: {error}"))
}

/// A socket with this address, not listening yet.
fn bound(address: SocketAddr, sharing: bool) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let (kind, flags) = (SocketType::STREAM, SocketFlags::CLOEXEC);
    let socket = rustix::net::socket_with(family, kind, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, sharing)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<(File, SocketAddr)> {
    let socket = bound(address, true)?;
    // Connections inherit both: answers go out at once, and peers that vanished are found out.
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_socket_keepalive(&socket, true)?;
    rustix::net::listen(&socket, MAX_BACKLOG)?;
    let address = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?;
    Ok((File::from(socket), address))
}
