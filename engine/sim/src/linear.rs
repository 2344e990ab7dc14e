//! Whether a history could have been: an order of all calls, each between its beginning and its end, in
//! which the reference model gives the very answers that were given, and ends where the engine was
//! found. Wing and Gong's search, with Lowe's memory of where it has been.
//!
//! All keys are searched together, not each for itself: batches, ranges and transactions bind keys to each
//! other. What calls do is the model's to say.

use std::collections::HashSet;

use crate::limits::MAX_SEARCH_STEPS;
use crate::model::{Model, mix};

/// Moments are numbered in the order in which they happened.
pub type Moment = u64;

/// One call of a client.
#[derive(Debug, Clone)]
pub struct Entry<M: Model> {
    /// Who called; for messages.
    pub client: u16,
    /// What was asked.
    pub call: M::Call,
    /// When.
    pub began: Moment,
    /// When it was answered; [`Moment::MAX`] if it never was: then it may have happened at any time
    /// since, or not at all.
    pub ended: Moment,
    /// The answer, if there was one.
    pub answer: Option<M::Answer>,
}

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding<M> {
    /// There is such an order.
    Possible,
    /// There is none: these entries were left when the search came furthest.
    Impossible {
        /// Indexes of the entries that could not be placed.
        stuck: Vec<usize>,
        /// What the model held there.
        state: M,
    },
    /// The search was given up.
    Undecided,
}

/// Looks for an order of `entries`, which must be sorted by their beginnings, from `first` to `last`.
pub fn check<M: Model>(first: &M, entries: &[Entry<M>], last: &M) -> Finding<M> {
    let mut search = Search {
        entries,
        last,
        placed: vec![false; entries.len()],
        front: 0,
        placed_hash: 0,
        state_hash: 0,
        state: first.clone(),
        seen: HashSet::new(),
        trail: Vec::new(),
        best: (0, Vec::new(), first.clone()),
    };
    search.run()
}

/// An entry that was placed, and how to take it back.
struct Placed<C> {
    entry: usize,
    front: usize,
    undo: Vec<C>,
    /// Where to go on looking if it is taken back; `None` if it need not be: it changed nothing.
    next: Option<usize>,
}

struct Search<'a, M: Model> {
    entries: &'a [Entry<M>],
    last: &'a M,
    placed: Vec<bool>,
    /// All entries before this one are placed.
    front: usize,
    placed_hash: u64,
    state_hash: u64,
    state: M,
    seen: HashSet<(u64, u64)>,
    trail: Vec<Placed<M::Change>>,
    /// The furthest that the search has come: entries placed, those left, the state.
    best: (usize, Vec<usize>, M),
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self) -> Finding<M> {
        let mut from = 0;
        for _ in 0..MAX_SEARCH_STEPS {
            if self.is_over() {
                return Finding::Possible;
            }
            if let Some(entry) = self.candidate(from) {
                from = if self.place(entry) { 0 } else { entry + 1 };
                continue;
            }
            self.note_best();
            match self.take_back() {
                Some(next) => from = next,
                None => {
                    let (_, stuck, state) =
                        std::mem::replace(&mut self.best, (0, vec![], self.state.clone()));
                    return Finding::Impossible { stuck, state };
                }
            }
        }
        Finding::Undecided
    }

    /// Whether only calls without an answer are left, and the state is the last.
    fn is_over(&self) -> bool {
        self.state.is(self.last)
            && (self.front..self.entries.len())
                .all(|entry| self.placed[entry] || self.entries[entry].answer.is_none())
    }

    /// The first entry at `from` or behind that may come next: none that is left ended before it
    /// began.
    fn candidate(&self, from: usize) -> Option<usize> {
        let mut first_end = Moment::MAX;
        for entry in self.front..self.entries.len() {
            if self.placed[entry] {
                continue;
            }
            if self.entries[entry].began > first_end {
                return None;
            }
            if entry >= from {
                return Some(entry);
            }
            first_end = first_end.min(self.entries[entry].ended);
        }
        None
    }

    /// Places an entry if its answer fits and this has not been tried.
    fn place(&mut self, entry: usize) -> bool {
        let Entry { call, answer, .. } = &self.entries[entry];
        let fits = self.state.answer(call);
        if answer.as_ref().is_some_and(|answer| *answer != fits) {
            return false;
        }
        let changes = self.state.changes(call, &fits);
        if answer.is_none() && changes.is_empty() {
            // It may come later or never; here it would make no difference.
            return false;
        }
        let undo: Vec<_> = changes.iter().map(|change| self.apply(change)).collect();
        self.placed_hash ^= mix(entry as u64);
        if !undo.is_empty() && !self.seen.insert((self.placed_hash, self.state_hash)) {
            self.placed_hash ^= mix(entry as u64);
            self.undo(undo);
            return false;
        }
        // What changes nothing and fits now need never be tried elsewhere.
        let next = (!undo.is_empty()).then_some(entry + 1);
        self.placed[entry] = true;
        self.trail.push(Placed { entry, front: self.front, undo, next });
        while self.placed.get(self.front) == Some(&true) {
            self.front += 1;
        }
        true
    }

    /// Takes entries back until one had another choice; says where to look for it.
    fn take_back(&mut self) -> Option<usize> {
        while let Some(Placed { entry, front, undo, next }) = self.trail.pop() {
            self.placed[entry] = false;
            self.front = front;
            self.placed_hash ^= mix(entry as u64);
            self.undo(undo);
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn undo(&mut self, undo: Vec<M::Change>) {
        for change in undo.iter().rev() {
            self.apply(change);
        }
    }

    fn apply(&mut self, change: &M::Change) -> M::Change {
        let undo = self.state.apply(change);
        self.state_hash ^= M::hash(&undo) ^ M::hash(change);
        undo
    }

    fn note_best(&mut self) {
        if self.trail.len() < self.best.0 || (self.trail.is_empty() && self.best.0 > 0) {
            return;
        }
        let left = (self.front..self.entries.len()).filter(|&entry| !self.placed[entry]);
        self.best = (self.trail.len(), left.take(8).collect(), self.state.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Key, WriteId};
    use crate::state::{Answer, Call, Change, State, When};

    type Entry = super::Entry<State>;

    fn entry(began: Moment, ended: Moment, call: Call, answer: Option<Answer>) -> Entry {
        Entry { client: 0, call, began, ended, answer }
    }

    fn put(key: Key, write: WriteId) -> Call {
        Call::Write(vec![Change { key, write: Some(write), when: None }])
    }

    fn state(values: [Option<WriteId>; 2]) -> State {
        let mut state = State::new(2);
        state.set(0, values[0]);
        state.set(1, values[1]);
        state
    }

    fn is_possible(entries: &[Entry], last: [Option<WriteId>; 2]) -> bool {
        match check(&State::new(2), entries, &state(last)) {
            Finding::Possible => true,
            Finding::Impossible { .. } => false,
            Finding::Undecided => panic!("a search of a few entries was given up"),
        }
    }

    #[test]
    fn an_acknowledged_write_must_be_there_at_the_end() {
        let entries = [entry(1, 2, put(0, 7), Some(Answer::Applied))];
        assert!(is_possible(&entries, [Some(7), None]));
        assert!(!is_possible(&entries, [None, None]));
        let unknown = [entry(1, Moment::MAX, put(0, 7), None)];
        assert!(is_possible(&unknown, [Some(7), None]) && is_possible(&unknown, [None, None]));
    }

    #[test]
    fn reads_may_not_go_back() {
        let write = entry(1, 10, put(0, 7), Some(Answer::Applied));
        let read =
            |began, ended, found| entry(began, ended, Call::Get(0), Some(Answer::Value(found)));
        let last = [Some(7), None];
        assert!(is_possible(&[write.clone(), read(2, 3, None), read(4, 5, Some(7))], last));
        assert!(!is_possible(&[write.clone(), read(2, 3, Some(7)), read(4, 5, None)], last));
        assert!(!is_possible(&[write, read(11, 12, None)], last));
    }

    #[test]
    fn overlapping_writes_may_happen_in_either_order_but_not_in_both() {
        let first = entry(1, 10, put(0, 7), Some(Answer::Applied));
        let second = entry(2, 9, put(0, 8), Some(Answer::Applied));
        let read =
            |began, found| entry(began, began + 1, Call::Get(0), Some(Answer::Value(Some(found))));
        assert!(is_possible(&[first.clone(), second.clone()], [Some(7), None]));
        assert!(is_possible(&[first.clone(), second.clone()], [Some(8), None]));
        let history = [first, second, read(11, 7)];
        assert!(!is_possible(&history, [Some(8), None]));
    }

    #[test]
    fn batches_bind_keys_to_each_other() {
        let both = Call::Write(vec![
            Change { key: 0, write: Some(1), when: None },
            Change { key: 1, write: Some(2), when: None },
        ]);
        let unknown = [entry(1, Moment::MAX, both.clone(), None)];
        assert!(is_possible(&unknown, [Some(1), Some(2)]) && is_possible(&unknown, [None, None]));
        assert!(!is_possible(&unknown, [Some(1), None]));
        let torn = entry(2, 3, Call::Range(0, 1), Some(Answer::Items(vec![(1, 2)])));
        let whole = entry(1, 4, both, Some(Answer::Applied));
        assert!(!is_possible(&[whole, torn], [Some(1), Some(2)]));
    }

    #[test]
    fn conditions_are_judged_with_what_they_were_told() {
        let change = Change { key: 0, write: Some(3), when: Some(When::Exists) };
        let call = Call::Write(vec![change]);
        let refused = entry(1, 2, call.clone(), Some(Answer::Refused(0, None)));
        assert!(is_possible(&[refused], [None, None]));
        // It can only have been applied behind a write that made the key exist.
        let maker = entry(1, Moment::MAX, put(0, 9), None);
        let applied = entry(2, 3, call, Some(Answer::Applied));
        assert!(is_possible(&[maker, applied.clone()], [Some(3), None]));
        assert!(!is_possible(&[applied], [Some(3), None]));
    }

    #[test]
    fn several_effects_come_together_and_stay_told_of_until_trimmed() {
        let call = Call::Several {
            key: 0,
            write: 5,
            other: 1,
            other_write: None,
            appends: true,
            only_if_there: false,
        };
        let first = entry(1, 2, put(1, 4), Some(Answer::Applied));
        let ends = |entries: &[Entry], told: bool, last| {
            let mut last = state(last);
            told.then(|| last.append(5));
            check(&State::new(2), entries, &last) == Finding::Possible
        };
        let unknown = [first.clone(), entry(3, Moment::MAX, call.clone(), None)];
        assert!(ends(&unknown, true, [Some(5), None]) && ends(&unknown, false, [None, Some(4)]));
        assert!(!ends(&unknown, false, [Some(5), None]) && !ends(&unknown, true, [None, Some(4)]));
        assert!(!ends(&unknown, true, [Some(5), Some(4)]));
        let done = entry(3, 4, call, Some(Answer::Value(None)));
        let seen =
            |began, found| entry(began, began + 1, Call::Appended(5), Some(Answer::Value(found)));
        let trim = entry(7, 8, Call::Trim(vec![5]), Some(Answer::Applied));
        let history = [first, done, seen(5, Some(5)), trim, seen(9, None)];
        assert!(ends(&history, false, [Some(5), None]) && !ends(&history, true, [Some(5), None]));
        assert!(!ends(&history[..3], false, [Some(5), None]));
    }

    #[test]
    fn a_read_modify_write_says_what_it_found() {
        let make = entry(1, 2, put(0, 1), Some(Answer::Applied));
        let modify = |found| entry(3, 4, Call::Modify(0, 2), Some(Answer::Value(found)));
        assert!(is_possible(&[make.clone(), modify(Some(1))], [Some(2), None]));
        assert!(!is_possible(&[make, modify(None)], [Some(1), None]));
    }
}
