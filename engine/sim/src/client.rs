//! A client: asks the engine, notes what it asked and was told, and judges the errors it gets. Not what
//! it does: see `operation`.

use std::cell::Cell;
use std::ops::Bound;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_shard::{
    Admin, Change as Made, Condition, Direction, Effect, Handle, LocalEngine, ScanPage,
    ScanRequest, ShardError, Version, Versioned, Write, WriteBatch, WriteOutcome,
};

use crate::feed;
use crate::history::CallId;
use crate::keys::{self, Key, WriteId};
use crate::operation::Several;
use crate::run::Run;
use crate::state::{Answer, Call, Change, When};
use crate::weather::Verdict;

/// A change of a batch before it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The key.
    pub key: Key,
    /// How long the value is, in bytes; `None` deletes.
    pub length: Option<usize>,
    /// What must hold beforehand.
    pub when: Option<When>,
}

/// One of those who use the engine at the same time.
pub struct Client {
    number: u16,
    handle: Handle,
    admin: Admin,
    run: Rc<Run>,
    is_over: Cell<bool>,
}

/// What was learnt of a write's version.
type Learnt = Vec<(Key, WriteId, Version)>;

impl Client {
    /// A client of an open engine.
    pub fn new(number: u16, engine: &LocalEngine, run: &Rc<Run>) -> Self {
        let (handle, admin, run) = (engine.handle(), engine.admin(), Rc::clone(run));
        Self { number, handle, admin, run, is_over: Cell::new(false) }
    }

    /// Another client of the same engine.
    pub fn another(&self, number: u16) -> Self {
        let (handle, admin) = (self.handle.clone(), self.admin.clone());
        Self { number, handle, admin, run: Rc::clone(&self.run), is_over: Cell::new(false) }
    }

    /// Its way to the engine's data.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Its way to the engine's controls.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// A key's bytes.
    pub fn key_bytes(&self, key: Key) -> Bytes {
        self.run.shape.keys.bytes(key)
    }

    /// Whether shards have ranges of their own to append to.
    pub fn has_own_ranges(&self) -> bool {
        self.run.shape.options.own_ranges
    }

    /// What all clients share.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Notes a call.
    pub(crate) fn begin(&self, call: Call) -> CallId {
        self.run.record.journal.begin(self.number, call)
    }

    /// Whether it has been told that nothing more is to be had from this engine.
    pub fn is_over(&self) -> bool {
        self.is_over.get() || self.run.is_broken()
    }

    /// Writes a batch. Whether it was applied.
    pub async fn write(&self, planned: Vec<Planned>) -> bool {
        let mut changes = Vec::with_capacity(planned.len());
        let mut writes = Vec::with_capacity(planned.len());
        for Planned { key, length, when } in planned {
            let write = length.map(|_| self.run.record.journal.name_write());
            let condition = match when.map(|when| self.condition(key, when)) {
                // Nobody knows the version any more.
                Some(None) => return false,
                condition => condition.flatten(),
            };
            let value = write.zip(length).map(|(write, length)| keys::value(write, length));
            changes.push(Change { key, write, when });
            writes.push(Write { key: self.key_bytes(key), value, condition });
        }
        let id = self.run.record.journal.begin(self.number, Call::Write(changes.clone()));
        match self.handle.write(WriteBatch { writes }).await {
            Ok(WriteOutcome::Applied { first_version }) => {
                let learnt = changes.iter().zip(first_version..);
                let learnt = learnt
                    .filter_map(|(change, version)| Some((change.key, change.write?, version)));
                self.told(id, Answer::Applied, learnt.collect());
                true
            }
            Ok(WriteOutcome::ConditionFailed { write, current }) => {
                let key = changes[write].key;
                if let Some((found, learnt)) = self.trace(key, current) {
                    self.told(id, Answer::Refused(write, found), learnt);
                }
                false
            }
            Err(error) => {
                self.failed(id, &error);
                false
            }
        }
    }

    /// Reads a key: what it holds, if it could be read.
    pub async fn get(&self, key: Key) -> Option<Option<WriteId>> {
        let id = self.run.record.journal.begin(self.number, Call::Get(key));
        match self.handle.get(self.key_bytes(key)).await {
            Ok(found) => {
                let (found, learnt) = self.trace(key, found)?;
                self.told(id, Answer::Value(found), learnt);
                Some(found)
            }
            Err(error) => {
                self.failed(id, &error);
                None
            }
        }
    }

    /// Replaces what a key holds, at its owner, if it holds something.
    pub async fn modify(&self, key: Key, length: usize) {
        let write = self.run.record.journal.name_write();
        let value = keys::value(write, length);
        let id = self.run.record.journal.begin(self.number, Call::Modify(key, write));
        let change = move |now: Option<&Bytes>| now.map_or(Made::Keep, |_| Made::Put(value));
        match self.handle.modify(self.key_bytes(key), Box::new(change)).await {
            Ok(modified) => {
                let Some((found, mut learnt)) = self.trace(key, modified.before) else { return };
                learnt.extend(modified.version.map(|version| (key, write, version)));
                self.told(id, Answer::Value(found), learnt);
            }
            Err(error) => self.failed(id, &error),
        }
    }

    /// Puts a key, changes another, and appends what was done where that can be, at once.
    pub async fn several(&self, planned: &Several) {
        let &Several { key, length, other, other_length, only_if_there } = planned;
        let write = self.run.record.journal.name_write();
        let other_write = other_length.map(|_| self.run.record.journal.name_write());
        let appends = self.has_own_ranges();
        let call = Call::Several { key, write, other, other_write, appends, only_if_there };
        let other_value = other_write.zip(other_length);
        let other_key = self.key_bytes(other);
        let mut effects = vec![
            Effect::Put { key: self.key_bytes(key), value: keys::value(write, length) },
            match other_value.map(|(write, length)| keys::value(write, length)) {
                Some(value) => Effect::Put { key: other_key, value },
                None => Effect::Delete { key: other_key },
            },
        ];
        if appends {
            let value = keys::value(write, length / 10);
            effects.push(Effect::Append { stem: feed::stem(), value });
        }
        let change = move |now: Option<&Bytes>| match now {
            None if only_if_there => Made::Keep,
            _ => Made::Several(effects),
        };
        let id = self.begin(call);
        match self.handle.modify(self.key_bytes(key), Box::new(change)).await {
            Ok(modified) => {
                let Some((found, mut learnt)) = self.trace(key, modified.before) else { return };
                if let Some(version) = modified.version {
                    learnt.push((key, write, version));
                    learnt.extend(other_write.map(|write| (other, write, version + 1)));
                    if appends {
                        self.run
                            .heed(self.run.record.journal.learn_append_version(write, version + 2));
                    }
                }
                self.told(id, Answer::Value(found), learnt);
            }
            Err(error) => self.failed(id, &error),
        }
    }

    /// Reads a page of a range.
    pub async fn range(&self, from: Key, to: Key, direction: Direction, max_items: usize) {
        let places =
            |handle: &Handle| [from, to].map(|key| handle.locate(&self.key_bytes(key)).partition);
        let request = ScanRequest {
            start: Bound::Included(self.key_bytes(from)),
            end: Bound::Included(self.key_bytes(to)),
            direction,
            max_items,
            max_bytes: usize::MAX,
        };
        let before = places(&self.handle);
        let id = self.run.record.journal.begin(self.number, Call::Range(from, to));
        let page = match self.handle.scan(request).await {
            Ok(page) => page,
            Err(error) => return self.failed(id, &error),
        };
        let Some((items, learnt)) = self.trace_page(&page) else { return };
        let ordered = match direction {
            Direction::Forward => items.is_sorted(),
            Direction::Backward => items.is_sorted_by(|left, right| left > right),
        };
        let last = items.last().map(|&(key, _)| key);
        // A page that was cut short says nothing of what lies beyond its last item.
        let (first, last) = match (direction, last.filter(|_| page.more)) {
            (Direction::Forward, Some(last)) => (from, last),
            (Direction::Backward, Some(last)) => (last, to),
            (_, None) => (from, to),
        };
        let fits =
            items.iter().all(|(key, _)| (first..=last).contains(key)) && items.len() <= max_items;
        if !ordered || !fits || (page.more && items.is_empty()) {
            return self.run.fail(format!("keys {from} to {to}, {direction:?}, gave {items:?}"));
        }
        // Only what lies in one partition is read at one moment.
        let is_one = before == places(&self.handle) && before[0] == before[1];
        self.run
            .heed(self.run.record.journal.answer_range(id, first, last, items, is_one, &learnt));
    }

    /// Notes the end of a split, a move or a checkpoint.
    pub fn control(&self, ended: Result<(), ShardError>) {
        let Err(error) = ended else { return };
        if !self.run.is_fair_of_controls(&error) {
            self.run.fail(format!("unfair error of a control: {error}"));
        }
        self.is_over.set(self.is_over.get() || is_final(&error));
    }

    fn condition(&self, key: Key, when: When) -> Option<Condition> {
        Some(match when {
            When::Exists => Condition::Exists,
            When::Absent => Condition::Absent,
            When::Holds(write) => {
                Condition::VersionIs(self.run.record.journal.version(key, write)?)
            }
        })
    }

    /// Which write a value comes from.
    fn trace(&self, key: Key, found: Option<Versioned>) -> Option<(Option<WriteId>, Learnt)> {
        let Some(Versioned { version, value }) = found else { return Some((None, Vec::new())) };
        match keys::writer(&value) {
            Ok(write) => Some((Some(write), vec![(key, write, version)])),
            Err(problem) => {
                self.run.fail(format!("key {key}: {problem}"));
                None
            }
        }
    }

    fn trace_page(&self, page: &ScanPage) -> Option<(Vec<(Key, WriteId)>, Learnt)> {
        let (mut items, mut learnt) = (Vec::new(), Vec::new());
        for (bytes, versioned) in &page.items {
            let Some(key) = self.run.shape.keys.find(bytes) else {
                self.run.fail(format!("a key that nobody wrote: {bytes:?}"));
                return None;
            };
            let (write, more) = self.trace(key, Some(versioned.clone()))?;
            items.extend(write.map(|write| (key, write)));
            learnt.extend(more);
        }
        Some((items, learnt))
    }

    /// Notes an answer.
    pub(crate) fn told(&self, id: CallId, answer: Answer, learnt: Learnt) {
        self.run.heed(self.run.record.journal.answer(id, answer, &learnt));
    }

    /// Notes an error, and judges it.
    pub(crate) fn failed(&self, id: CallId, error: &ShardError) {
        match self.run.judge(error) {
            Verdict::NotDone => self.run.record.journal.not_done(id),
            Verdict::Unknown => {}
            Verdict::Unfair(why) => self.run.fail(why),
        }
        self.is_over.set(self.is_over.get() || is_final(error));
    }
}

/// Whether this engine will not get better.
fn is_final(error: &ShardError) -> bool {
    use flywheel_shard::StoreError::Stopped;
    match error {
        ShardError::Closed => true,
        ShardError::Store(error) => matches!(**error, Stopped(_)),
        _ => false,
    }
}
