//! The verdict on a partition that is too hot, with its vetoes. Not whether it is: see `heat`.

use super::{Cut, Median, Sample, SplitRules};

/// What to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<K> {
    /// Cut it in two.
    Cut(Cut<K>),
    /// Cut at both of these, or at the one that is inside it: what lies between is one item collection, which then
    /// stands alone.
    Isolate {
        /// Where the collection begins, if anything is before it.
        from: Option<K>,
        /// First key behind it, if anything is there.
        to: Option<K>,
        /// Its share of the traffic.
        share: f64,
    },
    /// Leave it.
    Stay(Veto),
}

/// Why a hot partition is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Veto {
    /// Too few keys were seen.
    Unknown,
    /// One key, or keys that must stay together, have nearly all of the traffic, and there is nothing beside them
    /// to be cut off.
    SingleHotKey,
    /// The traffic moves through the keys in their order.
    Front,
}

/// Neighbours with less than this share of the traffic gain nothing from being cut off.
const LEAST_BESIDE: f64 = 0.02;

/// Decides on a partition of the keys from `start` on, up to `end`.
///
/// `settle` turns a key into one that a partition may begin with; `collection` gives an item collection's first key
/// and the first behind it, by a key of it.
#[must_use]
pub fn decide<K: Ord + Clone>(
    sample: &Sample<K>,
    (start, end): (&K, Option<&K>),
    settle: impl Fn(K) -> K,
    collection: impl Fn(&K) -> (K, Option<K>),
    rules: &SplitRules,
) -> Decision<K> {
    let inside = |key: &K| key > start && end.is_none_or(|end| key < end);
    match sample.median(settle, rules.most_lopsided) {
        Median::Unknown => return Decision::Stay(Veto::Unknown),
        Median::Front => return Decision::Stay(Veto::Front),
        Median::Cut(cut) if inside(&cut.at) => return Decision::Cut(cut),
        Median::Cut(_) | Median::Lopsided => {}
    }
    let heaviest = sample.heaviest(|key| collection(key).0);
    let helps = |share: f64| share > rules.isolated_share && 1.0 - share >= LEAST_BESIDE;
    let Some((key, share)) = heaviest.filter(|(_, share)| helps(*share)) else {
        return Decision::Stay(Veto::SingleHotKey);
    };
    let (from, to) = collection(&key);
    let (from, to) = (Some(from).filter(|key| inside(key)), to.filter(|key| inside(key)));
    if from.is_none() && to.is_none() {
        return Decision::Stay(Veto::SingleHotKey);
    }
    Decision::Isolate { from, to, share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Tokens;

    /// Keys are 100 times their collection's number and something; collections stay together.
    fn decided(start: u32, end: Option<u32>, keys: impl Iterator<Item = u32>) -> Decision<u32> {
        let mut sample = Sample::default();
        keys.for_each(|key| sample.note(key, Tokens::units(1)));
        let settle = |key: u32| key / 100 * 100;
        let collection = |key: &u32| (key / 100 * 100, Some((key / 100 + 1) * 100));
        decide(&sample, (&start, end.as_ref()), settle, collection, &SplitRules::default())
    }

    fn scattered(below: u32) -> impl Iterator<Item = u32> {
        (0..1000u32).map(move |n| n.wrapping_mul(2_654_435_761) % below)
    }

    /// Nine of ten requests go to keys of one collection.
    fn hot(collection: u32) -> impl Iterator<Item = u32> {
        let scattered = scattered(10_000).enumerate();
        scattered.map(move |(n, key)| if n % 10 == 0 { key } else { collection * 100 + key % 100 })
    }

    #[test]
    fn scattered_traffic_is_cut() {
        let Decision::Cut(cut) = decided(0, None, scattered(10_000)) else { panic!("no cut") };
        assert!((3500..6500).contains(&cut.at), "{cut:?}");
    }

    #[test]
    fn a_hot_collection_is_isolated_once_and_then_left_alone() {
        let found = decided(0, None, hot(42));
        let Decision::Isolate { from, to, share } = found else { panic!("{found:?}") };
        assert_eq!((from, to), (Some(4200), Some(4300)));
        assert!((0.85..0.95).contains(&share), "{share}");
        let rest = decided(0, Some(4300), hot(42));
        assert!(matches!(rest, Decision::Isolate { from: Some(4200), to: None, .. }), "{rest:?}");
        let alone = hot(42).filter(|key| key / 100 == 42);
        assert_eq!(decided(4200, Some(4300), alone), Decision::Stay(Veto::SingleHotKey));
    }

    #[test]
    fn a_hot_key_without_neighbours_to_speak_of_stays_where_it_is() {
        let hot = scattered(10_000).enumerate();
        let hot = hot.map(|(n, key)| if n % 100 == 0 { key } else { 4200 });
        assert_eq!(decided(0, None, hot), Decision::Stay(Veto::SingleHotKey));
    }

    #[test]
    fn a_front_and_what_is_unknown_stay() {
        assert_eq!(decided(0, None, 0..1000), Decision::Stay(Veto::Front));
        assert_eq!(decided(0, None, 0..10), Decision::Stay(Veto::Unknown));
    }

    #[test]
    fn one_hot_key_does_not_cut_endlessly() {
        let (mut start, mut end) = (0, None);
        let mut decisions = Vec::new();
        for _ in 0..10 {
            let keys = hot(42).filter(|key| *key >= start && end.is_none_or(|end| *key < end));
            let decision = decided(start, end, keys);
            if let Decision::Isolate { from, to, .. } = decision {
                (start, end) = (from.unwrap_or(start), to.or(end));
            }
            decisions.push(decision);
        }
        assert!(matches!(decisions[0], Decision::Isolate { .. }), "{decisions:?}");
        let rest = &decisions[1..];
        let stays = rest.iter().all(|one| *one == Decision::Stay(Veto::SingleHotKey));
        assert!(stays, "{decisions:?}");
        assert_eq!((start, end), (4200, Some(4300)));
    }
}
