//! The five expressions: conditions of writes, filters, conditions on keys, projections and updates.
//!
//! ```text
//!   text -> lexer -> parser -> syntax -> check ----> Condition, KeyCondition, Projection, Update
//!                                          |
//!                              Placeholders: what #names and :values stand for
//! ```
//!
//! What is read from text has no placeholders left and borrows nothing, so that it can travel to the core
//! that owns an item. Nothing here knows tables: which attributes are keys, callers say.

mod check;
mod condition;
mod key_condition;
mod lexer;
mod parser;
mod placeholders;
mod projection;
mod reserved;
mod resolve;
mod syntax;
mod update;

pub(crate) use condition::order;
pub use condition::{Condition, Term};
pub use key_condition::{KeyCondition, KeyTest, QueriedKey};
pub use lexer::Comparator;
pub use placeholders::Placeholders;
pub use projection::Projection;
pub use update::{Action, Change, SetTerm, Update};

use crate::invalid::{ExpressionFault, ExpressionKind, Invalid};

impl Condition {
    /// Reads a condition of a write, or a filter.
    ///
    /// # Errors
    /// If it is none, or needs a name or value that is not defined.
    pub fn parse(
        kind: ExpressionKind,
        text: &str,
        placeholders: &mut Placeholders,
    ) -> Result<Self, Invalid> {
        let read = |placeholders: &mut Placeholders| -> Result<Self, ExpressionFault> {
            let syntax = parser::condition(text)?;
            check::condition_text(&syntax)?;
            resolve::condition(&syntax, placeholders)
        };
        read(placeholders).map_err(|fault| Invalid::Expression(kind, fault))
    }
}
