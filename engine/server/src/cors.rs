//! What a browser is told about requests from pages of other origins: all are welcome, since the signature
//! says who asks. Not a check.

use crate::http::Head;

/// Headers of every response to a request with an `Origin`.
pub(crate) const ALWAYS: &[u8] = b"Access-Control-Allow-Origin: *\r\n\
    Access-Control-Expose-Headers: x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date\r\n";

/// Headers of the answer to a request that asks whether another one would be allowed.
pub(crate) fn preflight(head: &Head<'_, '_>) -> Vec<u8> {
    let mut headers = Vec::new();
    for (asked, allowed) in [
        ("access-control-request-headers", "Access-Control-Allow-Headers: "),
        ("access-control-request-method", "Access-Control-Allow-Methods: "),
    ] {
        // A header's value cannot hold the end of a line: it was read from one.
        if let Some(asked) = head.header(asked) {
            headers.extend_from_slice(allowed.as_bytes());
            headers.extend_from_slice(asked.as_bytes());
            headers.extend_from_slice(b"\r\n");
        }
    }
    headers.extend_from_slice(b"Access-Control-Max-Age: 172800\r\n");
    headers
}
