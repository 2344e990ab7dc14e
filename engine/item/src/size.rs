//! What items and values count, to the byte, for limits and for request units. Not their stored size.
//!
//! Source: developer guide, "DynamoDB item sizes and formats"; numbers as observed (negative ones count
//! one more, zeros before and behind count nothing).

use crate::number::Number;
use crate::value::{AttributeValue, Item};

/// What a list or a map counts besides its elements, in bytes.
pub(crate) const CONTAINER_BYTES: usize = 3;

/// What each element of a list or a map counts besides itself, in bytes.
pub(crate) const ELEMENT_BYTES: usize = 1;

/// Size of an item with its names, in bytes.
pub fn item_size_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size_bytes(value)).sum()
}

/// Size of a value without its name, in bytes.
pub fn value_size_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size_bytes(number),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::Bool(_) | AttributeValue::Null => 1,
        AttributeValue::M(map) => {
            CONTAINER_BYTES + map.len() * ELEMENT_BYTES + item_size_bytes(map)
        }
        AttributeValue::L(list) => {
            CONTAINER_BYTES
                + list.iter().map(|value| ELEMENT_BYTES + value_size_bytes(value)).sum::<usize>()
        }
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(number_size_bytes).sum(),
        AttributeValue::Bs(set) => set.iter().map(Vec::len).sum(),
    }
}

/// One byte, and one for every two digits on either side of the point.
pub(crate) fn number_size_bytes(number: &Number) -> usize {
    let digits = number.digits() as i32;
    let before_point = (number.first_exponent() + 1).clamp(0, digits);
    let behind_point = digits - before_point;
    let pairs = (before_point as usize).div_ceil(2) + (behind_point as usize).div_ceil(2);
    1 + pairs + usize::from(number.is_negative())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_their_digits_in_pairs() {
        for (text, size_bytes) in [
            ("0", 1),
            ("-0", 1),
            ("7", 2),
            ("42", 2),
            ("-42", 3),
            ("100", 2),
            ("123", 3),
            ("12.5", 3),
            ("0.001", 2),
            ("1e125", 2),
            ("1e-130", 2),
            ("99999999999999999999999999999999999999", 20),
        ] {
            let number = Number::parse(text).unwrap();
            assert_eq!(number_size_bytes(&number), size_bytes, "of {text}");
        }
    }

    #[test]
    fn lists_and_maps_count_three_bytes_and_one_an_element() {
        let text = AttributeValue::S("abc".into());
        let list = AttributeValue::L(vec![text.clone(), AttributeValue::Null]);
        assert_eq!(value_size_bytes(&list), 3 + (1 + 3) + (1 + 1));
        let map = AttributeValue::M(Item::from([("name".into(), text.clone())]));
        assert_eq!(value_size_bytes(&map), 3 + 1 + 4 + 3);
        let item = Item::from([("é".into(), text), ("m".into(), map)]);
        assert_eq!(item_size_bytes(&item), (2 + 3) + (1 + 11));
    }
}
