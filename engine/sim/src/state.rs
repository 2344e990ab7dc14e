//! The reference model: what each key holds, and what every call would answer and change there. Not
//! the engine's way of doing it: a table of the newest writes is all there is.

use crate::keys::{Key, WriteId};

/// The newest write of each key; `None` where there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    newest: Vec<Option<WriteId>>,
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
}

impl State {
    /// No key has a value.
    pub fn new(keys: usize) -> Self {
        Self { newest: vec![None; keys] }
    }

    /// What a key holds.
    pub fn get(&self, key: Key) -> Option<WriteId> {
        self.newest[usize::from(key)]
    }

    /// Makes a key hold something else; returns what it held.
    pub fn set(&mut self, key: Key, write: Option<WriteId>) -> Option<WriteId> {
        std::mem::replace(&mut self.newest[usize::from(key)], write)
    }

    /// The keys of a range that have values, both ends included.
    pub fn items(&self, from: Key, to: Key) -> Vec<(Key, WriteId)> {
        (from..=to).filter_map(|key| Some((key, self.get(key)?))).collect()
    }

    /// All keys that have values.
    pub fn all(&self) -> Vec<(Key, WriteId)> {
        self.items(0, self.last_key())
    }

    /// The call that reads all keys at one moment.
    pub fn range(&self) -> Call {
        Call::Range(0, self.last_key())
    }

    fn last_key(&self) -> Key {
        self.newest.len() as Key - 1
    }

    /// What the call would be told now.
    pub fn answer(&self, call: &Call) -> Answer {
        match call {
            Call::Get(key) | Call::Modify(key, _) => Answer::Value(self.get(*key)),
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

    /// What the call would change now, if it were told `answer`.
    pub fn changes(call: &Call, answer: &Answer) -> Vec<(Key, Option<WriteId>)> {
        match (call, answer) {
            (Call::Write(changes), Answer::Applied) => {
                changes.iter().map(|change| (change.key, change.write)).collect()
            }
            (Call::Modify(key, write), Answer::Value(Some(_))) => vec![(*key, Some(*write))],
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
