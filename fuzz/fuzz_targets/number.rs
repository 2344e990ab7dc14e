//! Numbers from text and from bytes: whatever is read has one way to be written, and sums are exact.
#![no_main]

use flywheel_item::Number;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some((number, rest)) = Number::decode(input) {
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        assert_eq!(&bytes[..], &input[..input.len() - rest.len()]);
        assert_eq!(Number::parse(&number.to_string()), Ok(number));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut numbers = text.splitn(2, ' ').map(Number::parse);
    let (Some(Ok(a)), Some(Ok(b))) = (numbers.next(), numbers.next()) else { return };
    assert_eq!(Number::parse(&a.to_string()), Ok(a));
    if let Ok(sum) = a.checked_add(b) {
        assert_eq!(sum.checked_sub(b), Ok(a), "{a} + {b}");
        assert_eq!(sum.cmp(&a), b.cmp(&Number::ZERO), "{a} + {b}");
    }
});
