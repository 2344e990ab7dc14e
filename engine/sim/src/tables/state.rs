//! The reference model of tables: what each item is, which tokens stand for what was done, and what every
//! call would answer and change. Not the engine's way of doing it: nothing is held, nothing is in between.

use std::collections::BTreeSet;

use crate::keys::{Key, WriteId};
use crate::model::{Model, mix};

/// A client's token, by number.
pub type Token = u32;

/// What an item has beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its balance.
    pub balance: i64,
    /// The write that it comes from; the local index sorts by it.
    pub write: WriteId,
    /// By which the global index finds it; `None` if it does not.
    pub group: Option<u8>,
}

/// What a write makes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It becomes this.
    Put(Item),
    /// So much is added to its balance, all else is replaced; there is one afterwards.
    Add(Item),
    /// It goes.
    Delete,
    /// Nothing.
    Check,
}

/// What must hold of an item for a call to do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is there.
    Exists,
    /// It is not.
    Absent,
    /// Its balance is at least this.
    AtLeast(i64),
    /// It comes from this write.
    Wrote(WriteId),
}

/// What a call does with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub key: Key,
    /// What becomes of it.
    pub act: Act,
    /// If this holds.
    pub when: Option<When>,
}

/// What a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// All steps at once, or none if a condition does not hold; nothing if the token stands for something
    /// that was done.
    Transact(Vec<Step>, Option<Token>),
    /// One step, and what there was before.
    Exchange(Step),
    /// Whether a token stands for nothing yet.
    IsNew(Token),
    /// Items at one moment.
    Read(Vec<Key>),
    /// All items at one moment.
    Everything,
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// It was done, and this was there before.
    Found(Option<Item>),
    /// A condition did not hold; this is there.
    Refused(Option<Item>),
    /// The items.
    Items(Vec<Option<Item>>),
}

/// All items, and the tokens of transactions that were done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    items: Vec<Option<Item>>,
    done: BTreeSet<Token>,
}

/// What a part comes to hold.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// An item.
    Item(Key, Option<Item>),
    /// Whether a token stands for something.
    Token(Token, bool),
}

impl State {
    /// These items, and these tokens.
    pub fn new(items: Vec<Option<Item>>, done: BTreeSet<Token>) -> Self {
        Self { items, done }
    }

    /// These tokens stand for what was done.
    pub fn set_done(&mut self, done: BTreeSet<Token>) {
        self.done = done;
    }

    /// An item.
    pub fn get(&self, key: Key) -> Option<Item> {
        self.items[usize::from(key)]
    }

    /// All of them, by key.
    pub fn items(&self) -> &[Option<Item>] {
        &self.items
    }

    fn holds(&self, step: &Step) -> bool {
        let item = self.get(step.key);
        match step.when {
            None => true,
            Some(When::Exists) => item.is_some(),
            Some(When::Absent) => item.is_none(),
            Some(When::AtLeast(least)) => item.is_some_and(|item| item.balance >= least),
            Some(When::Wrote(write)) => item.is_some_and(|item| item.write == write),
        }
    }

    fn change(&self, step: &Step) -> Option<Change> {
        let balance = self.get(step.key).map_or(0, |item| item.balance);
        let after = match step.act {
            Act::Put(item) => Some(item),
            Act::Add(item) => Some(Item { balance: balance + item.balance, ..item }),
            Act::Delete => None,
            Act::Check => return None,
        };
        // Also where nothing is different: elsewhere in the order it may be, and the search is to try that.
        Some(Change::Item(step.key, after))
    }

    fn was_done(&self, token: Option<Token>) -> bool {
        token.is_some_and(|token| self.done.contains(&token))
    }
}

impl Model for State {
    type Call = Call;
    type Answer = Answer;
    type Change = Change;

    fn answer(&self, call: &Call) -> Answer {
        match call {
            Call::Transact(_, token) if self.was_done(*token) => Answer::Done,
            Call::Transact(steps, _) => match steps.iter().find(|step| !self.holds(step)) {
                Some(step) => Answer::Refused(self.get(step.key)),
                None => Answer::Done,
            },
            Call::IsNew(token) if self.was_done(Some(*token)) => Answer::Found(None),
            Call::IsNew(_) => Answer::Done,
            Call::Exchange(step) if self.holds(step) => Answer::Found(self.get(step.key)),
            Call::Exchange(step) => Answer::Refused(self.get(step.key)),
            Call::Read(keys) => Answer::Items(keys.iter().map(|&key| self.get(key)).collect()),
            Call::Everything => Answer::Items(self.items.clone()),
        }
    }

    fn changes(&self, call: &Call, answer: &Answer) -> Vec<Change> {
        match (call, answer) {
            (Call::Transact(_, token), _) if self.was_done(*token) => Vec::new(),
            (Call::Transact(steps, token), Answer::Done) => {
                let items = steps.iter().filter_map(|step| self.change(step));
                items.chain(token.map(|token| Change::Token(token, true))).collect()
            }
            (Call::Exchange(step), Answer::Found(_)) => self.change(step).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn apply(&mut self, change: &Change) -> Change {
        match *change {
            Change::Item(key, item) => {
                Change::Item(key, std::mem::replace(&mut self.items[usize::from(key)], item))
            }
            Change::Token(token, true) => Change::Token(token, !self.done.insert(token)),
            Change::Token(token, false) => Change::Token(token, self.done.remove(&token)),
        }
    }

    fn hash(change: &Change) -> u64 {
        match *change {
            Change::Item(key, Some(Item { balance, write, .. })) => {
                mix(mix(u64::from(key) << 32 | u64::from(write)) ^ balance as u64)
            }
            // Beyond all keys.
            Change::Token(token, true) => mix(1 << 50 | u64::from(token)),
            Change::Item(_, None) | Change::Token(_, false) => 0,
        }
    }

    /// Tokens cannot be seen.
    fn is(&self, found: &Self) -> bool {
        self.items == found.items
    }

    fn nothing() -> (Call, Answer) {
        (Call::Transact(vec![], None), Answer::Done)
    }

    fn everything(self) -> (Call, Answer) {
        (Call::Everything, Answer::Items(self.items))
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        let both = self.items.iter().zip(&found.items).enumerate();
        let differing = both.filter(|(_, (held, holds))| held != holds);
        let tell = |(key, (held, holds))| {
            format!("key {key}: the model came to {held:?}, the engine ended with {holds:?}")
        };
        differing.map(tell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{self, Finding, Moment};

    type Entry = linear::Entry<State>;

    fn entry(began: Moment, ended: Moment, call: Call, answer: Option<Answer>) -> Entry {
        Entry { client: 0, call, began, ended, answer }
    }

    fn item(balance: i64, write: WriteId) -> Option<Item> {
        Some(Item { balance, write, group: None })
    }

    fn state(items: [Option<Item>; 2]) -> State {
        State::new(items.to_vec(), BTreeSet::new())
    }

    fn add(key: Key, balance: i64, write: WriteId, when: Option<When>) -> Step {
        Step { key, act: Act::Add(Item { balance, write, group: None }), when }
    }

    fn is_possible(entries: &[Entry], last: [Option<Item>; 2]) -> bool {
        let first = state([item(5, 1), item(5, 2)]);
        linear::check(&first, entries, &state(last)) == Finding::Possible
    }

    fn transfer(token: Option<Token>) -> Call {
        let steps = vec![add(0, -1, 3, Some(When::AtLeast(1))), add(1, 1, 4, Some(When::Exists))];
        Call::Transact(steps, token)
    }

    #[test]
    fn a_transaction_is_there_whole_or_not_at_all() {
        let unknown = [entry(1, Moment::MAX, transfer(None), None)];
        assert!(is_possible(&unknown, [item(4, 3), item(6, 4)]));
        assert!(is_possible(&unknown, [item(5, 1), item(5, 2)]));
        assert!(!is_possible(&unknown, [item(4, 3), item(5, 2)]));
        let read = |began, items: [Option<Item>; 2]| {
            let answer = Answer::Items(items.to_vec());
            entry(began, began + 1, Call::Read(vec![0, 1]), Some(answer))
        };
        let torn = [unknown[0].clone(), read(2, [item(5, 1), item(6, 4)])];
        assert!(!is_possible(&torn, [item(4, 3), item(6, 4)]));
        let whole = [unknown[0].clone(), read(2, [item(5, 1), item(5, 2)])];
        assert!(is_possible(&whole, [item(4, 3), item(6, 4)]));
    }

    #[test]
    fn a_token_asked_again_has_one_effect() {
        let first = entry(1, Moment::MAX, transfer(Some(7)), None);
        let again = entry(2, 3, transfer(Some(7)), Some(Answer::Done));
        let both = [first, again];
        assert!(is_possible(&both, [item(4, 3), item(6, 4)]));
        assert!(!is_possible(&both, [item(3, 3), item(7, 4)]));
        assert!(!is_possible(&both, [item(5, 1), item(5, 2)]));
        let refused = entry(4, 5, Call::IsNew(7), Some(Answer::Done));
        let [first, again] = both;
        assert!(!is_possible(&[first, again, refused], [item(4, 3), item(6, 4)]));
    }

    #[test]
    fn a_delete_that_finds_nothing_may_have_come_later() {
        let delete = |key| Step { key, act: Act::Delete, when: None };
        let gone = entry(1, 2, Call::Transact(vec![delete(0)], None), Some(Answer::Done));
        let again = entry(3, 9, Call::Transact(vec![delete(0)], None), Some(Answer::Done));
        let put = entry(4, 8, Call::Exchange(add(0, 1, 3, None)), Some(Answer::Found(None)));
        let history = [gone, again, put];
        assert!(is_possible(&history, [None, item(5, 2)]));
        assert!(is_possible(&history, [item(1, 3), item(5, 2)]));
    }

    #[test]
    fn conditions_are_judged_by_what_there_is() {
        let poor = add(0, -9, 3, Some(When::AtLeast(9)));
        let refused = |found| entry(1, 2, Call::Exchange(poor), Some(Answer::Refused(found)));
        assert!(is_possible(&[refused(item(5, 1))], [item(5, 1), item(5, 2)]));
        assert!(!is_possible(&[refused(item(4, 1))], [item(5, 1), item(5, 2)]));
        let done = entry(1, 2, Call::Exchange(poor), Some(Answer::Found(item(5, 1))));
        assert!(!is_possible(&[done], [item(-4, 3), item(5, 2)]));
    }
}
