//! What clients asked and were told, over crashes and restarts: the history that must have been
//! possible. Not the judge of it: see `linear` for the calls and `versions` for the versions.

use std::cell::{Cell, RefCell};

use flywheel_shard::Version;

use crate::feed::Appended;
use crate::keys::{Key, WriteId};
use crate::linear::{self, Entry, Finding, Moment};
use crate::state::{Answer, Call, State};
use crate::versions::Versions;

/// A call that has begun.
#[derive(Debug, Clone, Copy)]
pub struct CallId(usize);

/// The history of one run.
#[derive(Debug)]
pub struct Journal {
    now: Cell<Moment>,
    next_write: Cell<WriteId>,
    calls: Cell<u64>,
    answered: Cell<u64>,
    /// What every key held when `entries` began.
    first: RefCell<State>,
    entries: RefCell<Vec<Entry>>,
    versions: RefCell<Versions>,
    undecided: Cell<u64>,
}

impl Journal {
    /// The history of a directory that does not exist yet.
    pub fn new(keys: usize) -> Self {
        Self {
            now: Cell::new(0),
            next_write: Cell::new(1),
            calls: Cell::new(0),
            answered: Cell::new(0),
            first: RefCell::new(State::new(keys)),
            entries: RefCell::default(),
            versions: RefCell::default(),
            undecided: Cell::new(0),
        }
    }

    /// A name for a write to come.
    pub fn name_write(&self) -> WriteId {
        self.next_write.replace(self.next_write.get() + 1)
    }

    /// A client asks.
    pub fn begin(&self, client: u16, call: Call) -> CallId {
        self.calls.set(self.calls.get() + 1);
        let began = self.tick();
        let mut entries = self.entries.borrow_mut();
        entries.push(Entry { client, call, began, ended: Moment::MAX, answer: None });
        CallId(entries.len() - 1)
    }

    /// It is told. `versions` are those that it learnt of writes.
    pub fn answer(
        &self,
        id: CallId,
        answer: Answer,
        versions: &[(Key, WriteId, Version)],
    ) -> Result<(), String> {
        self.answered.set(self.answered.get() + 1);
        let ended = self.tick();
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[id.0];
        (entry.ended, entry.answer) = (ended, Some(answer));
        let mut known = self.versions.borrow_mut();
        versions.iter().try_for_each(|&(key, write, version)| known.learn(key, write, version))
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
            self.entries.borrow_mut()[id.0].call = Call::Range(first, last);
            return self.answer(id, Answer::Items(items), versions);
        }
        let ended = self.tick();
        let mut entries = self.entries.borrow_mut();
        let Entry { client, began, .. } = entries[id.0];
        entries[id.0].call = Call::Write(vec![]);
        (entries[id.0].ended, entries[id.0].answer) = (ended, Some(Answer::Applied));
        for key in first..=last {
            let found = items.binary_search_by_key(&key, |item| item.0).ok().map(|at| items[at].1);
            let (call, answer) = (Call::Get(key), Some(Answer::Value(found)));
            entries.push(Entry { client, call, began, ended, answer });
        }
        drop(entries);
        self.answered.set(self.answered.get() + 1);
        let mut known = self.versions.borrow_mut();
        versions.iter().try_for_each(|&(key, write, version)| known.learn(key, write, version))
    }

    /// Appends were seen: each stood there at a moment during the call.
    pub fn answer_feed(&self, id: CallId, seen: &[Appended]) -> Result<(), String> {
        self.answer(id, Answer::Applied, &[])?;
        let mut entries = self.entries.borrow_mut();
        let Entry { client, began, ended, .. } = entries[id.0];
        for &Appended { write, .. } in seen {
            let (call, answer) = (Call::Appended(write), Some(Answer::Value(Some(write))));
            entries.push(Entry { client, call, began, ended, answer });
        }
        drop(entries);
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
        // An empty batch: it fits everywhere and changes nothing.
        let ended = self.tick();
        let entry = &mut self.entries.borrow_mut()[id.0];
        (entry.ended, entry.answer, entry.call) =
            (ended, Some(Answer::Applied), Call::Write(vec![]));
    }

    /// The engine was found to hold exactly this, with no call under way. Writes whose outcome nobody
    /// was told may still be decided: by the medium, when the engine is opened next.
    ///
    /// # Errors
    /// Why the history cannot have been, if everything is decided.
    pub fn find(&self, found: State) -> Result<(), String> {
        if self.entries.borrow().iter().all(|entry| entry.answer.is_some()) {
            return self.settle(found);
        }
        let (began, ended) = (self.tick(), self.tick());
        let (call, answer) = (Call::Everything, Some(Answer::Everything(Box::new(found))));
        self.entries.borrow_mut().push(Entry { client: u16::MAX, call, began, ended, answer });
        Ok(())
    }

    /// The engine was found to hold exactly this, with no call under way and none to be decided any
    /// more: the history up to here must have been possible.
    ///
    /// # Errors
    /// Why it was not.
    pub fn settle(&self, found: State) -> Result<(), String> {
        let mut entries = self.entries.take();
        // Ranges were noted as several reads, behind what began after them.
        entries.sort_by_key(|entry| entry.began);
        let first = self.first.replace(found.clone());
        self.versions.borrow_mut().check(&entries)?;
        match linear::check(&first, &entries, &found) {
            Finding::Possible => Ok(()),
            Finding::Undecided => {
                self.undecided.set(self.undecided.get() + 1);
                Ok(())
            }
            Finding::Impossible { stuck, state } => Err(explain(&entries, &stuck, &state, &found)),
        }
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Calls answered so far.
    pub fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Stretches of history that the search gave up on.
    pub fn undecided(&self) -> u64 {
        self.undecided.get()
    }

    fn tick(&self) -> Moment {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }
}

/// Histories up to this length are told whole.
const SHORT: usize = 40;

fn explain(entries: &[Entry], stuck: &[usize], state: &State, found: &State) -> String {
    let mut lines = vec!["no order of the calls gives these answers and this end".to_owned()];
    let differing = state.all().into_iter().chain(found.all());
    let mut keys: Vec<Key> = differing.map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    lines.push("furthest that any order came:".to_owned());
    for key in keys.into_iter().filter(|&key| state.get(key) != found.get(key)) {
        let (held, holds) = (state.get(key), found.get(key));
        lines.push(format!(
            "  key {key}: the model came to {held:?}, the engine ended with {holds:?}"
        ));
    }
    for write in state.appended().symmetric_difference(found.appended()) {
        let who = if found.appended().contains(write) { "engine" } else { "model" };
        lines.push(format!("  only the {who} tells of write {write} at the end"));
    }
    for &entry in stuck {
        lines.push(format!("  cannot be placed: {}", spell(&entries[entry])));
    }
    if entries.len() <= SHORT {
        lines.push("the whole stretch of history:".to_owned());
        lines.extend(entries.iter().map(|entry| format!("  {}", spell(entry))));
    }
    lines.join("\n")
}

fn spell(entry: &Entry) -> String {
    let Entry { client, call, began, answer, .. } = entry;
    let told = match answer {
        Some(answer) => format!("told {answer:?} at {}", entry.ended),
        None => "never told".to_owned(),
    };
    format!("client {client} asked {call:?} at {began}, {told}")
}
