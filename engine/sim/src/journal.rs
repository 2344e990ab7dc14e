//! The history of clients of the shards, and what they learnt of versions. Not the judge of either: see
//! `linear` for the calls and `versions` for the versions.

use std::cell::{Cell, RefCell};

use flywheel_shard::Version;

use crate::feed::Appended;
use crate::history::{CallId, Counts, History};
use crate::keys::{Key, WriteId};
use crate::state::{Answer, Call, State};
use crate::versions::Versions;

/// The history of one run.
#[derive(Debug)]
pub struct Journal {
    history: History<State>,
    next_write: Cell<WriteId>,
    versions: RefCell<Versions>,
}

impl Journal {
    /// The history of a directory that does not exist yet.
    pub fn new(keys: usize) -> Self {
        Self {
            history: History::new(State::new(keys)),
            next_write: Cell::new(1),
            versions: RefCell::default(),
        }
    }

    /// A name for a write to come.
    pub fn name_write(&self) -> WriteId {
        self.next_write.replace(self.next_write.get() + 1)
    }

    /// A client asks.
    pub fn begin(&self, client: u16, call: Call) -> CallId {
        self.history.begin(client, call)
    }

    /// It is told. `versions` are those that it learnt of writes.
    pub fn answer(
        &self,
        id: CallId,
        answer: Answer,
        versions: &[(Key, WriteId, Version)],
    ) -> Result<(), String> {
        self.history.answer(id, answer);
        self.learn(versions)
    }

    /// A range is read: the keys from `first` to `last` hold exactly `items`, at one moment if
    /// `is_one`, else each at a moment of its own.
    pub fn answer_range(
        &self,
        id: CallId,
        first: Key,
        last: Key,
        mut items: Vec<(Key, WriteId)>,
        is_one: bool,
        versions: &[(Key, WriteId, Version)],
    ) -> Result<(), String> {
        items.sort_unstable();
        if is_one {
            self.history.answer_as(id, Call::Range(first, last), Answer::Items(items));
            return self.learn(versions);
        }
        let each = (first..=last).map(|key| {
            let found = items.binary_search_by_key(&key, |item| item.0).ok().map(|at| items[at].1);
            (Call::Get(key), Answer::Value(found))
        });
        self.history.answer_each(id, each);
        self.learn(versions)
    }

    /// Appends were seen: each stood there at a moment during the call.
    pub fn answer_feed(&self, id: CallId, seen: &[Appended]) -> Result<(), String> {
        let each = |&Appended { write, .. }| (Call::Appended(write), Answer::Value(Some(write)));
        self.history.answer_each(id, seen.iter().map(each));
        seen.iter().try_for_each(|&appended| self.learn_append(appended))
    }

    /// An append was found.
    pub fn learn_append(&self, found: Appended) -> Result<(), String> {
        let Appended { shard, version, write } = found;
        self.versions.borrow_mut().learn_append(write, version, Some(shard))
    }

    /// Somebody was told the version of the append that tells of a write.
    pub fn learn_append_version(&self, write: WriteId, version: Version) -> Result<(), String> {
        self.versions.borrow_mut().learn_append(write, version, None)
    }

    /// The version of a write, if somebody was told.
    pub fn version(&self, key: Key, write: WriteId) -> Option<Version> {
        self.versions.borrow().of(key, write)
    }

    /// It is told that nothing was done, and why does not matter.
    pub fn not_done(&self, id: CallId) {
        self.history.not_done(id);
    }

    /// As [`History::find`].
    pub fn find(&self, found: State) -> Result<(), String> {
        self.history.find(found, |entries| self.versions.borrow_mut().check(entries))
    }

    /// As [`History::settle`].
    pub fn settle(&self, found: State) -> Result<(), String> {
        self.history.settle(found, |entries| self.versions.borrow_mut().check(entries))
    }

    /// How much was asked and told so far.
    pub fn counts(&self) -> Counts {
        self.history.counts()
    }

    fn learn(&self, versions: &[(Key, WriteId, Version)]) -> Result<(), String> {
        let mut known = self.versions.borrow_mut();
        versions.iter().try_for_each(|&(key, write, version)| known.learn(key, write, version))
    }
}
