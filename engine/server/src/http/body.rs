//! A request's body, put together from pieces as they come. Not its meaning, not compression: see
//! `content`.

use super::head::{Framing, Refusal};
use crate::limits::{MAX_BODY_BYTES, MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES};

/// A body that is still coming.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    expects: Expects,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    /// The body, so many bytes more, and then nothing.
    Rest(usize),
    /// A chunk's length, so far; digits and bytes of the line; whether an extension began.
    Size { size: usize, digits: u8, line_bytes: usize, extended: bool },
    /// The last byte of the line with a chunk's length.
    SizeEnd(usize),
    /// A chunk, so many bytes more.
    Chunk(usize),
    /// The end of a line behind a chunk, and whether half of it has come.
    ChunkEnd { half: bool },
    /// Headers behind the last chunk: bytes of all, and whether the line has none yet.
    Trailer { all_bytes: usize, is_empty: bool },
    /// Nothing.
    Nothing,
}

const NEXT_SIZE: Expects = Expects::Size { size: 0, digits: 0, line_bytes: 0, extended: false };

impl Incoming {
    pub(crate) fn new(framing: Framing) -> Self {
        let expects = match framing {
            Framing::Length(0) => Expects::Nothing,
            Framing::Length(length) => Expects::Rest(length),
            Framing::Chunked => NEXT_SIZE,
        };
        Self { bytes: Vec::new(), expects }
    }

    /// Whether the body is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.expects == Expects::Nothing
    }

    /// The body.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Takes what belongs to the body, and says how many bytes that were: fewer than there are only
    /// once it is whole.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        let mut at = 0;
        while at < input.len() && !self.is_whole() {
            let rest = &input[at..];
            at += match self.expects {
                Expects::Rest(left) | Expects::Chunk(left) => self.take(rest, left),
                _ => {
                    self.step(rest[0])?;
                    1
                }
            };
        }
        Ok(at)
    }

    /// Takes as much of the body's bytes as there is.
    fn take(&mut self, rest: &[u8], left: usize) -> usize {
        let taken = rest.len().min(left);
        // Memory follows what has come, never what was announced.
        self.bytes.extend_from_slice(&rest[..taken]);
        let left = left - taken;
        self.expects = match self.expects {
            Expects::Rest(_) if left == 0 => Expects::Nothing,
            Expects::Rest(_) => Expects::Rest(left),
            _ if left == 0 => Expects::ChunkEnd { half: false },
            _ => Expects::Chunk(left),
        };
        taken
    }

    /// Takes one byte of what stands around chunks.
    fn step(&mut self, byte: u8) -> Result<(), Refusal> {
        self.expects = match (self.expects, byte) {
            (Expects::Size { size, digits, line_bytes, extended }, _) => {
                size_step(byte, size, digits, line_bytes + 1, extended)?
            }
            (Expects::SizeEnd(0), b'\n') => Expects::Trailer { all_bytes: 0, is_empty: true },
            (Expects::SizeEnd(size), b'\n') if self.bytes.len() + size > MAX_BODY_BYTES => {
                return Err(Refusal::TooLarge);
            }
            (Expects::SizeEnd(size), b'\n') => Expects::Chunk(size),
            (Expects::ChunkEnd { half: false }, b'\r') => Expects::ChunkEnd { half: true },
            (Expects::ChunkEnd { half: true }, b'\n') => NEXT_SIZE,
            (Expects::Trailer { is_empty: true, .. }, b'\n') => Expects::Nothing,
            (Expects::Trailer { all_bytes, .. }, _) if all_bytes >= MAX_TRAILER_BYTES => {
                return Err(Refusal::BadRequest);
            }
            (Expects::Trailer { all_bytes, is_empty }, _) => {
                let is_empty = byte == b'\n' || (is_empty && byte == b'\r');
                Expects::Trailer { all_bytes: all_bytes + 1, is_empty }
            }
            _ => return Err(Refusal::BadRequest),
        };
        Ok(())
    }
}

/// Takes one byte of the line with a chunk's length. Lines end with both of their bytes: where somebody
/// before us takes one for an end and we do not, we would read different requests.
fn size_step(
    byte: u8,
    size: usize,
    digits: u8,
    line_bytes: usize,
    extended: bool,
) -> Result<Expects, Refusal> {
    if line_bytes > MAX_CHUNK_LINE_BYTES {
        return Err(Refusal::BadRequest);
    }
    match byte {
        b'\r' | b'\n' | b';' | b' ' | b'\t' if digits == 0 => Err(Refusal::BadRequest),
        b'\n' => Err(Refusal::BadRequest),
        b'\r' => Ok(Expects::SizeEnd(size)),
        _ if extended => Ok(Expects::Size { size, digits, line_bytes, extended }),
        b';' | b' ' | b'\t' => Ok(Expects::Size { size, digits, line_bytes, extended: true }),
        _ => {
            let digit = char::from(byte).to_digit(16).ok_or(Refusal::BadRequest)?;
            // Far above any bound, and far from overflowing.
            if digits == 12 {
                return Err(Refusal::TooLarge);
            }
            let size = size * 16 + digit as usize;
            Ok(Expects::Size { size, digits: digits + 1, line_bytes, extended })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body and how many bytes it took, fed in pieces of `step` bytes.
    fn read(framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, usize), Refusal> {
        let mut incoming = Incoming::new(framing);
        let mut used = 0;
        for piece in input.chunks(step) {
            let taken = incoming.feed(piece)?;
            used += taken;
            if taken < piece.len() {
                break;
            }
        }
        assert!(incoming.is_whole(), "more is expected after {input:?}");
        Ok((incoming.into_bytes(), used))
    }

    #[test]
    fn bodies_end_where_they_say_however_they_are_cut() {
        let chunked = b"5;name=value\r\nhello\r\nc\r\n brave world\r\n0\r\nA: b\r\nC: d\r\n\r\n";
        for step in 1..chunked.len() + 4 {
            let with_more = [&chunked[..], b"POST"].concat();
            let (body, used) = read(Framing::Chunked, &with_more, step).expect("a body");
            assert_eq!((&body[..], used), (&b"hello brave world"[..], chunked.len()), "{step}");
            let (body, used) =
                read(Framing::Length(17), b"hello brave worldPOST", step).expect("a body");
            assert_eq!((&body[..], used), (&b"hello brave world"[..], 17), "{step}");
        }
        assert_eq!(read(Framing::Length(0), b"x", 1), Ok((Vec::new(), 0)));
        assert_eq!(read(Framing::Chunked, b"0\r\n\r\n", 1), Ok((Vec::new(), 5)));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let refused = |input: &[u8]| {
            let mut incoming = Incoming::new(Framing::Chunked);
            incoming.feed(input).expect_err("it is refused")
        };
        for bad in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"1\r\nab",
            b";\r\n",
            b"\n",
            b"1\n",
            b"1\rx\n",
            b"1;a\n",
            b"1\r\na\n",
            b"1\r\na\r\r",
        ] {
            assert_eq!(refused(bad), Refusal::BadRequest, "{bad:?}");
        }
        assert_eq!(refused(b"1000001\r\n"), Refusal::TooLarge);
        assert_eq!(refused(b"fffffffffffffffffffffff"), Refusal::TooLarge);
        let long = [&b"1;"[..], &[b'a'; MAX_CHUNK_LINE_BYTES]].concat();
        assert_eq!(refused(&long), Refusal::BadRequest);
        let trailer = [&b"0\r\n"[..], &[b'a'; MAX_TRAILER_BYTES + 1]].concat();
        assert_eq!(refused(&trailer), Refusal::BadRequest);
    }

    #[test]
    fn chunks_together_are_bounded() {
        let mut incoming = Incoming::new(Framing::Chunked);
        let half = MAX_BODY_BYTES / 2;
        for _ in 0..2 {
            incoming.feed(format!("{half:x}\r\n").as_bytes()).expect("a chunk");
            incoming.feed(&vec![b'x'; half]).expect("its bytes");
            incoming.feed(b"\r\n").expect("its end");
        }
        assert_eq!(incoming.feed(b"1\r\n"), Err(Refusal::TooLarge));
    }
}
