//! Bodies compressed on the way: requests inflated within a bound, large responses deflated. Not the
//! choice of what is sent.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;

use crate::limits::MAX_BODY_BYTES;

/// What a request's `Content-Encoding` says of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

/// Why a body cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It is not what it says it is.
    Broken,
    /// It is larger than a body may be.
    TooLarge,
}

impl Encoding {
    /// `Ok(None)` for a body that is as it is, `Err` for what nobody here can read.
    pub(crate) fn of(content_encoding: Option<&str>) -> Result<Option<Self>, Damage> {
        match content_encoding.unwrap_or_default() {
            "" => Ok(None),
            word if word.eq_ignore_ascii_case("identity") => Ok(None),
            word if word.eq_ignore_ascii_case("gzip") => Ok(Some(Encoding::Gzip)),
            word if word.eq_ignore_ascii_case("deflate") => Ok(Some(Encoding::Deflate)),
            _ => Err(Damage::Broken),
        }
    }

    /// The body as it was before it was compressed.
    pub(crate) fn inflate(self, body: &[u8]) -> Result<Vec<u8>, Damage> {
        match self {
            Encoding::Gzip => read_within_bound(MultiGzDecoder::new(body)),
            // The name means zlib's format; some send what is inside of it.
            Encoding::Deflate if is_zlib(body) => read_within_bound(ZlibDecoder::new(body)),
            Encoding::Deflate => read_within_bound(DeflateDecoder::new(body)),
        }
    }
}

/// Whether these are the first bytes of zlib's format: its method, and a check of both.
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn read_within_bound(decoder: impl Read) -> Result<Vec<u8>, Damage> {
    let mut inflated = Vec::new();
    let bound = MAX_BODY_BYTES as u64 + 1;
    decoder.take(bound).read_to_end(&mut inflated).map_err(|_| Damage::Broken)?;
    if inflated.len() > MAX_BODY_BYTES { Err(Damage::TooLarge) } else { Ok(inflated) }
}

/// The body in gzip's format, quickly rather than well.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let into = Vec::with_capacity(body.len() / 2);
    let mut encoder = GzEncoder::new(into, Compression::fast());
    // Memory takes whatever is written to it.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Whether an `Accept-Encoding` allows gzip.
pub(crate) fn takes_gzip(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|part| {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let is_zero = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        coding.trim().eq_ignore_ascii_case("gzip") && !is_zero
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let body = b"some text, some text, some text".repeat(500);
        assert_eq!(Encoding::Gzip.inflate(&gzip(&body)), Ok(body.clone()));
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&body).expect("memory takes it");
        let zlib = zlib.finish().expect("memory takes it");
        assert_eq!(Encoding::Deflate.inflate(&zlib), Ok(body.clone()));
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(&body).expect("memory takes it");
        assert_eq!(Encoding::Deflate.inflate(&raw.finish().expect("memory takes it")), Ok(body));
    }

    #[test]
    fn what_is_broken_or_too_large_is_told_apart() {
        let whole = gzip(b"some text");
        for end in 0..whole.len() {
            assert_eq!(Encoding::Gzip.inflate(&whole[..end]), Err(Damage::Broken), "{end}");
        }
        assert_eq!(Encoding::Gzip.inflate(b"{}"), Err(Damage::Broken));
        assert_eq!(Encoding::Deflate.inflate(b"\x78\x9cnonsense"), Err(Damage::Broken));
        let bomb = gzip(&vec![0; MAX_BODY_BYTES + 1]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(Encoding::Gzip.inflate(&bomb), Err(Damage::TooLarge));
    }

    #[test]
    fn clients_say_what_they_take() {
        for yes in ["gzip", "deflate, gzip", "GZIP;q=0.5", "br;q=1.0, gzip;q=0.8, *;q=0.1"] {
            assert!(takes_gzip(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "x-gzip", "gzip; q=0.0"] {
            assert!(!takes_gzip(no), "{no}");
        }
        assert_eq!(Encoding::of(Some("br")), Err(Damage::Broken));
        assert_eq!(Encoding::of(Some("GZIP")), Ok(Some(Encoding::Gzip)));
        assert_eq!(Encoding::of(None), Ok(None));
    }
}
