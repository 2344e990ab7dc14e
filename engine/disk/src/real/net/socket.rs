//! One connection. Not who it is with: see `listener`.
#![allow(unsafe_code, reason = "the kernel answers an accept with the bare number of a descriptor")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::net::Shutdown;

use super::message::{Message, Outgoing};
use super::provided::Received;
use crate::limits::{RECEIVE_BYTES, RETRY_PAUSE_US};
use crate::real::executor::Machine;
use crate::real::ring::{Answer, Request};

/// A connection, closed when dropped. Used on the core that it was made on.
pub struct Socket {
    machine: Rc<Machine>,
    file: Rc<File>,
}

impl Socket {
    /// Takes over a descriptor that the kernel has just answered an accept with.
    pub(super) fn accepted(machine: Rc<Machine>, descriptor: usize) -> io::Result<Self> {
        let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        Ok(Self::new(machine, unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    pub(super) fn new(machine: Rc<Machine>, descriptor: OwnedFd) -> Self {
        Self { machine, file: Rc::new(File::from(descriptor)) }
    }

    /// Waits until something has come, and returns what has; empty at the end of the stream. While it
    /// waits it holds no buffer, and dropping it loses nothing but what had come by then.
    ///
    /// # Errors
    /// The system's, such as a connection that was reset.
    pub async fn recv(&self) -> io::Result<Received> {
        let provided = self.machine.ring.borrow_mut().provided();
        if let Some(buffers) = provided {
            let Answer { outcome, provided, .. } = self.ask(Request::Receive).await?;
            match (outcome, provided) {
                (Ok(length), Some(id)) => return Ok(Received::provided(buffers, id, length)),
                (Ok(_), None) => return Ok(Received::nothing()),
                (Err(error), id) => {
                    if let Some(id) = id {
                        buffers.give_back(id);
                    }
                    if !means_later(&error) {
                        return Err(error);
                    }
                }
            }
        }
        self.recv_into_own().await
    }

    /// The same by a wait and a read into memory of the pool: for kernels without buffers of the
    /// ring's own, and for when there is none left.
    async fn recv_into_own(&self) -> io::Result<Received> {
        loop {
            match self.ask(Request::Readable).await?.outcome {
                Err(error) if !means_later(&error) => return Err(error),
                _ => {}
            }
            let buffer = self.machine.buffers.take(RECEIVE_BYTES);
            let Answer { outcome, buffer, .. } = self.ask(Request::ReceiveInto { buffer }).await?;
            match (outcome, buffer) {
                (Ok(length), Some(buffer)) => return Ok(Received::pool(buffer, length)),
                (Err(error), _) if !means_later(&error) => return Err(error),
                _ => {}
            }
        }
    }

    /// Sends all of it, and returns its memory to be used again. Dropped before its end, it leaves
    /// the stream at an unknown place: nothing may be sent after it.
    ///
    /// # Errors
    /// The system's, such as a connection that was reset; an unknown part was sent then.
    pub async fn send(&self, outgoing: Outgoing) -> io::Result<Outgoing> {
        let mut message = Message::new(outgoing);
        if message.advance(0) {
            return Ok(message.into_outgoing());
        }
        loop {
            let answer = self.ask(Request::Send { message }).await?;
            let Some(back) = answer.message else {
                return Err(io::Error::other("the message is lost"));
            };
            message = back;
            match answer.outcome {
                Ok(bytes) if message.advance(bytes) => return Ok(message.into_outgoing()),
                Ok(_) => {}
                Err(error) if means_later(&error) => {
                    self.machine.sleep(Duration::from_micros(RETRY_PAUSE_US)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Says that nothing more will be sent; what was sent still arrives, and more can be received.
    pub fn shutdown_write(&self) {
        // A connection that is gone has nothing to be told.
        let _ = rustix::net::shutdown(self.file.as_fd(), Shutdown::Write);
    }

    async fn ask(&self, request: Request) -> io::Result<Answer> {
        Ok(self.machine.ask(self.file.clone(), request)?.await)
    }
}

/// Whether nothing is wrong with the connection: interrupted, not ready, or no buffer left.
fn means_later(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::ENOBUFS))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use crate::real::net::{Listener, Outgoing};
    use crate::real::{current, run_on_core};

    #[test]
    fn kernels_without_buffers_of_the_ring_serve_sockets_too() {
        if let Err(error) = io_uring::IoUring::new(8) {
            println!("skipped, because {error}");
            return;
        }
        let (tell, told) = channel();
        let core = run_on_core(0, "old", Duration::ZERO, || async move {
            current::machine().ring.borrow_mut().forgo_provided();
            let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
            tell.send(listener.local_address()).expect("the client waits");
            let socket = listener.accept().await.expect("a connection");
            loop {
                let received = socket.recv().await.expect("bytes or the end");
                if received.is_empty() {
                    return;
                }
                let outgoing = Outgoing { head: received.to_vec(), body: Vec::new() };
                socket.send(outgoing).await.expect("it is sent");
            }
        });
        let core = core.expect("a core starts");
        let mut stream = TcpStream::connect(told.recv().expect("it listens")).expect("it accepts");
        for word in ["one", "two", "six"] {
            stream.write_all(word.as_bytes()).expect("it is sent");
            let mut back = [0; 3];
            stream.read_exact(&mut back).expect("an echo");
            assert_eq!(&back, word.as_bytes());
        }
        drop(stream);
        core.join().expect("it ends well");
    }
}
