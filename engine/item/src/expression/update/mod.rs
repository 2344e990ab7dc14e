//! Updates: what a write changes in an item. `parse` reads and checks them, `apply` does them, `charge`
//! counts what a request with one is charged.

mod apply;
mod charge;
mod parse;

use std::sync::Arc;

use crate::path::Path;
use crate::value::AttributeValue;

/// An update without placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its changes, section by section in the order in which they were written.
    sections: Vec<Vec<Action>>,
    /// Whether it came before expressions, which had other words for some faults.
    is_legacy: bool,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What is changed.
    pub path: Path,
    /// How.
    pub change: Change,
}

/// What becomes of what stands at a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This takes its place.
    Set(SetTerm),
    /// It goes.
    Remove,
    /// A number is added, or members are.
    Add(Arc<AttributeValue>),
    /// Members go.
    Delete(Arc<AttributeValue>),
}

/// What something is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum SetTerm {
    /// What stands there.
    Path(Path),
    /// A value, which may be large and used often.
    Value(Arc<AttributeValue>),
    /// The sum of two numbers, or their difference.
    Sum {
        /// Whether it is the difference.
        is_minus: bool,
        /// The numbers.
        terms: Box<[SetTerm; 2]>,
    },
    /// What stands there, or something else if nothing does.
    IfNotExists(Path, Box<SetTerm>),
    /// Two lists one behind the other.
    ListAppend(Box<[SetTerm; 2]>),
}

impl Update {
    /// Of `AttributeUpdates`. No path may be or go through another.
    pub(crate) fn of_legacy(actions: Vec<Action>) -> Self {
        Self { sections: vec![actions], is_legacy: true }
    }

    /// Its changes.
    pub fn actions(&self) -> impl DoubleEndedIterator<Item = &Action> + Clone {
        self.sections.iter().flatten()
    }

    /// Whether it only takes away: then it makes no item where there is none.
    pub fn only_clears(&self) -> bool {
        let clears = |action: &Action| matches!(action.change, Change::Remove | Change::Delete(_));
        self.actions().next().is_some() && self.actions().all(clears)
    }

    /// Every path that it changes or reads.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.actions().map(|action| &action.path).collect();
        for action in self.actions() {
            if let Change::Set(term) = &action.change {
                term.visit_paths(&mut |path| paths.push(path));
            }
        }
        paths
    }
}

impl SetTerm {
    fn visit_paths<'a>(&'a self, see: &mut impl FnMut(&'a Path)) {
        match self {
            Self::Path(path) => see(path),
            Self::Value(_) => {}
            Self::Sum { terms, .. } | Self::ListAppend(terms) => {
                terms.iter().for_each(|term| term.visit_paths(see));
            }
            Self::IfNotExists(path, term) => {
                see(path);
                term.visit_paths(see);
            }
        }
    }
}
