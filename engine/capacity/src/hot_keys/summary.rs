//! The keys that took the most units, counted in bounded memory: the space-saving algorithm, weighted. Not when a
//! period begins and ends.
//!
//! A key that is not counted takes the place of the one with the fewest units, and inherits these as its error. Of
//! `n` units in all, `k` keys then give:
//!
//! 1. a key's units are never told too low, and too high by at most its error;
//! 2. no error is more than `n / k`;
//! 3. a key that took more than `n / k` is among them;
//!
//! and the same of two summaries that were merged, with the sum of their `n`.
//!
//! Source: Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams",
//! ICDT 2005; merging: Agarwal et al., "Mergeable Summaries", PODS 2012. Here the fewest are found by a binary heap:
//! a note takes O(log k), and O(1) of a key whose units stay within its children's.

use xxhash_rust::xxh3::xxh3_64;

use super::places::Places;
use crate::limits::{MAX_HOT_KEY_BYTES, MAX_HOT_KEYS};
use crate::tokens::Tokens;

/// A key and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The key, or its first [`MAX_HOT_KEY_BYTES`].
    pub key: Vec<u8>,
    /// At most so many units...
    pub units: Tokens,
    /// ...and by at most so many fewer.
    pub error: Tokens,
    /// The second in which it was first noted, since it was last left out.
    pub since_second: u64,
}

/// The keys that took the most.
#[derive(Debug, Clone)]
pub struct Summary {
    most: usize,
    all: Tokens,
    entries: Vec<Entry>,
    /// Places of entries, the one with the fewest units first, each with no more than its two children.
    heap: Vec<u32>,
    places: Places,
}

#[derive(Debug, Clone)]
struct Entry {
    counted: Counted,
    hash: u64,
    /// Where it is in the heap.
    at: u32,
}

impl Summary {
    /// Counts `keys` keys: 1 to [`MAX_HOT_KEYS`].
    #[must_use]
    pub fn new(keys: usize) -> Self {
        let most = keys.clamp(1, MAX_HOT_KEYS);
        Self {
            most,
            all: Tokens::ZERO,
            entries: Vec::new(),
            heap: Vec::new(),
            places: Places::new(most),
        }
    }

    /// Units of all keys, counted or not.
    #[must_use]
    pub fn all(&self) -> Tokens {
        self.all
    }

    /// What a key that is not counted may have taken, at the most.
    #[must_use]
    pub fn uncounted(&self) -> Tokens {
        if self.entries.len() < self.most { Tokens::ZERO } else { self.fewest() }
    }

    /// A request for a key, and what it took or asked for. Debts and nothing are not noted.
    pub fn note(&mut self, second: u64, key: &[u8], units: Tokens) {
        if units <= Tokens::ZERO {
            return;
        }
        self.all += units;
        self.add(key, second, units, Tokens::ZERO);
    }

    /// The `count` keys that took the most, most first.
    pub fn hottest(&self, count: usize) -> impl Iterator<Item = &Counted> {
        let mut counted: Vec<&Counted> = self.entries.iter().map(|entry| &entry.counted).collect();
        counted.sort_by(|left, right| {
            right.units.cmp(&left.units).then_with(|| left.key.cmp(&right.key))
        });
        counted.truncate(count);
        counted.into_iter()
    }

    /// Adds what another summary counted.
    pub fn merge(&mut self, other: &Self) {
        let (own, others) = (self.uncounted(), other.uncounted());
        let mut merged: Vec<Counted> = Vec::with_capacity(self.entries.len() + other.entries.len());
        for Entry { counted, hash, .. } in &self.entries {
            let same = other.find(*hash, &counted.key).map(|place| other.counted(place));
            merged.push(sum(counted, same, others));
        }
        for Entry { counted, hash, .. } in &other.entries {
            if self.find(*hash, &counted.key).is_none() {
                merged.push(sum(counted, None, own));
            }
        }
        merged.sort_by(|left, right| {
            right.units.cmp(&left.units).then_with(|| left.key.cmp(&right.key))
        });
        let all = self.all + other.all;
        self.clear();
        self.all = all;
        for Counted { key, units, error, since_second } in merged.into_iter().take(self.most) {
            self.add(&key, since_second, units, error);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.all = Tokens::ZERO;
        self.entries.clear();
        self.heap.clear();
        self.places.clear();
    }

    fn add(&mut self, key: &[u8], second: u64, units: Tokens, error: Tokens) {
        let key = &key[..key.len().min(MAX_HOT_KEY_BYTES)];
        let hash = xxh3_64(key);
        if let Some(place) = self.find(hash, key) {
            let entry = &mut self.entries[place as usize];
            entry.counted.units += units;
            let at = entry.at;
            self.sink(at as usize);
        } else if self.entries.len() < self.most {
            let place = self.entries.len() as u32;
            let counted = Counted { key: key.to_vec(), units, error, since_second: second };
            self.entries.push(Entry { counted, hash, at: place });
            self.heap.push(place);
            self.places.insert(hash, place);
            self.rise(place as usize);
        } else {
            self.replace_fewest(key, hash, second, units);
        }
    }

    fn replace_fewest(&mut self, key: &[u8], hash: u64, second: u64, units: Tokens) {
        let place = self.heap[0];
        let entries = &self.entries;
        let hash_of = |place: u32| entries[place as usize].hash;
        self.places.remove(hash_of(place), place, hash_of);
        let Entry { counted, hash: old_hash, .. } = &mut self.entries[place as usize];
        *old_hash = hash;
        counted.key.clear();
        counted.key.extend_from_slice(key);
        counted.error = counted.units;
        counted.units += units;
        counted.since_second = second;
        self.places.insert(hash, place);
        self.sink(0);
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.places.find(hash, |place| {
            let entry = &self.entries[place as usize];
            entry.hash == hash && entry.counted.key == key
        })
    }

    fn counted(&self, place: u32) -> &Counted {
        &self.entries[place as usize].counted
    }

    fn fewest(&self) -> Tokens {
        self.heap.first().map_or(Tokens::ZERO, |place| self.counted(*place).units)
    }

    /// Moves what took more than before away from the top of the heap.
    fn sink(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let fewer =
                (left..self.heap.len().min(left + 2)).min_by_key(|child| self.units(*child));
            match fewer {
                Some(child) if self.units(child) < self.units(at) => {
                    self.swap(at, child);
                    at = child;
                }
                _ => return,
            }
        }
    }

    /// Moves what is new towards the top of the heap.
    fn rise(&mut self, mut at: usize) {
        while at > 0 && self.units(at) < self.units((at - 1) / 2) {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn units(&self, at: usize) -> Tokens {
        self.counted(self.heap[at]).units
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        for at in [one, other] {
            self.entries[self.heap[at] as usize].at = at as u32;
        }
    }
}

/// What one summary counted of a key, and another: its own count, or what it may have left out.
fn sum(counted: &Counted, same: Option<&Counted>, left_out: Tokens) -> Counted {
    let (units, error, since_second) = match same {
        Some(same) => (same.units, same.error, same.since_second.min(counted.since_second)),
        None => (left_out, left_out, counted.since_second),
    };
    Counted {
        key: counted.key.clone(),
        units: counted.units + units,
        error: counted.error + error,
        since_second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(summary: &mut Summary, key: &str, units: u64) {
        summary.note(1, key.as_bytes(), Tokens::units(units));
    }

    fn told(summary: &Summary) -> Vec<(String, u64, u64)> {
        let text = |counted: &Counted| String::from_utf8(counted.key.clone()).expect("text");
        summary
            .hottest(usize::MAX)
            .map(|one| (text(one), one.units.whole_units(), one.error.whole_units()))
            .collect()
    }

    #[test]
    fn a_new_key_takes_the_place_of_the_lightest_and_its_units_as_error() {
        let mut summary = Summary::new(2);
        noted(&mut summary, "a", 5);
        noted(&mut summary, "b", 3);
        assert_eq!(summary.uncounted(), Tokens::units(3));
        noted(&mut summary, "c", 1);
        assert_eq!(told(&summary), [("a".into(), 5, 0), ("c".into(), 4, 3)]);
        noted(&mut summary, "c", 2);
        assert_eq!(told(&summary), [("c".into(), 6, 3), ("a".into(), 5, 0)]);
        assert_eq!(summary.all(), Tokens::units(11));
    }

    #[test]
    fn one_that_is_not_full_left_nothing_out() {
        let (mut one, mut other) = (Summary::new(4), Summary::new(1));
        noted(&mut one, "a", 5);
        noted(&mut other, "b", 3);
        noted(&mut other, "c", 3);
        one.merge(&other);
        assert_eq!(told(&one), [("a".into(), 11, 6), ("c".into(), 6, 3)]);
        assert_eq!(one.all(), Tokens::units(11));
    }

    #[test]
    fn long_keys_are_cut_and_nothing_is_not_noted() {
        let mut summary = Summary::new(2);
        summary.note(0, &vec![7; MAX_HOT_KEY_BYTES + 5], Tokens::units(1));
        summary.note(0, &vec![7; MAX_HOT_KEY_BYTES + 6], Tokens::units(1));
        summary.note(0, b"x", Tokens::ZERO);
        summary.note(0, b"x", -Tokens::units(1));
        let lengths: Vec<usize> = summary.hottest(9).map(|one| one.key.len()).collect();
        assert_eq!(lengths, [MAX_HOT_KEY_BYTES]);
    }
}
