//! Messages to JSON text: a serializer for what messages have, and no more. It does what `serde_json`'s does,
//! but looks for characters that must be escaped in whole blocks, for a message is little else than text.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};

/// Bytes that are looked at together.
const BLOCK_BYTES: usize = 16;

/// Why a message is not written: a stored item in it is malformed, or a value that was sent is none.
#[derive(Debug)]
pub(super) struct WriteError(String);

impl Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl ser::Error for WriteError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Appends a message.
pub(super) fn append<T: Serialize + ?Sized>(
    message: &T,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    message.serialize(Json(out))
}

/// Where one value goes.
struct Json<'a>(&'a mut Vec<u8>);

/// Lists, maps and structures: what they end with, and whether nothing is in them so far.
struct Contents<'a> {
    out: &'a mut Vec<u8>,
    end: u8,
    is_empty: bool,
}

impl<'a> Contents<'a> {
    fn begin(out: &'a mut Vec<u8>, begin: u8, end: u8) -> Self {
        out.push(begin);
        Self { out, end, is_empty: true }
    }

    fn comma(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    fn finish(self) {
        self.out.push(self.end);
    }
}

/// The first of some bytes that text may not have as it is; their number if there is none.
fn first_escaped(bytes: &[u8]) -> usize {
    let is_escaped = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    // No branch for a byte, so that the compiler looks at all of a block at once.
    let has_escaped = |block: &[u8; BLOCK_BYTES]| {
        block.iter().fold(false, |found, &byte| found | is_escaped(byte))
    };
    let (blocks, rest) = bytes.as_chunks();
    let (plain_bytes, rest) = match blocks.iter().position(has_escaped) {
        Some(at) => (at * BLOCK_BYTES, &blocks[at][..]),
        None => (bytes.len() - rest.len(), rest),
    };
    plain_bytes + rest.iter().position(|&byte| is_escaped(byte)).unwrap_or(rest.len())
}

/// Text without its quotation marks.
fn append_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(first_escaped(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = escaped.split_first() else { return };
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            control => {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                out.extend(b"\\u00");
                out.extend([digit(control >> 4), digit(control & 15)]);
            }
        }
        rest = behind;
    }
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    append_escaped(text, out);
    out.push(b'"');
}

/// Text that comes in pieces.
struct Pieces<'a>(&'a mut Vec<u8>);

impl fmt::Write for Pieces<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        append_escaped(piece, self.0);
        Ok(())
    }
}

fn none<T>() -> Result<T, WriteError> {
    Err(ser::Error::custom("no message has such a value"))
}

/// Types that messages do not have.
macro_rules! none {
    ($($name:ident($($of:ty),*) -> $result:ty),* $(,)?) => {$(
        fn $name(self, $(_: $of),*) -> Result<$result, WriteError> {
            none()
        }
    )*};
}

/// Whole numbers.
macro_rules! whole {
    ($($name:ident $number:ty),*) => {$(
        fn $name(self, value: $number) -> Result<(), WriteError> {
            self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Json<'a> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Contents<'a>;
    type SerializeTuple = Impossible<(), WriteError>;
    type SerializeTupleStruct = Impossible<(), WriteError>;
    type SerializeTupleVariant = Impossible<(), WriteError>;
    type SerializeMap = Contents<'a>;
    type SerializeStruct = Contents<'a>;
    type SerializeStructVariant = Impossible<(), WriteError>;

    whole!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    );

    none!(
        serialize_bytes(&[u8]) -> (),
        serialize_unit_variant(&'static str, u32, &'static str) -> (),
        serialize_tuple(usize) -> Self::SerializeTuple,
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant,
    );

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        serde_json::to_writer(self.0, &value).map_err(ser::Error::custom)
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), WriteError> {
        append_text(text, self.0);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        self.0.push(b'"');
        write!(Pieces(self.0), "{value}").map_err(ser::Error::custom)?;
        self.0.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), WriteError> {
        none()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Contents<'a>, WriteError> {
        Ok(Contents::begin(self.0, b'[', b']'))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Contents<'a>, WriteError> {
        Ok(Contents::begin(self.0, b'{', b'}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Contents<'a>, WriteError> {
        self.serialize_map(None)
    }
}

impl ser::SerializeSeq for Contents<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.comma();
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeMap for Contents<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.comma();
        let at = self.out.len();
        key.serialize(Json(self.out))?;
        // Names are text, and nothing else is.
        if self.out.get(at) == Some(&b'"') { Ok(()) } else { none() }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStruct for Contents<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        self.comma();
        append_text(name, self.out);
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish();
        Ok(())
    }
}
