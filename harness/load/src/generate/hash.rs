//! FNV-1a over the eight bytes of a number, as YCSB scatters its keys.
//! Not a hash for tables or checksums: it exists only to agree with YCSB.

const OFFSET_BASIS: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 1_099_511_628_211;

/// YCSB's `Utils.fnvhash64`: FNV-1a of the little-endian bytes, then the wrapping absolute value.
///
/// The result is negative for exactly one hash (`i64::MIN`), as in Java. go-ycsb hashes the big-endian
/// bytes instead, so its keys differ.
#[inline]
pub const fn fnvhash64(value: i64) -> i64 {
    let mut hash = OFFSET_BASIS;
    let mut rest = value;
    let mut octet = 0;
    while octet < 8 {
        hash = (hash ^ (rest as u64 & 0xff)).wrapping_mul(PRIME);
        rest >>= 8;
        octet += 1;
    }
    (hash as i64).wrapping_abs()
}
