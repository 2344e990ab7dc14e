//! Numbers: what is one, how it is written, sums, order, bytes.

use flywheel_item::limits::MAX_NUMBER_BYTES;
use flywheel_item::{Number, NumberError};
use proptest::prelude::*;

use crate::support::any_number;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_way_to_write_a_number_gives_the_one_way_it_is_returned() {
    let big = format!("1{}", "0".repeat(125));
    let small = format!("0.{}1", "0".repeat(129));
    let digits = "12345678901234567890123456789012345678";
    for (text, returned) in [
        ("0", "0"),
        ("-0", "0"),
        ("0.0", "0"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.e5", "100000"),
        ("1E+3", "1000"),
        ("00042", "42"),
        ("1.200", "1.2"),
        ("-17.4E37", &format!("-174{}", "0".repeat(36))),
        ("1000", "1000"),
        ("1e3", "1000"),
        ("123e-5", "0.00123"),
        ("123e-2", "1.23"),
        ("1e125", &big),
        ("1e-130", &small),
        (digits, digits),
        (&format!("{}.{}", &digits[..3], &digits[3..]), &format!("123.{}", &digits[3..])),
        (&format!("0.{}e300", "0".repeat(299)), "0"),
        (&format!("1{}e-100", "0".repeat(100)), "1"),
        (&format!("0.{}1e1000", "0".repeat(999)), "1"),
    ] {
        assert_eq!(number(text).to_string(), returned, "of {text}");
        assert_eq!(number(returned), number(text), "{text}: equal numbers are one");
    }
}

#[test]
fn what_is_no_number_is_refused_for_its_reason() {
    use NumberError::{NotNumeric, Overflow, TooManyDigits, Underflow};
    let thirty_nine = "1".repeat(39);
    let apart = format!("1{}1", "0".repeat(37));
    for (text, reason) in [
        ("", NotNumeric),
        ("-", NotNumeric),
        (".", NotNumeric),
        ("e5", NotNumeric),
        ("+e2", NotNumeric),
        ("1e", NotNumeric),
        ("1e+", NotNumeric),
        ("1e5.5", NotNumeric),
        ("1+2", NotNumeric),
        ("1.2.3", NotNumeric),
        ("--5", NotNumeric),
        (" 1", NotNumeric),
        ("1 ", NotNumeric),
        ("NaN", NotNumeric),
        ("Infinity", NotNumeric),
        ("0x10", NotNumeric),
        ("1_000", NotNumeric),
        ("١", NotNumeric),
        ("1e99999999999999999999", NotNumeric),
        ("1e126", Overflow),
        ("11e125", Overflow),
        ("-1e126", Overflow),
        ("1e9223372036854775807", Overflow),
        ("0e126", Overflow),
        ("1e-131", Underflow),
        ("0.9e-130", Underflow),
        ("1e-9223372036854775808", Underflow),
        ("0.0e-130", Underflow),
        (&thirty_nine, TooManyDigits),
        (&apart, TooManyDigits),
        (&format!("{thirty_nine}e30"), TooManyDigits),
    ] {
        assert_eq!(Number::parse(text), Err(reason), "of {text}");
    }
    // As AWS has it: zero has the magnitude of a 1 in place of its last digit.
    for text in ["0.0e126", "0e125", "0e-130"] {
        assert_eq!(number(text), Number::ZERO, "of {text}");
    }
}

#[test]
fn a_text_of_any_length_is_read_or_refused() {
    let zeros = "0".repeat(1_000_000);
    assert_eq!(number(&format!("{zeros}7")), number("7"));
    assert_eq!(Number::parse(&format!("7{zeros}")), Err(NumberError::Overflow));
    assert_eq!(Number::parse(&format!("7{zeros}7")), Err(NumberError::TooManyDigits));
    assert_eq!(number(&format!("7{zeros}e-1000000")), number("7"));
    assert_eq!(number(&format!("0.{zeros}7e1000001")), number("7"));
}

#[test]
fn sums_are_exact_or_refused() {
    let nines = "9".repeat(38);
    for (a, b, sum) in [
        ("1", "2", Some("3")),
        ("0.1", "0.2", Some("0.3")),
        ("1", "10000000000000000000000", Some("10000000000000000000001")),
        ("-1", "10000000000000000000000", Some("9999999999999999999999")),
        ("5", "-5", Some("0")),
        ("0", "-7", Some("-7")),
        (&nines, "1", Some("1e38")),
        ("1e38", "-1", Some(&nines)),
        ("1e125", "-1e125", Some("0")),
        ("1e-130", "1e-130", Some("2e-130")),
        ("9e124", "1e124", Some("1e125")),
        // AWS says overflow of what it could not keep exactly, too.
        ("1e50", "1", None),
        ("1e50", "-1", None),
        ("9e125", "9e125", None),
        ("-9e125", "-9e125", None),
        (&nines, "0.1", None),
        ("1e125", "1e-130", None),
    ] {
        let found = number(a).checked_add(number(b));
        assert_eq!(found, sum.map(number).ok_or(NumberError::Overflow), "{a} + {b}");
        assert_eq!(number(b).checked_add(number(a)), found, "{b} + {a}");
        if let Ok(sum) = found {
            assert_eq!(sum.checked_sub(number(b)).ok(), Some(number(a)), "{sum} - {b}");
        }
    }
    let tiny = number("1.1e-130").checked_sub(number("1e-130"));
    assert_eq!(tiny, Err(NumberError::Underflow));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(number in any_number()) {
        prop_assert_eq!(Number::parse(&number.to_string()), Ok(number));
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        prop_assert!(bytes.len() <= MAX_NUMBER_BYTES);
        bytes.extend_from_slice(b"rest");
        prop_assert_eq!(Number::decode(&bytes), Some((number, &b"rest"[..])));
    }

    #[test]
    fn bytes_are_ordered_as_numbers_and_numbers_as_their_differences(
        a in any_number(),
        b in any_number(),
    ) {
        let bytes = |number: Number| {
            let mut bytes = Vec::new();
            number.encode(&mut bytes);
            bytes
        };
        prop_assert_eq!(a.cmp(&b), bytes(a).cmp(&bytes(b)), "{} and {}", a, b);
        let less = |number: Number| number.is_negative();
        if let Ok(difference) = a.checked_sub(b) {
            prop_assert_eq!(a < b, less(difference), "{} - {}", a, b);
            prop_assert_eq!(a == b, difference.is_zero());
        }
        prop_assert!(!(bytes(a) != bytes(b) && bytes(a).starts_with(&bytes(b))));
    }

    #[test]
    fn sums_are_those_of_whole_numbers(a in -(1i128 << 120)..1i128 << 120, b in -(1i128 << 120)..1i128 << 120) {
        let sum = number(&a.to_string()).checked_add(number(&b.to_string()));
        prop_assert_eq!(sum, Number::parse(&(a + b).to_string()));
    }

    #[test]
    fn bytes_that_are_no_number_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Some((number, rest)) = Number::decode(&bytes) {
            let mut again = Vec::new();
            number.encode(&mut again);
            prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()], "one number, one encoding");
        }
    }
}
