//! Every bound of this crate, each with its source. Bounds of requests and tables stand with those.
//!
//! *Constraints* is DynamoDB's developer guide, "Quotas and constraints"; *Expressions* its chapters on
//! expressions; *observed* is what implementations that compare themselves with AWS report of it.

/// Digits of a number. Source: Constraints, data types.
pub const MAX_NUMBER_DIGITS: u32 = 38;

/// Pairs of digits in the bytes of a number.
pub const MAX_NUMBER_PAIRS: usize = MAX_NUMBER_DIGITS.div_ceil(2) as usize;

/// Bytes of a number in a key or a stored item: sign, exponent, pairs and an end.
pub const MAX_NUMBER_BYTES: usize = 3 + MAX_NUMBER_PAIRS;

/// Power of ten of the first digit of the largest number, 9.99..E+125. Source: Constraints.
pub const MAX_NUMBER_EXPONENT: i32 = 125;

/// Power of ten of the first digit of the smallest number but zero, 1E-130. Source: Constraints.
pub const MIN_NUMBER_EXPONENT: i32 = -130;

/// Largest item, names included, in bytes. Source: Constraints.
pub const MAX_ITEM_BYTES: usize = 400 << 10;

/// Largest partition key value in bytes. Source: Constraints.
pub const MAX_PARTITION_KEY_BYTES: usize = 2048;

/// Largest sort key value in bytes. Source: Constraints.
pub const MAX_SORT_KEY_BYTES: usize = 1024;

/// Longest attribute name in bytes, but those of keys. Source: observed (the guide says 64 KB).
pub const MAX_NAME_BYTES: usize = 65_535;

/// Levels of an attribute's value: 1 of a number, 2 of a list of numbers. Source: Constraints, nested
/// attribute depth.
pub const MAX_LEVELS: usize = 32;

/// Longest expression in bytes, as it was sent. Source: Constraints, expression parameters.
pub const MAX_EXPRESSION_BYTES: usize = 4096;

/// Operators and functions of one expression. Source: Constraints, expression parameters.
pub const MAX_OPERATORS: usize = 300;

/// Operands of one IN. Source: Expressions, "Comparison operator and function reference".
pub const MAX_IN_OPERANDS: usize = 100;

/// Elements of a document path. Source: Constraints, nested attribute depth.
pub const MAX_PATH_ELEMENTS: usize = 32;

/// Largest index of a list in a path. Source: observed, a signed 32-bit number.
pub const MAX_LIST_INDEX: u32 = i32::MAX as u32;

/// Longest placeholder with its # or :, in bytes. Source: Constraints, expression parameters.
pub const MAX_PLACEHOLDER_BYTES: usize = 255;

/// Parentheses and calls within each other that the parser goes into. Each that is not redundant has an
/// operator or a function of its own, so a sound expression stays below; the stack must not depend on it.
pub const MAX_PARSER_DEPTH: usize = MAX_OPERATORS + 1;

const _: () = assert!(10u128.checked_pow(MAX_NUMBER_DIGITS).is_some());
const _: () =
    assert!(MAX_NUMBER_EXPONENT - MIN_NUMBER_EXPONENT < 256, "an exponent fits one byte of a key");
const _: () =
    assert!(MAX_PARTITION_KEY_BYTES <= u16::MAX as usize, "its length is two bytes of a key");
