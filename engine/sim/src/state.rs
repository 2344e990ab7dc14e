//! The reference model: what each key holds, and what every call would answer and change there. Not
//! the engine's way of doing it: a table of the newest writes is all there is.

use std::collections::BTreeSet;

use crate::keys::{Key, WriteId};
use crate::model::{Model, mix};

/// The newest write of each key, `None` where there is no value; and which writes are told of in the own
/// ranges of the shards, by what was appended with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    newest: Vec<Option<WriteId>>,
    appended: BTreeSet<WriteId>,
}

/// A part of the state that changes as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// What a key holds.
    Key(Key),
    /// Whether a write is told of.
    Appended(WriteId),
}

/// What must hold of a key for a batch to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It has a value.
    Exists,
    /// It has none.
    Absent,
    /// It holds the value of this write.
    Holds(WriteId),
}

/// One change of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Key,
    /// The write that puts its value; `None` deletes.
    pub write: Option<WriteId>,
    /// What must hold beforehand.
    pub when: Option<When>,
}

/// What a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A batch: all of it, or nothing if a condition does not hold.
    Write(Vec<Change>),
    /// A read-modify-write that puts, or keeps what is there if nothing is.
    Modify(Key, WriteId),
    /// A read-modify-write that puts a key, puts or deletes another, and appends that it did. The keys differ.
    Several {
        /// The key that is asked for.
        key: Key,
        /// What it puts there, and tells of.
        write: WriteId,
        /// The other key.
        other: Key,
        /// What it puts there; `None` deletes.
        other_write: Option<WriteId>,
        /// Whether it tells of it.
        appends: bool,
        /// It does nothing if the key holds nothing.
        only_if_there: bool,
    },
    /// Whether a write is told of.
    Appended(WriteId),
    /// Deletes what tells of these writes.
    Trim(Vec<WriteId>),
    /// Everything there is, at one moment.
    Everything,
    /// The value of a key.
    Get(Key),
    /// The values of all keys of a range at one moment, both ends included.
    Range(Key, Key),
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The batch was applied.
    Applied,
    /// The condition of the batch's n-th change did not hold; the key held this.
    Refused(usize, Option<WriteId>),
    /// A key's value, or what a read-modify-write found.
    Value(Option<WriteId>),
    /// The keys of the range that have values.
    Items(Vec<(Key, WriteId)>),
    /// Everything there is.
    Everything(Box<State>),
}

impl State {
    /// No key has a value.
    pub fn new(keys: usize) -> Self {
        Self { newest: vec![None; keys], appended: BTreeSet::new() }
    }

    /// What a key holds.
    pub fn get(&self, key: Key) -> Option<WriteId> {
        self.newest[usize::from(key)]
    }

    /// Makes a key hold something else; returns what it held.
    pub fn set(&mut self, key: Key, write: Option<WriteId>) -> Option<WriteId> {
        std::mem::replace(&mut self.newest[usize::from(key)], write)
    }

    /// Changes one part; returns what it was.
    pub fn set_cell(&mut self, cell: Cell, write: Option<WriteId>) -> Option<WriteId> {
        match cell {
            Cell::Key(key) => self.set(key, write),
            Cell::Appended(told) => {
                let was_there = match write {
                    Some(_) => !self.appended.insert(told),
                    None => self.appended.remove(&told),
                };
                was_there.then_some(told)
            }
        }
    }

    /// A write is told of.
    pub fn append(&mut self, write: WriteId) {
        self.appended.insert(write);
    }

    /// The writes that are told of.
    pub fn appended(&self) -> &BTreeSet<WriteId> {
        &self.appended
    }

    /// The keys of a range that have values, both ends included.
    pub fn items(&self, from: Key, to: Key) -> Vec<(Key, WriteId)> {
        (from..=to).filter_map(|key| Some((key, self.get(key)?))).collect()
    }

    /// All keys that have values.
    pub fn all(&self) -> Vec<(Key, WriteId)> {
        self.items(0, self.last_key())
    }

    fn last_key(&self) -> Key {
        self.newest.len() as Key - 1
    }

    /// What the call changes if it is told `answer`, whatever there is.
    pub fn changes_of(call: &Call, answer: &Answer) -> Vec<(Cell, Option<WriteId>)> {
        match (call, answer) {
            (Call::Write(changes), Answer::Applied) => {
                changes.iter().map(|change| (Cell::Key(change.key), change.write)).collect()
            }
            (Call::Modify(key, write), Answer::Value(Some(_))) => {
                vec![(Cell::Key(*key), Some(*write))]
            }
            (Call::Several { only_if_there: true, .. }, Answer::Value(None)) => Vec::new(),
            (Call::Several { key, write, other, other_write, appends, .. }, Answer::Value(_)) => {
                let both = [(Cell::Key(*key), Some(*write)), (Cell::Key(*other), *other_write)];
                let told = appends.then_some((Cell::Appended(*write), Some(*write)));
                both.into_iter().chain(told).collect()
            }
            (Call::Trim(writes), Answer::Applied) => {
                writes.iter().map(|&write| (Cell::Appended(write), None)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn holds(&self, key: Key, when: When) -> bool {
        match when {
            When::Exists => self.get(key).is_some(),
            When::Absent => self.get(key).is_none(),
            When::Holds(write) => self.get(key) == Some(write),
        }
    }
}

impl Model for State {
    type Call = Call;
    type Answer = Answer;
    type Change = (Cell, Option<WriteId>);

    fn answer(&self, call: &Call) -> Answer {
        match call {
            Call::Get(key) | Call::Modify(key, _) | Call::Several { key, .. } => {
                Answer::Value(self.get(*key))
            }
            Call::Appended(write) => Answer::Value(self.appended.get(write).copied()),
            Call::Trim(_) => Answer::Applied,
            Call::Everything => Answer::Everything(Box::new(self.clone())),
            Call::Range(from, to) => Answer::Items(self.items(*from, *to)),
            Call::Write(changes) => {
                let fails =
                    |change: &Change| !change.when.is_none_or(|when| self.holds(change.key, when));
                match changes.iter().position(fails) {
                    Some(position) => Answer::Refused(position, self.get(changes[position].key)),
                    None => Answer::Applied,
                }
            }
        }
    }

    fn changes(&self, call: &Call, answer: &Answer) -> Vec<Self::Change> {
        State::changes_of(call, answer)
    }

    fn apply(&mut self, &(cell, write): &Self::Change) -> Self::Change {
        (cell, self.set_cell(cell, write))
    }

    fn hash(&(cell, write): &Self::Change) -> u64 {
        let part = match cell {
            Cell::Key(key) => u64::from(key),
            // Beyond all keys; which write it is, `write` says.
            Cell::Appended(_) => 1 << 20,
        };
        write.map_or(0, |write| mix(part << 32 | u64::from(write)))
    }

    fn is(&self, found: &Self) -> bool {
        self == found
    }

    fn nothing() -> (Call, Answer) {
        (Call::Write(vec![]), Answer::Applied)
    }

    fn everything(self) -> (Call, Answer) {
        (Call::Everything, Answer::Everything(Box::new(self)))
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        let differing = self.all().into_iter().chain(found.all());
        let mut keys: Vec<Key> = differing.map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut lines = Vec::new();
        for key in keys.into_iter().filter(|&key| self.get(key) != found.get(key)) {
            let (held, holds) = (self.get(key), found.get(key));
            lines.push(format!(
                "key {key}: the model came to {held:?}, the engine ended with {holds:?}"
            ));
        }
        for write in self.appended().symmetric_difference(found.appended()) {
            let who = if found.appended().contains(write) { "engine" } else { "model" };
            lines.push(format!("only the {who} tells of write {write} at the end"));
        }
        lines
    }
}
