//! What a stored item counts, to the byte, without making an item of it. What counts how much is in
//! `size`.

use super::Malformed;
use super::decode::{AttributesRef, MembersRef, ValueRef};
use crate::limits::MAX_LEVELS;
use crate::size::{CONTAINER_BYTES, ELEMENT_BYTES, number_size_bytes};

/// Size of a stored item with its names, in bytes: what [`crate::item_size_bytes`] says of the item.
///
/// # Errors
/// If these are not bytes that [`super::encode`] wrote.
pub fn size_bytes(bytes: &[u8]) -> Result<usize, Malformed> {
    of_attributes(super::read(bytes)?, MAX_LEVELS)
}

fn of_attributes(mut attributes: AttributesRef<'_>, levels: usize) -> Result<usize, Malformed> {
    let mut size_bytes = 0;
    while let Some((name, value)) = attributes.read_next()? {
        size_bytes += name.len() + of_value(value, levels)?;
    }
    Ok(size_bytes)
}

fn of_value(value: ValueRef<'_>, levels: usize) -> Result<usize, Malformed> {
    let Some(below) = levels.checked_sub(1) else {
        return Err(Malformed { what: "nested too deep", left_bytes: 0 });
    };
    Ok(match value {
        ValueRef::Null | ValueRef::Bool(_) => 1,
        ValueRef::S(text) => text.len(),
        ValueRef::B(bytes) => bytes.len(),
        ValueRef::N(number) => number_size_bytes(&number),
        ValueRef::M(map) => {
            CONTAINER_BYTES + map.len() * ELEMENT_BYTES + of_attributes(map, below)?
        }
        ValueRef::L(mut list) => {
            let mut size_bytes = CONTAINER_BYTES;
            while let Some(value) = list.read_next()? {
                size_bytes += ELEMENT_BYTES + of_value(value, below)?;
            }
            size_bytes
        }
        ValueRef::Ss(set) => sum(set, |set| Ok(set.next_text()?.map(str::len)))?,
        ValueRef::Bs(set) => sum(set, |set| Ok(set.next_bytes()?.map(<[u8]>::len)))?,
        ValueRef::Ns(set) => {
            sum(set, |set| Ok(set.next_number()?.map(|number| number_size_bytes(&number))))?
        }
    })
}

fn sum<'a>(
    mut set: MembersRef<'a>,
    next: impl Fn(&mut MembersRef<'a>) -> Result<Option<usize>, Malformed>,
) -> Result<usize, Malformed> {
    let mut size_bytes = 0;
    while let Some(member_bytes) = next(&mut set)? {
        size_bytes += member_bytes;
    }
    Ok(size_bytes)
}
