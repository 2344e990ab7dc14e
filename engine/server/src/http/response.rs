//! A response as bytes. Not what it says.

use std::borrow::Cow;
use std::io::Write;

use crate::core::Core;
use crate::cors;
use crate::service::{RequestId, Service};
use crate::wire::{AMZ_JSON, JSON};

/// What is answered without asking the service.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Cow<'static, [u8]>,
    /// Further headers, each with its end of line.
    pub(crate) extra: Vec<u8>,
}

impl Reply {
    /// Bytes of no type.
    pub(crate) fn new(status: u16, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { status, content_type: "", body: body.into(), extra: Vec::new() }
    }

    /// Plain text.
    pub(crate) fn text(status: u16, body: &'static str) -> Self {
        let content_type = "text/plain; charset=utf-8";
        Self { content_type, ..Self::new(status, body.as_bytes()) }
    }
}

/// What of a request its response depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) request_id: RequestId,
    /// Whether JSON is answered under AWS's own type.
    pub(crate) amz_json: bool,
    /// Whether a page of another origin asks.
    pub(crate) has_origin: bool,
    /// Whether the client takes compressed bodies.
    pub(crate) takes_gzip: bool,
    /// Whether the connection stays open.
    pub(crate) keep_alive: bool,
    /// Whether the client has to be told so.
    pub(crate) is_old: bool,
}

impl Shape {
    pub(crate) fn json_type(self) -> &'static str {
        if self.amz_json { AMZ_JSON } else { JSON }
    }
}

/// A response but for its body.
pub(crate) struct ResponseHead<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) is_gzip: bool,
    pub(crate) extra: &'a [u8],
}

impl ResponseHead<'_> {
    /// Appends the head of a response with this body.
    pub(crate) fn write<S: Service>(
        &self,
        core: &Core<S>,
        shape: Shape,
        body: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(status_line(self.status).as_bytes());
        out.extend_from_slice(b"\r\nServer: Server\r\nDate: ");
        core.date.write((core.options.clock)(), out);
        if !self.content_type.is_empty() {
            out.extend_from_slice(b"\r\nContent-Type: ");
            out.extend_from_slice(self.content_type.as_bytes());
        }
        if self.is_gzip {
            out.extend_from_slice(b"\r\nContent-Encoding: gzip");
        }
        if !shape.keep_alive {
            out.extend_from_slice(b"\r\nConnection: close");
        } else if shape.is_old {
            out.extend_from_slice(b"\r\nConnection: keep-alive");
        }
        out.extend_from_slice(b"\r\nx-amzn-RequestId: ");
        out.extend_from_slice(shape.request_id.as_bytes());
        // Memory takes whatever is written to it. The sum is of the bytes as sent: clients check it
        // before they unpack them.
        let crc = crc32fast::hash(body);
        let _ = write!(out, "\r\nx-amz-crc32: {crc}\r\nContent-Length: {}\r\n", body.len());
        if shape.has_origin {
            out.extend_from_slice(cors::ALWAYS);
        }
        out.extend_from_slice(self.extra);
        out.extend_from_slice(b"\r\n");
    }
}

/// The number and its phrase.
fn status_line(status: u16) -> &'static str {
    match status {
        200 => "200 OK",
        400 => "400 Bad Request",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        413 => "413 Request Entity Too Large",
        501 => "501 Not Implemented",
        503 => "503 Service Unavailable",
        _ => "500 Internal Server Error",
    }
}

/// What a client is told to whom there is no connection to give.
pub(crate) const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nServer: Server\r\n\
    Connection: close\r\nContent-Length: 0\r\n\r\n";

/// What a client is told that waits to be told that its body is wanted.
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
