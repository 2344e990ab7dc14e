//! A request's line and headers, borrowed from the bytes that came. Not its body: see `body`; of the
//! headers only what frames the request is understood here.

use std::mem::MaybeUninit;

use httparse::{Header, Request, Status};

use crate::limits::{MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_HEADERS};

/// Room for the headers of one request, on the stack of whoever reads it.
pub(crate) type Room<'a> = [MaybeUninit<Header<'a>>; MAX_HEADERS];

/// Such room.
pub(crate) const fn room<'a>() -> Room<'a> {
    [const { MaybeUninit::uninit() }; MAX_HEADERS]
}

/// How a request's body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes.
    Length(usize),
    /// In chunks, each with its length.
    Chunked,
}

/// Why bytes are no request of ours: the status that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no HTTP/1, or says how long it is in two ways.
    BadRequest,
    /// The body is too large.
    TooLarge,
    /// A way of framing that nobody uses.
    NotImplemented,
    /// There is no memory for it now.
    Busy,
}

impl Refusal {
    pub(crate) fn status(self) -> u16 {
        match self {
            Refusal::BadRequest => 400,
            Refusal::TooLarge => 413,
            Refusal::NotImplemented => 501,
            Refusal::Busy => 503,
        }
    }
}

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Head<'h, 'b> {
    pub(crate) method: &'b str,
    /// Without the query.
    pub(crate) path: &'b str,
    /// Without the question mark; empty if there is none.
    pub(crate) query: &'b str,
    pub(crate) headers: &'h [Header<'b>],
    pub(crate) framing: Framing,
    /// Whether the connection may stay open.
    pub(crate) keep_alive: bool,
    /// Whether the client speaks HTTP/1.0.
    pub(crate) is_old: bool,
    /// Whether the client waits to be told that its body is wanted.
    pub(crate) expects_continue: bool,
    /// Bytes of the line and the headers, with the empty line.
    pub(crate) length_bytes: usize,
}

impl<'h, 'b> Head<'h, 'b> {
    /// Reads a head; `None` if its end has not come yet.
    pub(crate) fn parse(
        input: &'b [u8],
        room: &'h mut Room<'b>,
    ) -> Result<Option<Head<'h, 'b>>, Refusal> {
        let mut request = Request::new(&mut []);
        let window = &input[..input.len().min(MAX_HEAD_BYTES)];
        let length_bytes = match request.parse_with_uninit_headers(window, room) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if input.len() < MAX_HEAD_BYTES => return Ok(None),
            _ => return Err(Refusal::BadRequest),
        };
        let (Some(method), Some(target), Some(version)) =
            (request.method, request.path, request.version)
        else {
            return Err(Refusal::BadRequest);
        };
        let headers: &'h [Header<'b>] = request.headers;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut head = Head {
            method,
            path,
            query,
            headers,
            framing: Framing::Length(0),
            keep_alive: version >= 1,
            is_old: version == 0,
            expects_continue: false,
            length_bytes,
        };
        head.understand_framing()?;
        Ok(Some(head))
    }

    /// The value of the only header of this name, trimmed; of the first, if there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&'b str> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(text)
    }

    /// Whether there is a header of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// A request whose length is said in two ways might be read as two by somebody before us.
    fn understand_framing(&mut self) -> Result<(), Refusal> {
        let mut length: Option<usize> = None;
        let mut chunked = false;
        for header in self.headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                let said = content_length(header.value)?;
                if length.is_some_and(|before| before != said) {
                    return Err(Refusal::BadRequest);
                }
                length = Some(said);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                if chunked || !text(header).eq_ignore_ascii_case("chunked") {
                    return Err(Refusal::NotImplemented);
                }
                chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                let mut words = text(header).split(',').map(str::trim);
                if words.clone().any(|word| word.eq_ignore_ascii_case("close")) {
                    self.keep_alive = false;
                } else if words.any(|word| word.eq_ignore_ascii_case("keep-alive")) {
                    self.keep_alive = true;
                }
            } else if header.name.eq_ignore_ascii_case("expect") {
                self.expects_continue = text(header).eq_ignore_ascii_case("100-continue");
            }
        }
        self.framing = match (length, chunked) {
            (Some(_), true) => return Err(Refusal::BadRequest),
            (None, true) if self.is_old => return Err(Refusal::BadRequest),
            (None, true) => Framing::Chunked,
            (Some(length), false) if length > MAX_BODY_BYTES => return Err(Refusal::TooLarge),
            (length, false) => Framing::Length(length.unwrap_or(0)),
        };
        Ok(())
    }
}

/// A header's value as text, trimmed; empty if it is none.
pub(crate) fn text<'b>(header: &Header<'b>) -> &'b str {
    std::str::from_utf8(header.value).unwrap_or_default().trim()
}

/// Digits only, as many as a number may have. One that is too large is a body that is too large.
fn content_length(value: &[u8]) -> Result<usize, Refusal> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::BadRequest);
    }
    let said = digits.iter().try_fold(0usize, |number, digit| {
        number.checked_mul(10)?.checked_add(usize::from(digit - b'0'))
    });
    Ok(said.unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Framing, and whether the connection stays open; `None` if more must come.
    fn framing(input: &str) -> Result<Option<(Framing, bool)>, Refusal> {
        let mut room = room();
        let head = Head::parse(input.as_bytes(), &mut room)?;
        Ok(head.map(|head| (head.framing, head.keep_alive)))
    }

    #[test]
    fn every_prefix_of_a_head_asks_for_more() {
        let whole = "POST /?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(framing(&whole[..end]), Ok(None), "{end}");
        }
        let mut room = room();
        let head = Head::parse(whole.as_bytes(), &mut room).expect("valid").expect("whole");
        assert_eq!((head.method, head.path, head.query), ("POST", "/", "a=b"));
        assert_eq!((head.framing, head.length_bytes), (Framing::Length(2), whole.len()));
        assert_eq!((head.header("HOST"), head.header("other")), (Some("h"), None));
    }

    #[test]
    fn a_length_is_said_once_and_in_one_way() {
        let of = |headers: &str| framing(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
        assert_eq!(of(""), Ok(Some((Framing::Length(0), true))));
        assert_eq!(of("content-length: 7\r\n"), Ok(Some((Framing::Length(7), true))));
        let twice = "Content-Length: 7\r\nContent-Length: 7\r\n";
        assert_eq!(of(twice), Ok(Some((Framing::Length(7), true))));
        assert_eq!(of("Transfer-Encoding: Chunked\r\n"), Ok(Some((Framing::Chunked, true))));
        for bad in [
            "Content-Length: 7\r\nContent-Length: 8\r\n",
            "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: 1 1\r\n",
            "Content-Length: 0x1\r\n",
            "Content-Length:\r\n",
            "Bad header\r\n",
            " : x\r\n",
        ] {
            assert_eq!(of(bad), Err(Refusal::BadRequest), "{bad}");
        }
        for large in ["Content-Length: 16777217\r\n", "Content-Length: 99999999999999999999999\r\n"]
        {
            assert_eq!(of(large), Err(Refusal::TooLarge), "{large}");
        }
        assert_eq!(of("Transfer-Encoding: gzip, chunked\r\n"), Err(Refusal::NotImplemented));
    }

    #[test]
    fn connections_stay_open_unless_somebody_says_otherwise() {
        let of = |rest: &str| framing(&format!("GET / {rest}\r\n\r\n")).map(|of| of.map(|of| of.1));
        assert_eq!(of("HTTP/1.1"), Ok(Some(true)));
        assert_eq!(of("HTTP/1.0"), Ok(Some(false)));
        assert_eq!(of("HTTP/1.0\r\nConnection: Keep-Alive"), Ok(Some(true)));
        assert_eq!(of("HTTP/1.1\r\nConnection: x, Close"), Ok(Some(false)));
        assert_eq!(of("HTTP/2.0"), Err(Refusal::BadRequest));
    }

    #[test]
    fn heads_have_bounds() {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
        assert_eq!(framing(&long), Err(Refusal::BadRequest));
        let endless = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(MAX_HEAD_BYTES));
        assert_eq!(framing(&endless), Err(Refusal::BadRequest));
        let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
        assert!(framing(&many(MAX_HEADERS)).is_ok());
        assert_eq!(framing(&many(MAX_HEADERS + 1)), Err(Refusal::BadRequest));
    }
}
