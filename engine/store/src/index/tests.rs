//! Tests: the tree against `BTreeMap`, with keys of every family, leaves that come and go, and its memory
//! per item.
//! Not the codecs' own tests: those stand below the codecs.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::{Bound, ControlFlow};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Direction, Fetched, KEY_LEN_MAX, Leaf, Location, Page, Sweep, Tree, TreeBuilder};

type Key = Vec<u8>;
type Model = BTreeMap<Key, Location>;

/// One step of a script. Keys are drawn from small families so that steps meet.
#[derive(Clone, Debug)]
enum Op {
    Insert(Key, Location),
    Remove(Key),
    /// Inserts many neighbours, so that leaves and chunks split.
    Fill(Key, u16),
    /// Removes all from a key on, up to so many, so that they merge.
    Drain(Key, u16),
    Relocate(Key, Location),
    Get(Key),
    Visit(Bound<Key>, Bound<Key>, bool, usize),
    SplitOff(Key),
    SplitAtMiddle,
    Snapshot,
    /// Lets the clock come by so many slots, and writes what is dirty.
    Sweep(u16),
}

/// YCSB's key for the record `number`: "user" and the decimal of a 64-bit FNV hash.
fn ycsb_key(number: u64) -> Key {
    let hash = number.to_le_bytes().iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("user{}", (hash as i64).unsigned_abs()).into_bytes()
}

fn location() -> impl Strategy<Value = Location> {
    (any::<u16>(), 0u32..1 << 22, 0u32..2 << 20).prop_map(|(s, o, l)| Location::new(s, o * 16, l))
}

fn ycsb() -> impl Strategy<Value = Key> {
    (0u64..3000).prop_map(ycsb_key)
}

fn digits() -> impl Strategy<Value = Key> {
    prop_oneof!["[0-2]{1,6}", "user[0-9]{0,3}", "user[0-9/:a]{0,3}", "7{1,80}"]
        .prop_map(String::into_bytes)
}

fn binary() -> impl Strategy<Value = Key> {
    prop_oneof![vec(0u8..3, 1..6), vec(any::<u8>(), 1..4), vec(Just(0xff), 1..30)]
}

fn long() -> impl Strategy<Value = Key> {
    (0usize..40, 0u8..4, 0usize..40).prop_map(|(at, byte, cut)| {
        let mut key = vec![b'x'; KEY_LEN_MAX - cut * 100];
        let at = at * key.len() / 40;
        key[at] = byte;
        key
    })
}

fn mixed() -> impl Strategy<Value = Key> {
    prop_oneof![ycsb(), digits(), binary(), long()]
}

fn bound(key: impl Strategy<Value = Key>) -> impl Strategy<Value = Bound<Key>> {
    (key, 0..5).prop_map(|(key, kind)| match kind {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(key),
        _ => Bound::Excluded(key),
    })
}

fn op(key: impl Strategy<Value = Key> + 'static) -> impl Strategy<Value = Op> {
    let key = key.boxed();
    let k = || key.clone();
    prop_oneof![
        12 => (k(), location()).prop_map(|(key, at)| Op::Insert(key, at)),
        6 => k().prop_map(Op::Remove),
        2 => (k(), 0u16..200).prop_map(|(key, count)| Op::Fill(key, count)),
        2 => (k(), 0u16..300).prop_map(|(key, count)| Op::Drain(key, count)),
        2 => (k(), location()).prop_map(|(key, at)| Op::Relocate(key, at)),
        3 => k().prop_map(Op::Get),
        4 => (bound(k()), bound(k()), any::<bool>(), 0usize..200)
            .prop_map(|(start, end, forward, limit)| Op::Visit(start, end, forward, limit)),
        1 => k().prop_map(Op::SplitOff),
        1 => Just(Op::SplitAtMiddle),
        1 => Just(Op::Snapshot),
        4 => (0u16..400).prop_map(Op::Sweep),
    ]
}

fn script(key: impl Strategy<Value = Key> + 'static) -> impl Strategy<Value = Vec<Op>> {
    vec(op(key), 1..200)
}

/// What pages hold: never changed, as on the disk.
#[derive(Default)]
struct Pages(Vec<Vec<u8>>);

impl Pages {
    fn write(&mut self, leaf: &Leaf) -> Page {
        let number = self.0.len() as u32;
        self.0.push(leaf.as_page().to_vec());
        let at = Location::new(0, number * Location::UNIT, leaf.as_page().len() as u32);
        Page::new(at, NonZeroU32::MIN)
    }

    fn read(&self, page: Page) -> Leaf {
        let number = page.location().offset_bytes() / Location::UNIT;
        Leaf::from_page(&self.0[number as usize]).expect("as it was written")
    }
}

/// A tree, its model, and the trees that were split off or captured, with the models of their time.
#[derive(Default)]
struct Pair {
    tree: Tree,
    model: Model,
    others: Vec<(Tree, Model)>,
    pages: Pages,
    /// Where the clock goes on.
    hand: Key,
    /// Written, but the tree was not told yet.
    written: Vec<(Leaf, Page)>,
}

impl Pair {
    fn run(script: Vec<Op>) {
        let mut pair = Self::default();
        for op in script {
            pair.step(op);
            pair.tree.check();
        }
        pair.assert_same(&pair.tree, &pair.model);
        for (tree, model) in &pair.others {
            tree.check();
            pair.assert_same(tree, model);
        }
    }

    /// Installs what `key` needs, as whoever changes a tree must.
    fn bring(&mut self, key: &[u8]) {
        if let Some(page) = self.tree.page_of(key) {
            self.tree.install(page, &self.pages.read(page));
            assert_eq!(self.tree.page_of(key), None, "{page:?} was installed");
        }
    }

    fn insert(&mut self, key: Key, at: Location) {
        self.bring(&key);
        assert_eq!(self.tree.insert(&key, at), self.model.insert(key, at));
    }

    fn remove(&mut self, key: &[u8]) {
        self.bring(key);
        assert_eq!(self.tree.remove(key), self.model.remove(key));
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Insert(key, at) => self.insert(key, at),
            Op::Remove(key) => self.remove(&key),
            Op::Fill(key, count) => {
                for number in shuffled(u64::from(count)) {
                    let mut key = key[..key.len().min(KEY_LEN_MAX - 5)].to_vec();
                    key.extend_from_slice(format!("{number:05}").as_bytes());
                    self.insert(key, Location::new(0, 16, number as u32));
                }
            }
            Op::Drain(key, count) => {
                let keys = self.model.range(key..).map(|(key, _)| key.clone());
                for key in keys.take(usize::from(count)).collect::<Vec<_>>() {
                    self.remove(&key);
                }
            }
            Op::Relocate(key, to) => self.relocate(&key, to),
            Op::Get(key) => {
                let found =
                    self.tree.get(&key).unwrap_or_else(|page| self.pages.read(page).get(&key));
                assert_eq!(found, self.model.get(&key).copied());
            }
            Op::Visit(start, end, forward, limit) => self.visit(&start, &end, forward, limit),
            Op::SplitOff(key) => self.split_off(&key),
            Op::SplitAtMiddle => self.split_at_middle(),
            Op::Snapshot => self.others.push((self.tree.clone(), self.model.clone())),
            Op::Sweep(slots) => self.sweep(usize::from(slots)),
        }
    }

    fn relocate(&mut self, key: &[u8], to: Location) {
        self.bring(key);
        match self.model.get_mut(key) {
            None => assert!(!self.tree.relocate(key, to, to), "{key:?} is not there"),
            Some(at) => {
                let elsewhere = Location::new(!at.segment(), 0, 0);
                assert!(!self.tree.relocate(key, elsewhere, to), "{key:?} is not {elsewhere:?}");
                assert!(self.tree.relocate(key, *at, to), "{key:?} is {at:?}");
                *at = to;
            }
        }
    }

    fn sweep(&mut self, slots: usize) {
        let mut sweep = Sweep { slots_left: slots, wanted_bytes: u64::MAX, ..Sweep::default() };
        // Steps came in between: some of these leaves are others now.
        for (leaf, page) in std::mem::take(&mut self.written) {
            self.tree.settle(&leaf, None, page);
        }
        let before = self.tree.memory_bytes();
        self.hand = self.tree.sweep(&self.hand, &mut sweep).unwrap_or_default();
        for leaf in &sweep.dirty {
            let page = self.pages.write(leaf);
            self.written.push((leaf.clone(), page));
        }
        let settles_now = slots.is_multiple_of(2);
        if settles_now {
            for (leaf, page) in std::mem::take(&mut self.written) {
                self.tree.settle(&leaf, None, page);
            }
        }
        let dirty_went = settles_now && !sweep.dirty.is_empty();
        let given_up = sweep.chilled_bytes > 0 || dirty_went;
        assert!(!given_up || self.tree.memory_bytes() < before, "nothing left memory");
    }

    fn visit(&self, start: &Bound<Key>, end: &Bound<Key>, forward: bool, limit: usize) {
        let within = |key: &Key| {
            let above = match start {
                Bound::Unbounded => true,
                Bound::Included(start) => key >= start,
                Bound::Excluded(start) => key > start,
            };
            let below = match end {
                Bound::Unbounded => true,
                Bound::Included(end) => key <= end,
                Bound::Excluded(end) => key < end,
            };
            above && below
        };
        let items =
            self.model.iter().filter(|(key, _)| within(key)).map(|(k, at)| (k.clone(), *at));
        let expected: Vec<_> =
            if forward { items.take(limit).collect() } else { items.rev().take(limit).collect() };

        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let (start, end) = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
        assert_eq!(self.collect(&self.tree, start, end, direction, limit), expected);
    }

    /// Goes on with the larger part.
    fn split_off(&mut self, at: &[u8]) {
        self.bring(at);
        let mut upper = (self.tree.split_off(at), self.model.split_off(at));
        self.tree.check();
        if upper.1.len() > self.model.len() {
            std::mem::swap(&mut self.tree, &mut upper.0);
            std::mem::swap(&mut self.model, &mut upper.1);
        }
        self.others.push(upper);
    }

    fn split_at_middle(&mut self) {
        let total = self.tree.record_bytes();
        let Some(middle) = self.tree.middle_key() else {
            let is_one_cold_leaf = self.tree.cold_bytes() > 0 && self.model.len() <= 64;
            assert!(self.tree.len() < 2 || is_one_cold_leaf, "{} items", self.tree.len());
            return;
        };
        // Where the middle's leaf is cold, the split is only as good as the leaves are small.
        let is_exact = self.tree.cold_bytes() == 0;
        let largest = self.model.values().map(|at| at.len_bytes()).max().unwrap_or(0);
        let least = self.model.keys().next().expect("a middle of some").clone();
        assert!(
            middle > least && self.model.range(middle.clone()..).next().is_some(),
            "{middle:?}"
        );
        self.split_off(&middle);
        let (other, _) = self.others.last().expect("just split off");
        let apart = self.tree.record_bytes().abs_diff(other.record_bytes());
        assert!(
            !is_exact || apart <= 2 * u64::from(largest),
            "{apart} B apart of {total}, {largest} at most"
        );
    }

    /// Walks a tree, and reads what it lacks on the way.
    fn collect(
        &self,
        tree: &Tree,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Vec<(Key, Location)> {
        let mut items = Vec::new();
        if limit == 0 {
            return items;
        }
        let (mut start, mut end) = (start.map(<[u8]>::to_vec), end.map(<[u8]>::to_vec));
        let mut fetched = Fetched::ahead(limit % 5);
        loop {
            let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
            let walked = tree.visit(bounds.0, bounds.1, direction, &fetched, &mut |key, at| {
                items.push((key.to_vec(), at));
                if items.len() == limit {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            let Err(gap) = walked else { return items };
            assert!(!gap.pages.is_empty() && gap.pages.len() <= (limit % 5).max(1));
            // Backward, a walk that goes on begins in the leaf that it passed last.
            if direction == Direction::Forward {
                fetched.clear();
            }
            for &page in &gap.pages {
                fetched.add(page, self.pages.read(page));
            }
            match direction {
                Direction::Forward => start = gap.resume(start),
                Direction::Backward => end = gap.resume(end),
            }
        }
    }

    fn assert_same(&self, tree: &Tree, model: &Model) {
        let (start, end) = (Bound::Unbounded, Bound::Unbounded);
        let all = self.collect(tree, start, end, Direction::Forward, usize::MAX);
        let expected: Vec<_> = model.iter().map(|(key, &at)| (key.clone(), at)).collect();
        assert_eq!(all, expected);
        assert_eq!(tree.len(), model.len() as u64);
        assert_eq!(tree.is_empty(), model.is_empty());
        let record_bytes = model.values().map(|at| u64::from(at.len_bytes())).sum::<u64>();
        assert_eq!(tree.record_bytes(), record_bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn agrees_with_btreemap_on_ycsb_keys(script in script(ycsb())) {
        Pair::run(script);
    }

    #[test]
    fn agrees_with_btreemap_on_digits(script in script(digits())) {
        Pair::run(script);
    }

    #[test]
    fn agrees_with_btreemap_on_binary_keys(script in script(binary())) {
        Pair::run(script);
    }

    #[test]
    fn agrees_with_btreemap_on_mixed_keys(script in script(mixed())) {
        Pair::run(script);
    }

    #[test]
    fn builder_equals_inserts(keys in vec(mixed(), 0..500)) {
        let model: Model = (0u16..).zip(keys).map(|(n, k)| (k, Location::new(n, 16, 99))).collect();
        let mut builder = TreeBuilder::new();
        model.iter().for_each(|(key, &at)| builder.push(key, at));
        let tree = builder.finish();
        tree.check();
        Pair::default().assert_same(&tree, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn agrees_with_btreemap_on_long_keys(script in vec(op(long()), 1..60)) {
        Pair::run(script);
    }
}

/// Steps that are large enough to split, merge and remove whole chunks.
fn large_op() -> impl Strategy<Value = Op> {
    let key = prop_oneof![ycsb(), digits()].boxed();
    let k = || key.clone();
    prop_oneof![
        4 => (k(), 0u16..20_000).prop_map(|(key, count)| Op::Fill(key, count)),
        4 => (k(), 0u16..20_000).prop_map(|(key, count)| Op::Drain(key, count)),
        2 => (bound(k()), bound(k()), any::<bool>(), Just(usize::MAX))
            .prop_map(|(start, end, forward, limit)| Op::Visit(start, end, forward, limit)),
        1 => k().prop_map(Op::SplitOff),
        1 => Just(Op::SplitAtMiddle),
        1 => Just(Op::Snapshot),
        4 => (0u16..400).prop_map(Op::Sweep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn agrees_with_btreemap_across_chunks(script in vec(large_op(), 1..24)) {
        Pair::run(script);
    }
}

/// Numbers below `count`, each once, in an order that looks random.
fn shuffled(count: u64) -> impl Iterator<Item = u64> {
    const PRIME: u64 = 1_000_003;
    (0..count).map(move |i| i * PRIME % count)
}

fn place(number: u64) -> Location {
    Location::new(number as u16, (number as u32 & 0xffff) * 16, 1100)
}

#[test]
fn ycsb_keys_take_at_most_20_bytes_an_item() {
    const ITEMS: u64 = 300_000;
    let mut tree = Tree::new();
    shuffled(ITEMS).for_each(|n| {
        tree.insert(&ycsb_key(n), place(n));
    });
    assert_eq!(tree.len(), ITEMS);
    let per_item = tree.memory_bytes() as f64 / ITEMS as f64;
    println!("{ITEMS} YCSB keys inserted at random: {per_item:.2} B an item");
    assert!(per_item <= 20.0, "{per_item:.2} B an item");

    let mut builder = TreeBuilder::new();
    tree.visit_warm(&mut |key, at| {
        builder.push(key, at);
        ControlFlow::Continue(())
    });
    let dense = builder.finish();
    let per_item = dense.memory_bytes() as f64 / ITEMS as f64;
    println!("{ITEMS} YCSB keys loaded in order: {per_item:.2} B an item");
    assert!(dense.memory_bytes() < tree.memory_bytes());
}

#[test]
fn ascending_keys_leave_full_leaves() {
    const ITEMS: u64 = 100_000;
    let mut tree = Tree::new();
    (0..ITEMS).for_each(|n| {
        tree.insert(format!("{n:012}").as_bytes(), place(n));
    });
    tree.check();
    let per_item = tree.memory_bytes() as f64 / ITEMS as f64;
    println!("{ITEMS} ascending keys: {per_item:.2} B an item");
    assert!(per_item <= 10.0, "{per_item:.2} B an item");
}

#[test]
fn memory_is_given_back_after_deletes() {
    const ITEMS: u64 = 200_000;
    let mut tree = Tree::new();
    shuffled(ITEMS).for_each(|n| {
        tree.insert(&ycsb_key(n), place(n));
    });
    for number in shuffled(ITEMS).skip(ITEMS as usize / 10) {
        assert_eq!(tree.remove(&ycsb_key(number)), Some(place(number)));
    }
    tree.check();
    let per_item = tree.memory_bytes() as f64 / tree.len() as f64;
    println!("a tenth of {ITEMS} YCSB keys left: {per_item:.2} B an item");
    assert!(per_item <= 26.0, "{per_item:.2} B an item");

    shuffled(ITEMS).for_each(|n| {
        tree.remove(&ycsb_key(n));
    });
    assert!(tree.is_empty());
    assert_eq!((tree.len(), tree.record_bytes()), (0, 0));
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut tree = Tree::new();
    shuffled(50_000).for_each(|n| {
        tree.insert(&ycsb_key(n), place(n));
    });
    let snapshot = tree.clone();
    shuffled(50_000).for_each(|n| {
        tree.remove(&ycsb_key(n));
    });
    (50_000..60_000).for_each(|n| {
        tree.insert(&ycsb_key(n), place(n));
    });
    snapshot.check();
    assert_eq!(snapshot.len(), 50_000);
    assert!((0..50_000).all(|n| snapshot.get(&ycsb_key(n)) == Ok(Some(place(n)))));
    assert!((50_000..60_000).all(|n| snapshot.get(&ycsb_key(n)) == Ok(None)));
}

#[test]
#[should_panic(expected = "pushed")]
fn the_builder_refuses_keys_out_of_order() {
    let mut builder = TreeBuilder::new();
    builder.push(b"b", place(0));
    builder.push(b"b", place(1));
}

#[test]
fn a_cold_tree_takes_about_a_byte_an_item() {
    const ITEMS: u64 = 300_000;
    let mut pair = Pair::default();
    shuffled(ITEMS).for_each(|n| {
        pair.tree.insert(&ycsb_key(n), place(n));
    });
    // The first time round the clock only takes note.
    pair.sweep(usize::MAX - 1);
    pair.sweep(usize::MAX - 1);
    let (len, memory) = (pair.tree.len(), pair.tree.memory_bytes());
    let per_item = memory as f64 / ITEMS as f64;
    println!("{ITEMS} YCSB keys, all cold: {per_item:.2} B an item");
    assert!(len == ITEMS && per_item <= 1.6, "{per_item:.2} B an item");
}
