//! The keys and values of a simulated workload: values say which write they come from, so that every
//! read can be traced to its writer. Not random: both follow from a number.

use bytes::Bytes;

/// A key, as its rank among all keys of the workload.
pub type Key = u16;

/// A write: no two writes of a run put the same value.
pub type WriteId = u32;

/// Bytes of a value that say whose it is.
const HEADER_BYTES: usize = 8;

/// The keys of one run, in order.
#[derive(Debug, Clone)]
pub struct KeySpace {
    keys: Vec<Bytes>,
}

impl KeySpace {
    /// `count` keys spread over the alphabet, some of them long, some sharing long beginnings.
    pub fn new(count: usize) -> Self {
        let mut keys: Vec<Bytes> = (0..count).map(|n| spell(n, count)).collect();
        keys.sort();
        Self { keys }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A key's bytes.
    pub fn bytes(&self, key: Key) -> Bytes {
        self.keys[usize::from(key)].clone()
    }

    /// Which key these bytes are.
    pub fn find(&self, bytes: &[u8]) -> Option<Key> {
        self.keys.binary_search_by(|key| (**key).cmp(bytes)).ok().map(|rank| rank as Key)
    }
}

fn spell(n: usize, count: usize) -> Bytes {
    let first = (b'a' + (n * 26 / count) as u8) as char;
    Bytes::from(match n % 9 {
        4 => format!("{first}{n:05}{}", "-long".repeat(60)),
        5 | 6 => format!("{first}shared-by-some-of-the-keys/{n:05}"),
        _ => format!("{first}{n:05}"),
    })
}

/// The value that `write` puts, `length` bytes long, at least eight.
pub fn value(write: WriteId, length: usize) -> Bytes {
    let length = length.max(HEADER_BYTES);
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&write.to_le_bytes());
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend((HEADER_BYTES..length).map(|at| filler(write, at)));
    Bytes::from(bytes)
}

/// The write that put this value.
///
/// # Errors
/// What is wrong with it, if nobody ever wrote it so.
pub fn writer(found: &[u8]) -> Result<WriteId, String> {
    let Some((head, rest)) = found.split_at_checked(HEADER_BYTES) else {
        return Err(format!("a value of {} bytes, which nobody wrote", found.len()));
    };
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes"));
    let (write, length) = (number(0), number(4) as usize);
    if length != found.len() {
        return Err(format!("write {write} put {length} bytes, found {}", found.len()));
    }
    let wrong = rest.iter().zip(HEADER_BYTES..).position(|(&byte, at)| byte != filler(write, at));
    match wrong {
        None => Ok(write),
        Some(at) => Err(format!("write {write} put another byte {}", at + HEADER_BYTES)),
    }
}

fn filler(write: WriteId, at: usize) -> u8 {
    (write.wrapping_mul(0x9E37_79B1) >> 24).wrapping_add(at as u32) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_name_their_writer_and_nothing_else_passes() {
        let good = value(7, 100);
        assert_eq!(writer(&good), Ok(7));
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            assert!(writer(&bad).is_err(), "byte {at}");
        }
        assert!(writer(&good[..99]).is_err() && writer(b"").is_err());
    }

    #[test]
    fn keys_are_found_by_their_bytes_and_differ() {
        let keys = KeySpace::new(60);
        for key in 0..60 {
            assert_eq!(keys.find(&keys.bytes(key)), Some(key));
        }
        assert_eq!(keys.find(b"nobody"), None);
    }
}
