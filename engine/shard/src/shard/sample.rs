//! Keys of recent requests, and where a cut would divide them. Not a decision to cut: see `split`.

use bytes::Bytes;

use crate::limits::MAX_SAMPLED_KEYS;

/// The last keys that were noted, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    keys: Vec<Bytes>,
    /// Where the next key goes: the oldest one's place once the sample is full.
    next: usize,
}

/// What cutting at the median of the sampled traffic would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Median {
    /// It would divide the traffic.
    Cut(Bytes),
    /// Too few keys were seen to tell.
    Unknown,
    /// One side would keep nearly all of it: a single hot key, most likely.
    Lopsided,
    /// All of it is at one moving end: it would soon be on one side again.
    Front,
}

/// Of the newer half of a sample, the share beyond nine tenths of the older half that shows a front.
/// Traffic that stays where it is has about a tenth there.
const FRONT_SHARE: f64 = 0.6;

impl Sample {
    /// Notes a key. Copied: a slice would hold on to the whole request that it came in.
    pub fn note(&mut self, key: &[u8]) {
        let key = Bytes::copy_from_slice(key);
        if self.keys.len() < MAX_SAMPLED_KEYS {
            self.keys.push(key);
        } else {
            self.keys[self.next] = key;
        }
        self.next = (self.next + 1) % MAX_SAMPLED_KEYS;
    }

    /// Looks for a cut near the median. `settle` turns a key into one that a partition may begin
    /// with; `most_lopsided` is the largest share that one side may keep.
    pub fn median(&self, settle: impl Fn(Bytes) -> Bytes, most_lopsided: f64) -> Median {
        if self.keys.len() < MAX_SAMPLED_KEYS {
            return Median::Unknown;
        }
        if self.is_front() {
            return Median::Front;
        }
        let mut sorted: Vec<&Bytes> = self.keys.iter().collect();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        let above = sorted[sorted.partition_point(|key| *key <= median).min(sorted.len() - 1)];
        // A popular key right at the median belongs to whichever side then weighs less.
        let (share, cut) = [median, above]
            .map(|key| settle(key.clone()))
            .map(|cut| (busier_share(&sorted, &cut), cut))
            .into_iter()
            .min_by(|(left, _), (right, _)| left.total_cmp(right))
            .expect("two candidates");
        if share > most_lopsided { Median::Lopsided } else { Median::Cut(cut) }
    }

    /// Whether newer keys lie beyond nearly all older ones, on either side.
    fn is_front(&self) -> bool {
        let in_order = self.keys[self.next..].iter().chain(&self.keys[..self.next]);
        let in_order: Vec<&Bytes> = in_order.collect();
        let (older, newer) = in_order.split_at(in_order.len() / 2);
        let mut older = older.to_vec();
        older.sort_unstable();
        let (low, high) = (older[older.len() / 10], older[older.len() * 9 / 10]);
        let share = |count: usize| count as f64 / newer.len() as f64;
        let above = share(newer.iter().filter(|key| **key > high).count());
        let below = share(newer.iter().filter(|key| **key < low).count());
        above.max(below) > FRONT_SHARE
    }
}

/// The share of the keys on the side of `cut` that has more of them.
fn busier_share(sorted: &[&Bytes], cut: &Bytes) -> f64 {
    let below = sorted.partition_point(|key| *key < cut) as f64 / sorted.len() as f64;
    below.max(1.0 - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median_of(keys: impl Iterator<Item = u32>) -> Median {
        let mut sample = Sample::default();
        keys.for_each(|key| sample.note(&key.to_be_bytes()));
        sample.median(|key| key, 0.8)
    }

    /// Numbers below `below` in no order.
    fn scattered(below: u32) -> impl Iterator<Item = u32> {
        (0..1000u32).map(move |n| n.wrapping_mul(2_654_435_761) % below)
    }

    #[test]
    fn scattered_traffic_is_cut_in_half() {
        let Median::Cut(cut) = median_of(scattered(1000)) else { panic!("no cut") };
        let cut = u32::from_be_bytes(cut[..].try_into().expect("four bytes"));
        assert!((350..650).contains(&cut), "{cut}");
    }

    #[test]
    fn too_few_keys_tell_nothing() {
        assert_eq!(median_of(scattered(1000).take(MAX_SAMPLED_KEYS - 1)), Median::Unknown);
    }

    #[test]
    fn a_single_hot_key_is_not_cut() {
        let hot = scattered(1000).enumerate().map(|(n, key)| if n % 10 == 0 { key } else { 500 });
        assert_eq!(median_of(hot), Median::Lopsided);
        assert_eq!(median_of(std::iter::repeat_n(7, 1000)), Median::Lopsided);
    }

    #[test]
    fn a_popular_key_among_others_is_put_on_the_lighter_side() {
        let keys = scattered(1000).enumerate().map(|(n, key)| if n % 2 == 0 { key } else { 300 });
        let Median::Cut(cut) = median_of(keys) else { panic!("no cut") };
        assert!(*cut > 300u32.to_be_bytes()[..], "the popular key goes with the fewer ones below");
    }

    #[test]
    fn a_front_in_either_direction_is_not_cut() {
        assert_eq!(median_of(0..1000), Median::Front);
        assert_eq!(median_of((0..1000).rev()), Median::Front);
    }

    #[test]
    fn a_cut_never_separates_what_must_stay_together() {
        let mut sample = Sample::default();
        scattered(1 << 20).for_each(|key| sample.note(&key.to_be_bytes()));
        let Median::Cut(cut) = sample.median(|key| key.slice(..3), 0.8) else { panic!("no cut") };
        assert_eq!(cut.len(), 3);
    }
}
