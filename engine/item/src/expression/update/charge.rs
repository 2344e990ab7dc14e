//! What DynamoDB counts of a request with an update when it holds it to the limit of an item: the request's
//! own text and values, never what stands in the table.
//!
//! ```text
//!   update              3, and every change
//!   SET target = term   19 + target + term
//!   ADD target :v       19 + target + :v
//!   REMOVE target       1 + target
//!   DELETE target :v    1 + target
//!
//!   target              its first element, and 4 + element for each further one
//!   path as a term      1, and 14 + element for each element
//!   element             bytes of a name, or digits of an index
//!   :v                  its size
//!   a + b, a - b        34, 37, and both
//!   if_not_exists(p, t) 39, and both
//!   list_append(a, b)   37, and both
//! ```
//!
//! Source: observed, by implementations that found the byte at which AWS refuses.

use super::{Change, SetTerm, Update};
use crate::path::{Path, PathElement};
use crate::size::value_size_bytes;

const UPDATE: usize = 3;
const WRITES: usize = 19;
const CLEARS: usize = 1;
const TARGET_STEP: usize = 4;
const TERM: usize = 1;
const TERM_STEP: usize = 14;
const PLUS: usize = 34;
const MINUS: usize = 37;
const IF_NOT_EXISTS: usize = 39;
const LIST_APPEND: usize = 37;

impl Update {
    /// What a request with it counts, in bytes, its key apart.
    pub fn request_size_bytes(&self) -> usize {
        let of = |action: &super::Action| {
            let target = target(&action.path);
            match &action.change {
                Change::Set(term) => WRITES + target + of_term(term),
                Change::Add(value) => WRITES + target + value_size_bytes(value),
                Change::Remove | Change::Delete(_) => CLEARS + target,
            }
        };
        UPDATE + self.actions().map(of).sum::<usize>()
    }
}

fn target(path: &Path) -> usize {
    let elements = path.elements();
    elements.iter().map(element).sum::<usize>() + (elements.len() - 1) * TARGET_STEP
}

fn of_path(path: &Path) -> usize {
    TERM + path.elements().iter().map(|one| TERM_STEP + element(one)).sum::<usize>()
}

fn element(element: &PathElement) -> usize {
    match element {
        PathElement::Name(name) => name.len(),
        PathElement::Index(index) => index.checked_ilog10().map_or(1, |power| power as usize + 1),
    }
}

fn of_term(term: &SetTerm) -> usize {
    let both = |terms: &[SetTerm; 2]| terms.iter().map(of_term).sum::<usize>();
    match term {
        SetTerm::Path(path) => of_path(path),
        SetTerm::Value(value) => value_size_bytes(value),
        SetTerm::Sum { is_minus, terms } => (if *is_minus { MINUS } else { PLUS }) + both(terms),
        SetTerm::IfNotExists(path, term) => IF_NOT_EXISTS + of_path(path) + of_term(term),
        SetTerm::ListAppend(terms) => LIST_APPEND + both(terms),
    }
}
