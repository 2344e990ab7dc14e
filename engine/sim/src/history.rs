//! What clients asked and were told, over crashes and restarts, of whatever model: it must have been
//! possible. Not the judge of it: see `linear`.

use std::cell::{Cell, RefCell};

use crate::linear::{self, Entry, Finding, Moment};
use crate::model::Model;

/// A call that has begun.
#[derive(Debug, Clone, Copy)]
pub struct CallId(usize);

/// How much was asked and told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Calls made by clients.
    pub calls: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Stretches of history that the search gave up on.
    pub undecided: u64,
}

/// What somebody says who looked at a stretch of history: whether anything cannot have been.
pub type Looked = Result<(), String>;

/// The history of one run.
#[derive(Debug)]
pub struct History<M: Model> {
    now: Cell<Moment>,
    counts: Cell<Counts>,
    /// What there was when `entries` began.
    first: RefCell<M>,
    entries: RefCell<Vec<Entry<M>>>,
}

impl<M: Model> History<M> {
    /// The history of a directory that does not exist yet.
    pub fn new(first: M) -> Self {
        Self {
            now: Cell::new(0),
            counts: Cell::default(),
            first: RefCell::new(first),
            entries: RefCell::default(),
        }
    }

    /// A client asks.
    pub fn begin(&self, client: u16, call: M::Call) -> CallId {
        self.count(|counts| counts.calls += 1);
        let began = self.tick();
        let mut entries = self.entries.borrow_mut();
        entries.push(Entry { client, call, began, ended: Moment::MAX, answer: None });
        CallId(entries.len() - 1)
    }

    /// It is told.
    pub fn answer(&self, id: CallId, answer: M::Answer) {
        self.count(|counts| counts.answered += 1);
        self.end(id, None, answer);
    }

    /// It is told, of a call that turns out to have been this one.
    pub fn answer_as(&self, id: CallId, call: M::Call, answer: M::Answer) {
        self.count(|counts| counts.answered += 1);
        self.end(id, Some(call), answer);
    }

    /// It is told what makes several calls of it, each with a moment of its own.
    pub fn answer_each(&self, id: CallId, each: impl IntoIterator<Item = (M::Call, M::Answer)>) {
        let (nothing, answer) = M::nothing();
        self.answer_as(id, nothing, answer);
        let mut entries = self.entries.borrow_mut();
        let Entry { client, began, ended, .. } = entries[id.0];
        for (call, answer) in each {
            entries.push(Entry { client, call, began, ended, answer: Some(answer) });
        }
    }

    /// It is told that nothing was done, and why does not matter.
    pub fn not_done(&self, id: CallId) {
        let (nothing, answer) = M::nothing();
        self.end(id, Some(nothing), answer);
    }

    /// What it is told says nothing; what may have been done is this.
    pub fn unclear(&self, id: CallId, call: M::Call) {
        self.entries.borrow_mut()[id.0].call = call;
    }

    fn end(&self, id: CallId, call: Option<M::Call>, answer: M::Answer) {
        let ended = self.tick();
        let entry = &mut self.entries.borrow_mut()[id.0];
        (entry.ended, entry.answer) = (ended, Some(answer));
        if let Some(call) = call {
            entry.call = call;
        }
    }

    /// The engine was found to hold exactly this, with no call under way. Writes whose outcome nobody
    /// was told may still be decided: by the medium, when the engine is opened next.
    ///
    /// # Errors
    /// Why the history cannot have been, if everything is decided; and what `look` says of it then.
    pub fn find(&self, found: M, look: impl FnOnce(&[Entry<M>]) -> Looked) -> Looked {
        if self.entries.borrow().iter().all(|entry| entry.answer.is_some()) {
            return self.settle(found, look);
        }
        let (began, ended) = (self.tick(), self.tick());
        let (call, answer) = found.everything();
        let entry = Entry { client: u16::MAX, call, began, ended, answer: Some(answer) };
        self.entries.borrow_mut().push(entry);
        Ok(())
    }

    /// The engine was found to hold exactly this, with no call under way and none to be decided any
    /// more: the history up to here must have been possible.
    ///
    /// # Errors
    /// Why it was not; and what `look` says of it.
    pub fn settle(&self, found: M, look: impl FnOnce(&[Entry<M>]) -> Looked) -> Looked {
        let mut entries = self.entries.take();
        // Those that were noted as several calls stand behind what began after them.
        entries.sort_by_key(|entry| entry.began);
        let first = self.first.replace(found.clone());
        look(&entries)?;
        match linear::check(&first, &entries, &found) {
            Finding::Possible => Ok(()),
            Finding::Undecided => {
                self.count(|counts| counts.undecided += 1);
                Ok(())
            }
            Finding::Impossible { stuck, state } => Err(explain(&entries, &stuck, &state, &found)),
        }
    }

    /// How much was asked and told so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        count(&mut counts);
        self.counts.set(counts);
    }

    fn tick(&self) -> Moment {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }
}

/// Histories up to this length are told whole.
const SHORT: usize = 150;

fn explain<M: Model>(entries: &[Entry<M>], stuck: &[usize], state: &M, found: &M) -> String {
    let mut lines = vec!["no order of the calls gives these answers and this end".to_owned()];
    lines.push("furthest that any order came:".to_owned());
    lines.extend(state.differences(found).into_iter().map(|line| format!("  {line}")));
    for &entry in stuck {
        lines.push(format!("  cannot be placed: {}", spell(&entries[entry])));
    }
    if entries.len() <= SHORT {
        lines.push("the whole stretch of history:".to_owned());
        lines.extend(entries.iter().map(|entry| format!("  {}", spell(entry))));
        lines.push(format!("what was found at its end: {found:?}"));
    }
    lines.join("\n")
}

fn spell<M: Model>(entry: &Entry<M>) -> String {
    let Entry { client, call, began, answer, .. } = entry;
    let told = match answer {
        Some(answer) => format!("told {answer:?} at {}", entry.ended),
        None => "never told".to_owned(),
    };
    format!("client {client} asked {call:?} at {began}, {told}")
}
