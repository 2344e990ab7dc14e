//! Items to bytes.

use super::{FORM, tag};
use crate::value::{AttributeValue, Item};

/// Appends an item.
///
/// # Panics
/// If a list or map takes 4 GiB: items are checked for their size first.
pub fn encode(item: &Item, out: &mut Vec<u8>) {
    out.push(FORM);
    push_attributes(item, out);
}

fn push_attributes(item: &Item, out: &mut Vec<u8>) {
    push_count(item.len(), out);
    for (name, value) in item {
        push_bytes(name.as_bytes(), out);
        push_value(value, out);
    }
}

fn push_value(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::Null => out.push(tag::NULL),
        AttributeValue::Bool(false) => out.push(tag::FALSE),
        AttributeValue::Bool(true) => out.push(tag::TRUE),
        AttributeValue::S(text) => {
            out.push(tag::S);
            push_bytes(text.as_bytes(), out);
        }
        AttributeValue::B(bytes) => {
            out.push(tag::B);
            push_bytes(bytes, out);
        }
        AttributeValue::N(number) => {
            out.push(tag::N);
            number.encode(out);
        }
        AttributeValue::M(map) => push_extent(tag::M, out, |out| push_attributes(map, out)),
        AttributeValue::L(list) => push_all(tag::L, list.iter(), out, push_value),
        AttributeValue::Ss(set) => {
            push_all(tag::SS, set.iter(), out, |text, out| push_bytes(text.as_bytes(), out));
        }
        AttributeValue::Bs(set) => {
            push_all(tag::BS, set.iter(), out, |bytes, out| push_bytes(bytes, out));
        }
        AttributeValue::Ns(set) => {
            push_all(tag::NS, set.iter(), out, |number, out| number.encode(out));
        }
    }
}

fn push_all<T>(
    tag: u8,
    members: impl ExactSizeIterator<Item = T>,
    out: &mut Vec<u8>,
    push: impl Fn(T, &mut Vec<u8>),
) {
    push_extent(tag, out, |out| {
        push_count(members.len(), out);
        members.for_each(|member| push(member, out));
    });
}

fn push_extent(tag: u8, out: &mut Vec<u8>, contents: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    contents(out);
    let extent = u32::try_from(out.len() - at - 4).expect("items are checked for their size");
    out[at..at + 4].copy_from_slice(&extent.to_le_bytes());
}

fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    push_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn push_count(count: usize, out: &mut Vec<u8>) {
    let mut rest = u32::try_from(count).expect("items are checked for their size");
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
