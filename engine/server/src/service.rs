//! The seam: what answers requests. Not how they travel: see `http`.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_api::ApiError;

use crate::limits::MAX_OPERATION_BYTES;

/// What answers requests; one for each core, used by all connections of it.
pub trait Service: 'static {
    /// Answers one request. Dropped unfinished only when the server's time to drain is over.
    fn call(&self, request: Call) -> impl Future<Output = Answer>;

    /// Whether there is such an operation: what there is not is refused before its signature is
    /// looked at, as AWS does.
    fn knows(&self, operation: &OperationName) -> bool {
        let _ = operation;
        true
    }

    /// Whether requests can be answered: what `GET /healthz` says.
    fn is_healthy(&self) -> bool {
        true
    }

    /// Appends metrics of its own to the page, in Prometheus's text format. Asked of the one core that
    /// the page was asked of.
    fn write_metrics(&self, page: &mut String) {
        let _ = page;
    }
}

/// A request whose sender is known.
#[derive(Debug)]
pub struct Call {
    /// What is asked for, and of which of the two services.
    pub operation: OperationName,
    /// The body, inflated; not looked at but for its length.
    pub body: Bytes,
    /// The name under which the response goes out.
    pub request_id: RequestId,
    /// The access key that signed it.
    pub access_key: Rc<str>,
}

/// What a request is answered with.
#[derive(Debug)]
pub struct Answer {
    /// JSON, or what went wrong. Empty for an operation without a response.
    pub result: Result<Vec<u8>, ApiError>,
}

impl From<Result<Vec<u8>, ApiError>> for Answer {
    fn from(result: Result<Vec<u8>, ApiError>) -> Self {
        Self { result }
    }
}

/// Which API a target names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `DynamoDB_20120810`.
    Tables,
    /// `DynamoDBStreams_20120810`.
    Streams,
    /// Pages of this server, which no target names.
    Pages,
}

/// An operation's name as it was sent, such as `GetItem`: letters and digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OperationName {
    bytes: [u8; MAX_OPERATION_BYTES],
    length: u8,
    /// The API that it belongs to.
    pub api: Api,
}

impl OperationName {
    /// `None` unless it is made of letters and digits, and no longer than operations' names are.
    pub fn new(api: Api, name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= MAX_OPERATION_BYTES;
        if !fits || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let mut bytes = [0; MAX_OPERATION_BYTES];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, length: name.len() as u8, api })
    }
}

impl Deref for OperationName {
    type Target = str;
    fn deref(&self) -> &str {
        // It was made from letters and digits.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.api, &**self)
    }
}

/// The name of a request, as clients print it: 52 digits and capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 52]);

impl RequestId {
    /// From any 32 bytes; the last 4 bits of the text are always zero.
    pub(crate) fn from_bits(bits: [u64; 4]) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
        let mut text = [0; 52];
        for (part, word) in text.chunks_mut(13).zip(bits) {
            for (at, digit) in part.iter_mut().enumerate() {
                *digit = DIGITS[(word >> (5 * at)) as usize & 31];
            }
        }
        Self(text)
    }

    /// Its bytes, all ASCII.
    pub fn as_bytes(&self) -> &[u8; 52] {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_operations_are_letters_and_digits() {
        let name = OperationName::new(Api::Tables, "GetItem").expect("a name");
        assert_eq!(&*name, "GetItem");
        let longest = "A".repeat(MAX_OPERATION_BYTES);
        assert_eq!(&*OperationName::new(Api::Streams, &longest).expect("a name"), longest);
        for bad in ["", "Get Item", "Get\u{e9}", &"A".repeat(MAX_OPERATION_BYTES + 1)] {
            assert_eq!(OperationName::new(Api::Tables, bad), None, "{bad}");
        }
    }

    #[test]
    fn request_ids_are_52_digits_and_capitals_and_differ() {
        let ids = [[0; 4], [u64::MAX; 4], [1, 2, 3, 4]].map(RequestId::from_bits);
        for id in ids {
            let text = id.to_string();
            assert_eq!(text.len(), 52);
            assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }
}
