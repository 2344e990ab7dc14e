//! What clients of tables asked and were told, over all lives, and the tokens that they sent. Not the
//! judge of it: see `linear`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use super::shape::TableShape;
use super::state::{State, Step, Token};
use crate::history::{History, Looked};
use crate::keys::WriteId;

/// When simulated time begins, in milliseconds since 1970.
const BEGINNING_MS: u64 = 1_790_000_000_000;

/// How long nobody is there between two lives.
const RESTART: Duration = Duration::from_secs(1);

/// The record of one run.
#[derive(Debug)]
pub struct TableRecord {
    /// Calls and answers.
    pub history: History<State>,
    next_write: Cell<WriteId>,
    next_token: Cell<Token>,
    sent: RefCell<Vec<Sent>>,
    life_began_ms: Cell<u64>,
}

/// A transaction that was sent with a token.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The token.
    pub token: Token,
    /// What it asked for.
    pub steps: Vec<Step>,
    /// When it was sent for the first time, in milliseconds since 1970.
    pub first_ms: u64,
    /// How often it was sent, and nobody was told what became of it.
    unanswered: u32,
    is_done: bool,
}

impl Sent {
    /// Whether nobody knows if it was done.
    fn is_in_doubt(&self) -> bool {
        !self.is_done && self.unanswered > 0
    }
}

impl TableRecord {
    /// The record of a directory that does not exist yet.
    pub fn new(shape: &TableShape) -> Self {
        let nothing = State::new(vec![None; shape.keys().into()], BTreeSet::new());
        Self {
            history: History::new(nothing),
            next_write: Cell::new(1),
            next_token: Cell::new(1),
            sent: RefCell::default(),
            life_began_ms: Cell::new(BEGINNING_MS),
        }
    }

    /// A name for a write to come.
    pub fn name_write(&self) -> WriteId {
        self.next_write.replace(self.next_write.get() + 1)
    }

    /// A token for what is to be sent.
    pub fn name_token(&self, steps: &[Step], now_ms: u64) -> Token {
        let token = self.next_token.replace(self.next_token.get() + 1);
        let (steps, first_ms) = (steps.to_vec(), now_ms);
        let sent = Sent { token, steps, first_ms, unanswered: 0, is_done: false };
        self.sent.borrow_mut().push(sent);
        token
    }

    /// One of the transactions that were sent with a token.
    pub fn sent(&self, draw: u64) -> Option<Sent> {
        let sent = self.sent.borrow();
        sent.get(usize::try_from(draw).ok()?.checked_rem(sent.len())?).cloned()
    }

    /// Those of which nobody knows whether they were done.
    pub fn in_doubt(&self) -> Vec<Sent> {
        let sent = self.sent.borrow();
        sent.iter().filter(|sent| sent.is_in_doubt()).cloned().collect()
    }

    /// When a token was sent for the first time, if it still stands for something.
    pub fn first_ms(&self, token: Token) -> Option<u64> {
        let sent = self.sent.borrow();
        sent.iter().find(|sent| sent.token == token).map(|sent| sent.first_ms)
    }

    /// It is sent: until there is an answer nobody knows.
    pub fn send(&self, token: Token) {
        self.note(token, |sent| sent.unanswered += 1);
    }

    /// It was done.
    pub fn done(&self, token: Token) {
        self.note(token, |sent| sent.is_done = true);
    }

    /// This time it was not done.
    pub fn not_done(&self, token: Token) {
        self.note(token, |sent| sent.unanswered -= 1);
    }

    /// It is too old to stand for anything.
    pub fn forget(&self, token: Token) {
        self.sent.borrow_mut().retain(|sent| sent.token != token);
    }

    fn note(&self, token: Token, note: impl FnOnce(&mut Sent)) {
        if let Some(sent) = self.sent.borrow_mut().iter_mut().find(|sent| sent.token == token) {
            note(sent);
        }
    }

    /// These items were found, in tables that have just been opened: all is decided by now.
    pub fn settle(&self, mut found: State) -> Looked {
        // Of what is still in doubt the model may come to either end: nobody may ask for it any more.
        self.sent.borrow_mut().retain(|sent| !sent.is_in_doubt());
        found.set_done(self.tokens_done());
        self.history.settle(found, |_| Ok(()))
    }

    /// These items were found at rest.
    pub fn find(&self, mut found: State) -> Looked {
        found.set_done(self.tokens_done());
        self.history.find(found, |_| Ok(()))
    }

    fn tokens_done(&self) -> BTreeSet<Token> {
        let sent = self.sent.borrow();
        let done = sent.iter().filter(|sent| sent.is_done);
        done.map(|sent| sent.token).collect()
    }

    /// What time it is so long after the life began.
    pub fn at_ms(&self, after: Duration) -> u64 {
        self.life_began_ms.get() + after.as_millis() as u64
    }

    /// A life has ended, so long after it began.
    pub fn end_life(&self, after: Duration) {
        self.life_began_ms.set(self.at_ms(after + RESTART));
    }
}
