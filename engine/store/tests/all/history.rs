//! The book of what was submitted, answered and seen, over several lives, and the rules that it must
//! obey. Not a model of the store: it knows no order but the one that answers tell of.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use flywheel_store::{Condition, Version, Versioned, WriteOutcome};

/// What stands under one key, as far as answers told.
#[derive(Default)]
struct Key {
    /// Versions that were answered or seen; `None` for deletions.
    known: BTreeMap<Version, Option<Bytes>>,
    /// Submitted in this life and not answered yet.
    open: BTreeMap<u64, Option<Bytes>>,
    /// For each of those: the newest version known when it was submitted.
    open_since: BTreeMap<u64, Option<Version>>,
    /// Writes that took effect because a version was the newest: nothing came in between.
    exchanges: Vec<(Version, Version)>,
}

/// A counter, of this life.
#[derive(Default)]
struct Counter {
    base: u64,
    submitted: u64,
    answered: BTreeSet<u64>,
}

#[derive(Default)]
pub struct History {
    seed: u64,
    last_id: Cell<u64>,
    keys: RefCell<BTreeMap<Bytes, Key>>,
    /// Writes of this life that may have waited for others before they were appended.
    conditional: RefCell<BTreeSet<u64>>,
    counters: RefCell<BTreeMap<Bytes, Counter>>,
}

/// A write that waits for its answer.
pub struct Submitted {
    key: Bytes,
    id: u64,
}

/// What a read that begins now must at least see: the newest version known of a key.
#[derive(Clone, Copy)]
pub struct Asked(Option<Version>);

type Items = [(Bytes, Versioned)];

impl Key {
    fn newest(&self) -> Option<(Version, &Option<Bytes>)> {
        self.known.last_key_value().map(|(version, value)| (*version, value))
    }

    fn check_exchanges(&self, seed: u64) {
        for &(from, to) in &self.exchanges {
            let between = self.known.range(from + 1..to).next();
            assert!(between.is_none(), "{between:?} came between {from} and {to}: seed {seed}");
        }
    }

    fn deletion_open(&self) -> bool {
        self.open.values().any(Option::is_none)
    }
}

impl History {
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A value that nobody else writes.
    pub fn new_value(&self, key: &[u8], length: usize) -> Bytes {
        self.last_id.set(self.last_id.get() + 1);
        let mut value =
            format!("{}#{}#", String::from_utf8_lossy(key), self.last_id.get()).into_bytes();
        value.resize(length.max(value.len()), b'.');
        Bytes::from(value)
    }

    pub fn counter(count: u64, length: usize) -> Bytes {
        let mut value = format!("{count:020}").into_bytes();
        value.resize(length.max(value.len()), b'.');
        Bytes::from(value)
    }

    pub fn count_in(value: &[u8]) -> u64 {
        std::str::from_utf8(&value[..20])
            .ok()
            .and_then(|count| count.parse().ok())
            .expect("a count")
    }

    pub fn submit(&self, key: &Bytes, value: Option<Bytes>) -> Submitted {
        self.last_id.set(self.last_id.get() + 1);
        let id = self.last_id.get();
        let mut keys = self.keys.borrow_mut();
        let entry = keys.entry(key.clone()).or_default();
        entry.open.insert(id, value);
        entry.open_since.insert(id, entry.newest().map(|(version, _)| version));
        Submitted { key: key.clone(), id }
    }

    /// As [`History::submit`], for a write under a condition.
    pub fn submit_if(&self, key: &Bytes, value: Option<Bytes>) -> Submitted {
        let submitted = self.submit(key, value);
        self.conditional.borrow_mut().insert(submitted.id);
        submitted
    }

    /// The answer to a write. Its condition must have held, or not, given all other answers.
    pub fn answered(
        &self,
        submitted: Submitted,
        condition: Option<Condition>,
        outcome: &WriteOutcome,
    ) {
        let mut keys = self.keys.borrow_mut();
        let key = keys.get_mut(&submitted.key).expect("submitted before");
        let value = key.open.remove(&submitted.id).expect("answered once");
        key.open_since.remove(&submitted.id);
        match outcome {
            WriteOutcome::Applied { first_version: version } => {
                let twice = key.known.insert(*version, value.clone());
                let same = twice.is_none() || twice == Some(value);
                assert!(same, "{:?} has two writes of {version}: {}", submitted.key, self.place());
                if let Some(Condition::VersionIs(expected)) = condition {
                    key.exchanges.push((expected, *version));
                }
                let before = key.known.range(..version).next_back();
                self.check_held(&submitted.key, key, condition, before);
            }
            WriteOutcome::ConditionFailed { current: Some(current), .. } => {
                let expected = Condition::VersionIs(current.version);
                let held =
                    matches!(condition, Some(Condition::Exists)) || condition == Some(expected);
                assert!(!held, "{condition:?} held for {:?}: {}", current.version, self.place());
                self.see(key, &submitted.key, current);
            }
            WriteOutcome::ConditionFailed { current: None, .. } => {
                assert_ne!(condition, Some(Condition::Absent), "{}", self.place());
            }
        }
    }

    /// Deletions that are not answered, and answers yet to come, leave only these certain.
    fn check_held(
        &self,
        name: &Bytes,
        key: &Key,
        condition: Option<Condition>,
        before: Option<(&Version, &Option<Bytes>)>,
    ) {
        match condition {
            Some(Condition::VersionIs(version)) => {
                let newest = before.map(|(version, _)| *version);
                let held = newest == Some(version);
                assert!(held, "{name:?} was {version}, not {newest:?}: {}", self.place());
            }
            Some(Condition::Absent) if !key.deletion_open() => {
                let absent = before.is_none_or(|(_, value)| value.is_none());
                assert!(absent, "{name:?} was not absent at {before:?}: {}", self.place());
            }
            _ => {}
        }
    }

    pub fn count_submitted(&self, key: &Bytes) {
        self.counters.borrow_mut().entry(key.clone()).or_default().submitted += 1;
    }

    pub fn counted(&self, key: &Bytes, count: u64) {
        let mut counters = self.counters.borrow_mut();
        let counter = counters.get_mut(key).expect("submitted before");
        assert!(count > counter.base, "{key:?} went back to {count}: {}", self.place());
        assert!(counter.answered.insert(count), "{key:?} was {count} twice: {}", self.place());
    }

    pub fn ask(&self, key: &Bytes) -> Asked {
        let keys = self.keys.borrow();
        Asked(keys.get(key).and_then(Key::newest).map(|(version, _)| version))
    }

    pub fn ask_all(&self) -> BTreeMap<Bytes, Asked> {
        self.keys.borrow().keys().map(|key| (key.clone(), self.ask(key))).collect()
    }

    pub fn check_read(&self, name: &Bytes, asked: &Asked, found: Option<&Versioned>) {
        let mut keys = self.keys.borrow_mut();
        let key = keys.entry(name.clone()).or_default();
        if let Some(found) = found {
            let fresh = asked.0.is_none_or(|asked| asked <= found.version);
            let (asked, found_version) = (asked.0, found.version);
            assert!(fresh, "{name:?} went from {asked:?} to {found_version}: {}", self.place());
            return self.see(key, name, found);
        }
        let was_there = asked.0.is_some_and(|asked| key.known[&asked].is_some());
        let deleted_since =
            asked.0.is_some_and(|asked| key.known.range(asked..).any(|(_, value)| value.is_none()));
        let explained = !was_there || deleted_since || key.deletion_open();
        assert!(explained, "{name:?} is gone after {:?}: {}", asked.0, self.place());
    }

    /// What was seen is durable: from now on it counts like an answer.
    fn see(&self, key: &mut Key, name: &Bytes, found: &Versioned) {
        let Versioned { version, value } = found;
        match key.known.get(version) {
            Some(known) => {
                assert!(known.as_ref() == Some(value), "{name:?} at {version}: {}", self.place());
            }
            None => {
                let submitted = key.open.values().flatten().any(|open| open == value);
                assert!(submitted, "{name:?} at {version} has a stranger: {}", self.place());
                key.known.insert(*version, Some(value.clone()));
            }
        }
    }

    /// A page of one moment; `whole` if of all keys.
    pub fn check_page(&self, asked: &BTreeMap<Bytes, Asked>, items: &Items, whole: bool) {
        self.check_pairs(items, whole);
        assert!(items.is_sorted_by(|a, b| a.0 < b.0), "not in order: {}", self.place());
        let found: BTreeMap<&Bytes, &Versioned> =
            items.iter().map(|(key, one)| (key, one)).collect();
        for (key, asked) in asked {
            let seen = found.get(key).copied();
            if seen.is_some() || whole {
                self.check_read(key, asked, seen);
            }
        }
    }

    fn check_pairs(&self, items: &Items, whole: bool) {
        let pairs: Vec<_> = items.iter().filter(|(key, _)| key.starts_with(b"pair")).collect();
        if whole {
            assert!(pairs.len().is_multiple_of(2), "half a pair is there: {}", self.place());
        }
        for two in pairs.windows(2).filter(|two| two[0].0.ends_with(b"a")) {
            let same = two[0].1.value == two[1].1.value;
            assert!(same, "{:?} and its twin differ: {}", two[0].0, self.place());
        }
    }

    /// The state after a crash or an orderly end: what was answered or seen is there, or a newer
    /// write that was submitted. From here on it is what is known; what is not there, never will be.
    pub fn begin_life(&self, items: &Items) {
        let asked = self.ask_all();
        self.check_page(&asked, items, true);
        for (name, counter) in &mut *self.counters.borrow_mut() {
            let found = items.iter().find(|(key, _)| key == name);
            let count = found.map_or(0, |(_, found)| Self::count_in(&found.value));
            let answered = counter.answered.len() as u64;
            let expected = counter.base + answered..=counter.base + counter.submitted;
            assert!(
                expected.contains(&count),
                "{name:?} is {count}, not {expected:?}: {}",
                self.place()
            );
            *counter = Counter { base: count, ..Counter::default() };
        }
        self.check_prefix(items);
        self.conditional.borrow_mut().clear();
        for (name, key) in &mut *self.keys.borrow_mut() {
            key.check_exchanges(self.seed);
            key.open.clear();
            key.open_since.clear();
            let found = items.iter().any(|(key, _)| key == name);
            if let (false, Some((&version, _))) = (found, key.known.last_key_value()) {
                key.known.insert(version, None);
            }
        }
    }

    /// The log's hole rule: if a write without an answer survived a crash, so did all before it.
    fn check_prefix(&self, items: &Items) {
        let (keys, conditional) = (self.keys.borrow(), self.conditional.borrow());
        let survived = |name: &Bytes, value: &Option<Bytes>| {
            let found = items.iter().find(|(key, _)| key == name).map(|(_, found)| &found.value);
            value.is_some() && found == value.as_ref()
        };
        let open = || {
            let open = keys.iter().flat_map(|(name, key)| {
                key.open.iter().map(move |(id, value)| (id, name, key, value))
            });
            open.filter(|(id, ..)| !conditional.contains(id))
        };
        let last =
            open().filter(|(_, name, _, value)| survived(name, value)).map(|(id, ..)| id).max();
        for (id, name, key, _) in open().filter(|(id, ..)| last.is_some_and(|last| *id < last)) {
            // Another open write of the key may have come over it, or one that was answered since;
            // an older known one must not.
            let others = key.open.values().any(|other| survived(name, other));
            let newest = key.newest().map(|(version, _)| version);
            let answered_since = newest > key.open_since[id];
            let explained = others || answered_since || key.deletion_open();
            assert!(explained, "{name:?}: {id} is lost before {last:?}: {}", self.place());
        }
    }

    /// Nobody writes: the state is exactly what the answers say.
    pub fn check_quiet(&self, items: &Items) {
        self.check_page(&self.ask_all(), items, true);
        for (name, key) in &*self.keys.borrow() {
            key.check_exchanges(self.seed);
            assert!(key.open.is_empty(), "{name:?} waits for an answer: {}", self.place());
            let known = key.newest().and_then(|(_, value)| value.as_ref());
            let found = items.iter().find(|(key, _)| key == name).map(|(_, found)| &found.value);
            assert!(known == found, "{name:?} is not what was answered: {}", self.place());
        }
        for (name, counter) in &*self.counters.borrow() {
            let answered = counter.answered.len() as u64;
            assert_eq!(answered, counter.submitted, "{name:?}: {}", self.place());
            let gaps = counter.answered.last().is_some_and(|last| *last != counter.base + answered);
            assert!(!gaps, "{name:?} counted past what was submitted: {}", self.place());
        }
    }

    /// Some writes failed: what is there must still be known or submitted.
    pub fn check_seen(&self, items: &Items) {
        self.check_page(&self.ask_all(), items, true);
    }

    fn place(&self) -> String {
        format!("seed {}", self.seed)
    }
}
