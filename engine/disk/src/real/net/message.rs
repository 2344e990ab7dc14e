//! What is being sent: a head and a body, gathered by the kernel, with the addresses that it is told.
//! Not the sending.
#![allow(unsafe_code, reason = "the kernel's message header is plain memory, all zero when empty")]

use std::fmt;

/// Bytes to send, one part after the other, without having been put together.
#[derive(Default)]
pub struct Outgoing {
    /// What goes first.
    pub head: Vec<u8>,
    /// What follows.
    pub body: Vec<u8>,
}

impl Outgoing {
    /// Bytes of both parts.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} + {} bytes)", self.head.len(), self.body.len())
    }
}

/// Bytes on their way, and how far they are. Boxed, since the kernel is told where it stands.
pub(in crate::real) struct Message {
    outgoing: Outgoing,
    sent_bytes: usize,
    parts: [libc::iovec; 2],
    header: libc::msghdr,
}

impl Message {
    pub(super) fn new(outgoing: Outgoing) -> Box<Self> {
        let nothing = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        // SAFETY: an all-zero message header names no memory at all.
        let header = unsafe { std::mem::zeroed() };
        Box::new(Self { outgoing, sent_bytes: 0, parts: [nothing; 2], header })
    }

    /// The header of what is still to be sent, for the kernel: valid until `self` is touched again.
    pub(in crate::real) fn header(&mut self) -> *const libc::msghdr {
        let Outgoing { head, body } = &self.outgoing;
        let from_body = self.sent_bytes.saturating_sub(head.len());
        let rest = [&head[self.sent_bytes.min(head.len())..], &body[from_body..]];
        let mut count = 0;
        for part in rest.into_iter().filter(|part| !part.is_empty()) {
            let iov_base = part.as_ptr().cast_mut().cast();
            self.parts[count] = libc::iovec { iov_base, iov_len: part.len() };
            count += 1;
        }
        self.header.msg_iov = self.parts.as_mut_ptr();
        self.header.msg_iovlen = count as _;
        &raw const self.header
    }

    /// Notes that the kernel took so many bytes; says whether that was the rest.
    pub(super) fn advance(&mut self, bytes: usize) -> bool {
        self.sent_bytes += bytes;
        assert!(self.sent_bytes <= self.outgoing.len(), "more was sent than there was");
        self.sent_bytes == self.outgoing.len()
    }

    /// The memory, to be used again.
    pub(super) fn into_outgoing(self) -> Outgoing {
        self.outgoing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(message: &mut Message) -> Vec<u8> {
        // SAFETY: the header names memory of `message`, which is borrowed all the while.
        let header = unsafe { &*message.header() };
        // SAFETY: as above, for the parts that it names.
        let parts = unsafe { std::slice::from_raw_parts(header.msg_iov, header.msg_iovlen as _) };
        parts
            .iter()
            // SAFETY: as above, for the bytes of each part.
            .flat_map(|part| unsafe {
                std::slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len)
            })
            .copied()
            .collect()
    }

    #[test]
    fn what_is_left_follows_what_was_sent_across_both_parts() {
        for (head, body) in [("head", "body"), ("", "body"), ("head", "")] {
            let whole = format!("{head}{body}").into_bytes();
            let outgoing = Outgoing { head: head.into(), body: body.into() };
            let mut message = Message::new(outgoing);
            for sent in 0..whole.len() {
                assert_eq!(rest(&mut message), &whole[sent..]);
                assert_eq!(message.advance(1), sent + 1 == whole.len());
            }
            assert_eq!(message.into_outgoing().len(), whole.len());
        }
    }
}
