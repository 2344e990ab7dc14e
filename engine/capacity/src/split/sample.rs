//! Keys of recent requests and what they weighed, and where a cut would divide them. Not a decision to cut: see
//! `decide`.
//!
//! Whoever has the partition notes one request in so many, each with what it took: units, or 1 if requests are to
//! be counted alike. Keys are of any type that sorts as the partition's do.

use crate::limits::MAX_SAMPLED_KEYS;
use crate::tokens::Tokens;

/// Of the newer half of a sample, the share beyond nine tenths of the older half that shows a front.
/// Traffic that stays where it is has about a tenth there.
const FRONT_SHARE: f64 = 0.6;

/// The last keys that were noted, in the order they came.
#[derive(Debug, Clone)]
pub struct Sample<K> {
    noted: Vec<(K, u64)>,
    /// Where the next key goes: the oldest one's place once the sample is full.
    next: usize,
}

impl<K> Default for Sample<K> {
    fn default() -> Self {
        Self { noted: Vec::new(), next: 0 }
    }
}

/// A key to cut at, and what the sample had below and above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<K> {
    /// First key of the upper side.
    pub at: K,
    /// What the keys below it weighed.
    pub lower: u64,
    /// What the others weighed.
    pub upper: u64,
}

impl<K> Cut<K> {
    /// The share of the side that has more.
    #[must_use]
    pub fn busier_share(&self) -> f64 {
        self.lower.max(self.upper) as f64 / (self.lower + self.upper) as f64
    }

    /// An amount of units, bytes or items, divided as the sample is: the sides add up to it.
    #[must_use]
    pub fn divide(&self, amount: u64) -> (u64, u64) {
        let all = u128::from(self.lower) + u128::from(self.upper);
        let lower = (u128::from(amount) * u128::from(self.lower) / all.max(1)) as u64;
        (lower, amount - lower)
    }
}

/// What cutting at the median of the sampled traffic would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Median<K> {
    /// It would divide the traffic.
    Cut(Cut<K>),
    /// Too few keys were seen to tell.
    Unknown,
    /// One side would keep nearly all of it: a single hot key, most likely.
    Lopsided,
    /// All of it is at one moving end: it would soon be on one side again.
    Front,
}

impl<K: Ord + Clone> Sample<K> {
    /// Notes a key and what its request weighed: at least a billionth of a unit, at most 32 million units.
    pub fn note(&mut self, key: K, weight: Tokens) {
        let weight = weight.as_nanos().clamp(1, 1 << 55) as u64;
        if self.noted.len() < MAX_SAMPLED_KEYS {
            self.noted.push((key, weight));
        } else {
            self.noted[self.next] = (key, weight);
        }
        self.next = (self.next + 1) % MAX_SAMPLED_KEYS;
    }

    /// Whether enough keys were noted to tell anything.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.noted.len() == MAX_SAMPLED_KEYS
    }

    /// Looks for a cut near the median. `settle` turns a key into one that a partition may begin
    /// with; `most_lopsided` is the largest share that one side may keep.
    #[must_use]
    pub fn median(&self, settle: impl Fn(K) -> K, most_lopsided: f64) -> Median<K> {
        if !self.is_known() {
            return Median::Unknown;
        }
        if self.is_front() {
            return Median::Front;
        }
        let sorted = self.sorted();
        let all: u64 = sorted.iter().map(|(_, weight)| weight).sum();
        let mut below = 0;
        let at_median = sorted.iter().find(|(_, weight)| {
            below += weight;
            2 * u128::from(below) > u128::from(all)
        });
        let median = &at_median.expect("all weigh more than half of it").0;
        let above = sorted.partition_point(|(key, _)| key <= median).min(sorted.len() - 1);
        // A popular key right at the median belongs to whichever side then weighs less.
        let cut = [median, &sorted[above].0]
            .map(|key| cut_at(&sorted, settle(key.clone())))
            .into_iter()
            .min_by(|left, right| left.busier_share().total_cmp(&right.busier_share()))
            .expect("two candidates");
        if cut.busier_share() > most_lopsided { Median::Lopsided } else { Median::Cut(cut) }
    }

    /// The group of neighbouring keys that weighs the most, by its first key and by its share of all; `group`
    /// names a key's. `None` of an empty sample.
    pub(super) fn heaviest<G: PartialEq>(&self, group: impl Fn(&K) -> G) -> Option<(K, f64)> {
        let sorted = self.sorted();
        let all: u64 = sorted.iter().map(|(_, weight)| weight).sum();
        let weigh = |run: &[(K, u64)]| run.iter().map(|(_, weight)| weight).sum::<u64>();
        sorted
            .chunk_by(|(one, _), (next, _)| group(one) == group(next))
            .max_by_key(|run| weigh(run))
            .map(|run| (run[0].0.clone(), weigh(run) as f64 / all as f64))
    }

    /// Whether newer keys lie beyond nearly all older ones, on either side.
    fn is_front(&self) -> bool {
        let in_order = self.noted[self.next..].iter().chain(&self.noted[..self.next]);
        let in_order: Vec<&K> = in_order.map(|(key, _)| key).collect();
        let (older, newer) = in_order.split_at(in_order.len() / 2);
        let mut older = older.to_vec();
        older.sort_unstable();
        let (low, high) = (older[older.len() / 10], older[older.len() * 9 / 10]);
        let share = |count: usize| count as f64 / newer.len() as f64;
        let above = share(newer.iter().filter(|key| **key > high).count());
        let below = share(newer.iter().filter(|key| **key < low).count());
        above.max(below) > FRONT_SHARE
    }

    fn sorted(&self) -> Vec<(K, u64)> {
        let mut sorted = self.noted.clone();
        sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        sorted
    }
}

fn cut_at<K: Ord>(sorted: &[(K, u64)], at: K) -> Cut<K> {
    let (below, above) = sorted.split_at(sorted.partition_point(|(key, _)| *key < at));
    let weigh = |side: &[(K, u64)]| side.iter().map(|(_, weight)| weight).sum();
    Cut { at, lower: weigh(below), upper: weigh(above) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Tokens = Tokens::units(1);

    fn median_of(keys: impl Iterator<Item = u32>) -> Median<u32> {
        let mut sample = Sample::default();
        keys.for_each(|key| sample.note(key, ONE));
        sample.median(|key| key, 0.8)
    }

    /// Numbers below `below` in no order.
    fn scattered(below: u32) -> impl Iterator<Item = u32> {
        (0..1000u32).map(move |n| n.wrapping_mul(2_654_435_761) % below)
    }

    #[test]
    fn scattered_traffic_is_cut_in_half() {
        let Median::Cut(cut) = median_of(scattered(1000)) else { panic!("no cut") };
        assert!((350..650).contains(&cut.at), "{cut:?}");
        assert!(cut.busier_share() < 0.55, "{cut:?}");
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
        assert!(cut.at > 300, "the popular key goes with the fewer ones below");
    }

    #[test]
    fn a_front_in_either_direction_is_not_cut() {
        assert_eq!(median_of(0..1000), Median::Front);
        assert_eq!(median_of((0..1000).rev()), Median::Front);
    }

    #[test]
    fn a_cut_never_separates_what_must_stay_together() {
        let mut sample = Sample::default();
        scattered(1 << 20).for_each(|key| sample.note(key, ONE));
        let Median::Cut(cut) = sample.median(|key| key & !0xff, 0.8) else { panic!("no cut") };
        assert_eq!(cut.at & 0xff, 0);
    }

    #[test]
    fn heavy_requests_count_for_more() {
        let mut sample = Sample::default();
        // Keys below 100 are a tenth of the requests, and weigh 27 times as much: three quarters of all.
        let heavy = |key: u32| if key < 100 { 27 } else { 1 };
        scattered(1000).for_each(|key| sample.note(key, Tokens::units(heavy(key))));
        let Median::Cut(cut) = sample.median(|key| key, 0.8) else { panic!("no cut") };
        assert!(cut.at < 100, "{cut:?}");
        assert!(cut.busier_share() < 0.6, "{cut:?}");
    }

    #[test]
    fn what_is_divided_adds_up() {
        let cut = Cut { at: 5, lower: 1, upper: 2 };
        assert_eq!(cut.divide(100), (33, 67));
        assert_eq!(cut.divide(u64::MAX), (u64::MAX / 3, u64::MAX - u64::MAX / 3));
        assert_eq!(Cut { at: 5, lower: 0, upper: 0 }.divide(7), (0, 7));
    }
}
