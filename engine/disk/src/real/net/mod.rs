//! TCP on a core's ring: listeners that the cores share a port with, sockets whose reads hold no memory
//! while they wait. Not a protocol: bytes in, bytes out.

mod listener;
mod message;
mod provided;
mod socket;

pub use self::listener::Listener;
pub use self::message::Outgoing;
pub use self::provided::Received;
pub use self::socket::Socket;

pub(super) use self::message::Message;
pub(super) use self::provided::Provided;
