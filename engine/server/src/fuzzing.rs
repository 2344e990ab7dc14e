//! What the fuzz targets reach of this crate beyond its public rooms. Not an interface: only there under
//! the feature `fuzzing`, and free to change.

use std::time::Duration;

use crate::credentials::Credentials;
use crate::http::Head;
use crate::http::body::Incoming;
use crate::http::head::room;
use crate::sigv4::Verifier;

/// What bytes turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The beginning of a request, or of nothing.
    More,
    /// No request: the status that says so.
    Refused(u16),
    /// A request.
    Whole {
        /// Its body.
        body: Vec<u8>,
        /// Bytes that it took.
        used_bytes: usize,
        /// The access key that it is signed with, or the type of error and what is said of it.
        access_key: Result<String, (&'static str, String)>,
    },
}

/// Reads the first request of `input` as a connection does to which it comes in pieces of this size, and
/// checks its signature.
pub fn read(input: &[u8], piece_bytes: usize, credentials: &Credentials, now: Duration) -> Read {
    let ends = (piece_bytes..input.len()).step_by(piece_bytes.max(1)).chain([input.len()]);
    for end in ends {
        let mut room = room();
        match Head::parse(&input[..end], &mut room) {
            Ok(None) => {}
            Err(refusal) => return Read::Refused(refusal.status()),
            Ok(Some(head)) => {
                return read_body(
                    &head,
                    &input[head.length_bytes..],
                    piece_bytes,
                    credentials,
                    now,
                );
            }
        }
    }
    Read::More
}

fn read_body(
    head: &Head<'_, '_>,
    rest: &[u8],
    piece_bytes: usize,
    credentials: &Credentials,
    now: Duration,
) -> Read {
    let mut incoming = Incoming::new(head.framing);
    let mut used_bytes = head.length_bytes;
    for piece in rest.chunks(piece_bytes.max(1)) {
        match incoming.feed(piece) {
            Ok(used) => used_bytes += used,
            Err(refusal) => return Read::Refused(refusal.status()),
        }
    }
    if !incoming.is_whole() {
        return Read::More;
    }
    let body = incoming.into_bytes();
    let access_key = Verifier::new(credentials).verify(head, &body, now);
    let access_key = access_key
        .map(|access_key| access_key.to_string())
        .map_err(|error| (error.code.name(), error.message));
    Read::Whole { body, used_bytes, access_key }
}
