//! Doing an update: everything is worked out from the item as it was, then written.
//!
//! Of several faults the one is told that DynamoDB tells: a parent that is there and of the wrong type,
//! then operands of a wrong type, then, from the last section back, what is not there.

use super::{Action, Change, SetTerm, Update};
use crate::invalid::Invalid;
use crate::limits::MAX_LEVELS;
use crate::number::Number;
use crate::path::{Path, PathElement};
use crate::value::{AttributeValue, Item};

/// What is to be written, worked out.
enum Write {
    Put(AttributeValue),
    Take,
    Nothing,
}

impl Update {
    /// The item after the update.
    ///
    /// # Errors
    /// If it cannot be done to this item, which is then as it was.
    pub fn apply(&self, item: &Item) -> Result<Item, Invalid> {
        for action in self.actions() {
            if let Some(parent) = action.path.parent()
                && parent.get(item).is_some()
                && !is_writable(&action.path, item)
            {
                return Err(Invalid::UpdatePath);
            }
        }
        let writes = self.writes(item)?;
        let mut updated = item.clone();
        let mut removals = Vec::new();
        // In the order of their paths: what is written past the end of a list is put there in the order of
        // its indexes.
        for (path, write) in writes {
            match write {
                Write::Put(value) => put(&mut updated, path, value)?,
                Write::Take => removals.push(path),
                Write::Nothing => {}
            }
        }
        // From the last element back, so that taking one out moves none that is still to go.
        removals.sort_unstable();
        removals.iter().rev().for_each(|path| take(&mut updated, path));
        Ok(updated)
    }

    /// What is to be written, in the order of paths.
    fn writes(&self, item: &Item) -> Result<Vec<(&Path, Write)>, Invalid> {
        let mut worked_out = Vec::new();
        for action in self.actions() {
            worked_out.push(work_out(action, item));
        }
        if let Some(at) =
            worked_out.iter().position(|found| matches!(found, Err(Invalid::UpdateOperandType)))
        {
            return Err(worked_out.swap_remove(at).err().expect("it was found to be an error"));
        }
        let mut found = worked_out.into_iter().rev();
        let mut writes = Vec::new();
        let mut late = None;
        for section in self.sections.iter().rev() {
            if section.iter().any(|action| !is_writable(&action.path, item)) {
                return Err(Invalid::UpdatePath);
            }
            // From the last action back: the first fault of a section is told.
            let mut fault = None;
            for action in section.iter().rev() {
                match found.next().expect("one for each action") {
                    Ok(write) => writes.push((&action.path, write)),
                    Err(Invalid::UpdateMissingAttribute) => {
                        fault = Some(Invalid::UpdateMissingAttribute);
                    }
                    Err(other) => late = Some(other),
                }
            }
            fault.map_or(Ok(()), Err)?;
        }
        // Sums out of range are told last.
        late.map_or(Ok(()), Err)?;
        writes.sort_by_key(|(path, _)| *path);
        Ok(writes)
    }
}

/// What an action writes.
fn work_out(action: &Action, item: &Item) -> Result<Write, Invalid> {
    let there = action.path.get(item);
    match (&action.change, there) {
        (Change::Set(term), _) => value_of(term, item).map(Write::Put),
        // What is not there is left so, even where something else of this update puts an element.
        (Change::Remove, None) | (Change::Delete(_), None) => Ok(Write::Nothing),
        (Change::Remove, Some(_)) => Ok(Write::Take),
        (Change::Add(value), None) => Ok(Write::Put(value.clone())),
        (Change::Add(value), Some(there)) => add(there, value).map(Write::Put),
        (Change::Delete(value), Some(there)) => delete(there, value),
    }
}

fn value_of(term: &SetTerm, item: &Item) -> Result<AttributeValue, Invalid> {
    match term {
        SetTerm::Path(path) => path.get(item).cloned().ok_or(Invalid::UpdateMissingAttribute),
        SetTerm::Value(value) => Ok(value.clone()),
        SetTerm::IfNotExists(path, term) => match path.get(item) {
            Some(there) => Ok(there.clone()),
            None => value_of(term, item),
        },
        SetTerm::Sum { is_minus, terms } => {
            let number = |value| match value {
                AttributeValue::N(number) => Some(number),
                _ => None,
            };
            let [left, right] = both(terms, item, number)?;
            let sum = if *is_minus { left.checked_sub(right) } else { left.checked_add(right) };
            sum.map(AttributeValue::N).map_err(Invalid::ArithmeticResult)
        }
        SetTerm::ListAppend(terms) => {
            let list = |value| match value {
                AttributeValue::L(list) => Some(list),
                _ => None,
            };
            let [mut left, right] = both(terms, item, list)?;
            left.extend(right);
            Ok(AttributeValue::L(left))
        }
    }
}

/// Both terms as what they have to be. A wrong type is told before something that is not there.
fn both<T>(
    terms: &[SetTerm; 2],
    item: &Item,
    into: impl Fn(AttributeValue) -> Option<T>,
) -> Result<[T; 2], Invalid> {
    let of = |term: &SetTerm| {
        value_of(term, item).and_then(|value| into(value).ok_or(Invalid::UpdateOperandType))
    };
    match [of(&terms[0]), of(&terms[1])] {
        [Ok(left), Ok(right)] => Ok([left, right]),
        [Err(Invalid::UpdateOperandType), _] | [_, Err(Invalid::UpdateOperandType)] => {
            Err(Invalid::UpdateOperandType)
        }
        [Err(fault), _] | [_, Err(fault)] => Err(fault),
    }
}

fn add(there: &AttributeValue, value: &AttributeValue) -> Result<AttributeValue, Invalid> {
    use AttributeValue::{Bs, L, N, Ns, Ss};
    Ok(match (there, value) {
        (N(there), N(value)) => {
            N(Number::checked_add(*there, *value).map_err(Invalid::ArithmeticResult)?)
        }
        (Ss(there), Ss(value)) => Ss(there | value),
        (Ns(there), Ns(value)) => Ns(there | value),
        (Bs(there), Bs(value)) => Bs(there | value),
        // Only the parameter that came before expressions adds to lists.
        (L(there), L(value)) => L(there.iter().chain(value).cloned().collect()),
        _ => return Err(Invalid::UpdateOperandType),
    })
}

fn delete(there: &AttributeValue, value: &AttributeValue) -> Result<Write, Invalid> {
    use AttributeValue::{Bs, Ns, Ss};
    let (left, is_empty) = match (there, value) {
        (Ss(there), Ss(value)) => {
            let left = there - value;
            let is_empty = left.is_empty();
            (Ss(left), is_empty)
        }
        (Ns(there), Ns(value)) => {
            let left = there - value;
            let is_empty = left.is_empty();
            (Ns(left), is_empty)
        }
        (Bs(there), Bs(value)) => {
            let left = there - value;
            let is_empty = left.is_empty();
            (Bs(left), is_empty)
        }
        _ => return Err(Invalid::UpdateOperandType),
    };
    // There are no empty sets: it goes with its last member.
    Ok(if is_empty { Write::Take } else { Write::Put(left) })
}

/// Whether what a path's last step goes into is there, and is a map for a name or a list for an index.
fn is_writable(path: &Path, item: &Item) -> bool {
    let Some(parent) = path.parent() else { return true };
    matches!(
        (parent.get(item), path.last()),
        (Some(AttributeValue::M(_)), PathElement::Name(_))
            | (Some(AttributeValue::L(_)), PathElement::Index(_))
    )
}

fn put(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), Invalid> {
    if path.elements().len() - 1 + value.levels() > MAX_LEVELS {
        return Err(Invalid::UpdateNestsTooDeep);
    }
    let Some(parent) = path.parent() else {
        item.insert(path.name().to_owned(), value);
        return Ok(());
    };
    match (parent.get_mut(item), path.last()) {
        (Some(AttributeValue::M(map)), PathElement::Name(name)) => {
            map.insert((**name).to_owned(), value);
        }
        (Some(AttributeValue::L(list)), PathElement::Index(index)) => {
            match list.get_mut(*index as usize) {
                Some(there) => *there = value,
                None => list.push(value),
            }
        }
        _ => return Err(Invalid::UpdatePath),
    }
    Ok(())
}

fn take(item: &mut Item, path: &Path) {
    let Some(parent) = path.parent() else {
        item.remove(path.name());
        return;
    };
    match (parent.get_mut(item), path.last()) {
        (Some(AttributeValue::M(map)), PathElement::Name(name)) => drop(map.remove(&**name)),
        (Some(AttributeValue::L(list)), PathElement::Index(index)) => {
            let index = *index as usize;
            if index < list.len() {
                list.remove(index);
            }
        }
        _ => unreachable!("what is taken was there"),
    }
}
