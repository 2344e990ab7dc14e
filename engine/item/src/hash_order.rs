//! The order in which DynamoDB lists names in its errors: that of Java's hash tables. Nothing else here has
//! an order of its own.

/// How the table was made, on which the order hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashTable {
    /// As a copy of so many keys.
    Copied(usize),
    /// With room for as many keys as it holds.
    Sized,
    /// Empty, and grown.
    Grown,
}

/// Keys, each once, in the order in which such a table has them; those of one bucket in the order given.
///
/// Source: `java.util.HashMap`, whose buckets follow from `String.hashCode`.
pub fn in_hash_order(mut keys: Vec<String>, table: HashTable) -> Vec<String> {
    let buckets = table.buckets(keys.len());
    keys.sort_by_cached_key(|key| {
        let hash = key
            .encode_utf16()
            .fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ hash >> 16) as usize & (buckets - 1)
    });
    keys
}

impl HashTable {
    /// A power of two.
    fn buckets(self, keys: usize) -> usize {
        let mut buckets = match self {
            // With room for all at three quarters full, and 16 at least.
            Self::Copied(total) => return (total * 4 / 3 + 1).max(16).next_power_of_two(),
            Self::Sized => keys.max(1).next_power_of_two(),
            Self::Grown => 16,
        };
        while keys * 4 > buckets * 3 {
            buckets *= 2;
        }
        buckets
    }
}
