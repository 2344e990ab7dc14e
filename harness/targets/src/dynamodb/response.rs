//! A response of HTTP/1.1 as it comes in, piece by piece: where its body begins and ends. Not what that says.

use std::borrow::Cow;

use flywheel_load::{TargetError, TargetErrorKind};

use crate::limits::{MAX_RESPONSE_BYTES, MAX_RESPONSE_HEADERS};

/// How far a response is. What has come in of it is kept beside it, in one piece.
#[derive(Debug, Default)]
pub struct Response {
    head: Option<Head>,
    /// The body where it had to be put together.
    gathered: Option<Vec<u8>>,
    end: usize,
}

#[derive(Debug)]
struct Head {
    status: u16,
    body_at: usize,
    body: Body,
    keep_alive: bool,
    crc32: Option<u32>,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
    UntilClose,
}

fn broken(what: impl Into<Cow<'static, str>>) -> TargetError {
    TargetError::new(TargetErrorKind::Io, what)
}

impl Response {
    /// Looks at what has come in so far. Whether the response is whole.
    ///
    /// # Errors
    /// What is no HTTP, or too much of it; a stream that ended before.
    pub fn advance(&mut self, incoming: &[u8], is_closed: bool) -> Result<bool, TargetError> {
        if self.head.is_none() {
            self.head = parse_head(incoming)?;
        }
        let is_whole = match &self.head {
            None => false,
            Some(head) => match head.body {
                Body::Length(length) => {
                    self.end = head.body_at + length;
                    incoming.len() >= self.end
                }
                Body::UntilClose => {
                    self.end = incoming.len();
                    is_closed
                }
                Body::Chunked => match parse_chunks(&incoming[head.body_at..])? {
                    Some((body, used)) => {
                        self.end = head.body_at + used;
                        self.gathered = Some(body);
                        true
                    }
                    None => false,
                },
            },
        };
        if is_whole {
            return Ok(true);
        }
        if is_closed {
            return Err(TargetError::new(
                TargetErrorKind::Unavailable,
                "the connection was closed",
            ));
        }
        if incoming.len() > MAX_RESPONSE_BYTES {
            return Err(broken("a response longer than any of DynamoDB's"));
        }
        Ok(false)
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    /// The body of a whole response.
    pub fn body<'a>(&'a self, incoming: &'a [u8]) -> &'a [u8] {
        match (&self.gathered, &self.head) {
            (Some(body), _) => body,
            (None, Some(head)) => &incoming[head.body_at..self.end],
            (None, None) => &[],
        }
    }

    /// Whether the connection can take the next request: its bytes ended where the response did.
    pub fn leaves_open(&self, incoming: &[u8]) -> bool {
        let head = self.head.as_ref();
        head.is_some_and(|head| head.keep_alive && head.body != Body::UntilClose)
            && self.end == incoming.len()
    }

    /// Compares the body with what the response says of it, if it does.
    ///
    /// # Errors
    /// They differ.
    pub fn check_crc32(&self, incoming: &[u8]) -> Result<(), TargetError> {
        let Some(said) = self.head.as_ref().and_then(|head| head.crc32) else { return Ok(()) };
        let is = crc32fast::hash(self.body(incoming));
        if is == said {
            return Ok(());
        }
        let what = format!("x-amz-crc32 says {said}, and the body has {is}");
        Err(TargetError::new(TargetErrorKind::Corruption, what))
    }
}

/// The head, once it is whole. Those before the one that counts (100 to 199) are passed over.
fn parse_head(incoming: &[u8]) -> Result<Option<Head>, TargetError> {
    let mut at = 0;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_RESPONSE_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let length = match parsed.parse(&incoming[at..]) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(broken(format!("a response that is no HTTP/1.1: {error}"))),
        };
        at += length;
        let status = parsed.code.unwrap_or_default();
        if (100..200).contains(&status) {
            continue;
        }
        let mut head = Head {
            status,
            body_at: at,
            body: Body::UntilClose,
            keep_alive: parsed.version == Some(1),
            crc32: None,
        };
        for header in parsed.headers.iter() {
            head.take(header)?;
        }
        return Ok(Some(head));
    }
}

impl Head {
    fn take(&mut self, header: &httparse::Header<'_>) -> Result<(), TargetError> {
        let text = || std::str::from_utf8(header.value).unwrap_or_default().trim();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") && self.body != Body::Chunked {
            let length = text().parse().ok().filter(|length| *length <= MAX_RESPONSE_BYTES);
            let length = length.ok_or_else(|| broken("a content-length that cannot be"))?;
            self.body = Body::Length(length);
        } else if is("transfer-encoding") {
            if !text().eq_ignore_ascii_case("chunked") {
                return Err(broken("a transfer-encoding that was not asked for"));
            }
            self.body = Body::Chunked;
        } else if is("connection") {
            let mut words = text().split(',').map(str::trim);
            match words.find(|word| !word.is_empty()) {
                Some(word) if word.eq_ignore_ascii_case("close") => self.keep_alive = false,
                Some(word) if word.eq_ignore_ascii_case("keep-alive") => self.keep_alive = true,
                _ => {}
            }
        } else if is("x-amz-crc32") {
            self.crc32 = text().parse().ok();
        }
        Ok(())
    }
}

/// The body that chunks make, and how many bytes they take, once all are there.
fn parse_chunks(incoming: &[u8]) -> Result<Option<(Vec<u8>, usize)>, TargetError> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (line, length) = match httparse::parse_chunk_size(&incoming[at..]) {
            Ok(httparse::Status::Complete(chunk)) => chunk,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(broken("a chunk without a length")),
        };
        at += line;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_RESPONSE_BYTES {
            return Err(broken("a chunk longer than any of DynamoDB's responses"));
        }
        if length == 0 {
            return Ok(end_of_trailers(&incoming[at..]).map(|used| (body, at + used)));
        }
        let Some(chunk) = incoming.get(at..at + length + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..length]);
        at += length + 2;
    }
}

/// Behind the empty line that ends trailers.
fn end_of_trailers(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"\r\n") {
        return Some(2);
    }
    rest.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of a response whose bytes come one by one.
    fn read(text: &str) -> Result<(u16, Vec<u8>, bool), TargetError> {
        let bytes = text.as_bytes();
        let mut response = Response::default();
        for length in 1..=bytes.len() {
            if response.advance(&bytes[..length], false)? {
                let body = response.body(&bytes[..length]).to_vec();
                assert_eq!(length, bytes.len(), "not whole before its end");
                return Ok((response.status(), body, response.leaves_open(&bytes[..length])));
            }
        }
        response.advance(bytes, true)?;
        let leaves_open = response.leaves_open(bytes);
        Ok((response.status(), response.body(bytes).to_vec(), leaves_open))
    }

    #[test]
    fn bodies_end_in_each_of_three_ways() {
        let is = |text: &str, status, body: &str, leaves_open| {
            assert_eq!(read(text), Ok((status, body.as_bytes().to_vec(), leaves_open)), "{text}");
        };
        is("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true);
        is(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n",
            400,
            "",
            true,
        );
        is("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", 200, "x", false);
        is("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, "x", false);
        is("HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", false);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        is(
            &format!("{chunked}3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"),
            200,
            "abc0123456789",
            true,
        );
        is(&format!("{chunked}0\r\nTrailer: x\r\n\r\n"), 200, "", true);
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        for text in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ncut",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_checksum_is_compared() {
        let check = |crc: u32| {
            let text =
                format!("HTTP/1.1 200 OK\r\nx-amz-crc32: {crc}\r\ncontent-length: 2\r\n\r\n{{}}");
            let mut response = Response::default();
            assert_eq!(response.advance(text.as_bytes(), false), Ok(true));
            response.check_crc32(text.as_bytes())
        };
        assert_eq!(check(crc32fast::hash(b"{}")), Ok(()));
        assert_eq!(check(1).expect_err("another").kind, TargetErrorKind::Corruption);
    }
}
