//! Key names: from a number to bytes, and how the key space divides evenly.
//! Which number an operation takes is the `chooser`'s business.

use super::{InsertOrder, Workload};
use crate::generate::fnvhash64;

/// What every key starts with.
const PREFIX: &[u8] = b"user";

/// Keys sampled for each part that the key space is split into.
const SAMPLES_PER_PART: u64 = 256;

/// Fewest and most keys sampled for split points.
const SAMPLES: std::ops::RangeInclusive<u64> = 16_384..=4_194_304;

impl Workload {
    /// Puts the name of key `number` into `key`, replacing what it held. No allocation once it is warm.
    ///
    /// "user", then the number or its hash in decimal, padded with zeros to `zeropadding` digits.
    #[inline]
    pub fn write_key(&self, number: u64, key: &mut Vec<u8>) {
        let number = number as i64;
        let shown = match self.insert_order {
            InsertOrder::Hashed => fnvhash64(number),
            InsertOrder::Ordered => number,
        };
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(shown).as_bytes();
        key.clear();
        key.extend_from_slice(PREFIX);
        key.resize(PREFIX.len() + self.zero_padding.saturating_sub(digits.len()), b'0');
        key.extend_from_slice(digits);
    }

    /// The name of key `number`.
    pub fn key(&self, number: u64) -> Vec<u8> {
        let mut key = Vec::new();
        self.write_key(number, &mut key);
        key
    }

    /// Up to `count` keys of the loaded records, evenly spread over insert order, in byte order.
    pub fn sample_keys(&self, count: u64) -> Vec<Vec<u8>> {
        let count = count.min(self.insert_count);
        let number = |sample: u64| {
            let offset = u128::from(sample) * u128::from(self.insert_count) / u128::from(count);
            self.insert_start + offset as u64
        };
        let mut keys: Vec<Vec<u8>> = (0..count).map(|sample| self.key(number(sample))).collect();
        keys.sort_unstable();
        keys
    }

    /// Keys that split the loaded records, or the keys of a trace, into `parts` of about equal size, in ascending order.
    ///
    /// At most `parts - 1` of them, fewer when there are fewer records than parts. A part begins at its
    /// split key. From a sample of 256 keys or more a part, so sizes differ by some 10 %.
    pub fn split_keys(&self, parts: usize) -> Vec<Vec<u8>> {
        let parts = parts.max(1);
        let keys = match &self.trace {
            Some(trace) => {
                let sample = trace.survey.sample.iter();
                sample.map(|sampled| sampled.key.clone().into_bytes()).collect()
            }
            None => {
                let wanted = (parts as u64).saturating_mul(SAMPLES_PER_PART);
                self.sample_keys(wanted.clamp(*SAMPLES.start(), *SAMPLES.end()))
            }
        };
        let mut splits: Vec<Vec<u8>> =
            (1..parts).map(|part| keys[part * keys.len() / parts].clone()).collect();
        splits.dedup();
        // A split at the very first key would leave an empty part.
        splits.retain(|split| *split > keys[0]);
        splits
    }
}
