//! Doing an update: everything is worked out from the item as it was, then written.
//!
//! Of several faults the one is told that DynamoDB tells: a parent that is there and of the wrong type,
//! then operands of a wrong type, then, from the last section back, what is not there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Action, Change, SetTerm, Update};
use crate::invalid::Invalid;
use crate::limits::{MAX_ITEM_BYTES, MAX_LEVELS};
use crate::number::Number;
use crate::path::{Path, PathElement};
use crate::size::{item_size_bytes, value_size_bytes};
use crate::value::{AttributeValue, Item};

/// What is to be written, worked out.
enum Write<'a> {
    Put(Cow<'a, AttributeValue>),
    Take,
    Nothing,
}

impl Update {
    /// The item after the update.
    ///
    /// # Errors
    /// If it cannot be done to this item, which is then as it was.
    pub fn apply(&self, item: &Item) -> Result<Item, Invalid> {
        self.applied(item).map_err(|fault| match fault {
            Invalid::UpdateOperandType if self.is_legacy => Invalid::LegacyUpdateType,
            fault => fault,
        })
    }

    fn applied(&self, item: &Item) -> Result<Item, Invalid> {
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
                Write::Put(value) => put(&mut updated, path, value.into_owned())?,
                Write::Take => removals.push(path),
                Write::Nothing => {}
            }
        }
        take(&mut updated, removals);
        if item_size_bytes(&updated) > MAX_ITEM_BYTES {
            return Err(Invalid::UpdateTooLarge);
        }
        Ok(updated)
    }

    /// What is to be written, in the order of paths.
    fn writes<'a>(&'a self, item: &'a Item) -> Result<Vec<(&'a Path, Write<'a>)>, Invalid> {
        let mut worker = Worker { item, left_bytes: MAX_ITEM_BYTES };
        let mut worked_out = Vec::new();
        for action in self.actions() {
            let write = worker.work_out(action);
            // There is no need to go on: nothing is told before it.
            if matches!(write, Err(Invalid::UpdateOperandType)) {
                return Err(Invalid::UpdateOperandType);
            }
            worked_out.push(write);
        }
        let mut found = worked_out.into_iter().rev();
        let mut writes = Vec::new();
        let mut late = None;
        for section in self.sections.iter().rev() {
            if section.iter().any(|action| !is_writable(&action.path, item)) {
                return Err(Invalid::UpdatePath);
            }
            let mut is_missing = false;
            for action in section.iter().rev() {
                match found.next().expect("one for each action") {
                    Ok(write) => writes.push((&action.path, write)),
                    Err(Invalid::UpdateMissingAttribute) => is_missing = true,
                    // Sums out of range, and too much of everything, are told last.
                    Err(other) => late = Some(other),
                }
            }
            if is_missing {
                return Err(Invalid::UpdateMissingAttribute);
            }
        }
        late.map_or(Ok(()), Err)?;
        writes.sort_by_key(|(path, _)| *path);
        Ok(writes)
    }
}

/// Works out what actions write, without a copy where it stands somewhere already.
struct Worker<'a> {
    item: &'a Item,
    /// What the rest may write. Targets do not overlap, so all that is written stands in the item then, and
    /// an item has its bound: a short text must not make gigabytes of a large attribute.
    left_bytes: usize,
}

impl<'a> Worker<'a> {
    fn work_out(&mut self, action: &'a Action) -> Result<Write<'a>, Invalid> {
        let there = action.path.get(self.item);
        let value = match (&action.change, there) {
            (Change::Set(term), _) => self.value_of(term)?,
            // What is not there is left so, even where something else of this update puts an element.
            (Change::Remove, None) | (Change::Delete(_), None) => return Ok(Write::Nothing),
            (Change::Remove, Some(_)) => return Ok(Write::Take),
            (Change::Add(value), None) => Cow::Borrowed(&**value),
            (Change::Add(value), Some(there)) => Cow::Owned(self.add(there, value)?),
            (Change::Delete(value), Some(there)) => match delete(there, value)? {
                Some(left) => Cow::Owned(left),
                // There are no empty sets: it goes with its last member.
                None => return Ok(Write::Take),
            },
        };
        self.left_bytes = self.left_behind(&[&value]);
        if self.left_bytes == 0 { Err(Invalid::UpdateTooLarge) } else { Ok(Write::Put(value)) }
    }

    /// What is left when these are written, too; 0 when it is too much, and no more is counted then. An item without names
    /// is none, so that nothing is left of none that fits.
    fn left_behind(&self, values: &[&AttributeValue]) -> usize {
        values.iter().fold(self.left_bytes, |left, value| match left {
            0 => 0,
            left => left.saturating_sub(value_size_bytes(value)),
        })
    }

    fn value_of(&self, term: &'a SetTerm) -> Result<Cow<'a, AttributeValue>, Invalid> {
        match term {
            SetTerm::Path(path) => {
                path.get(self.item).map(Cow::Borrowed).ok_or(Invalid::UpdateMissingAttribute)
            }
            SetTerm::Value(value) => Ok(Cow::Borrowed(value)),
            SetTerm::IfNotExists(path, term) => match path.get(self.item) {
                Some(there) => Ok(Cow::Borrowed(there)),
                None => self.value_of(term),
            },
            SetTerm::Sum { is_minus, terms } => {
                let is_number = |value: &AttributeValue| matches!(value, AttributeValue::N(_));
                let [left, right] = self.both(terms, is_number)?;
                let (AttributeValue::N(left), AttributeValue::N(right)) = (&*left, &*right) else {
                    return Err(Invalid::UpdateOperandType);
                };
                let sum =
                    if *is_minus { left.checked_sub(*right) } else { left.checked_add(*right) };
                sum.map(AttributeValue::N).map(Cow::Owned).map_err(Invalid::ArithmeticResult)
            }
            SetTerm::ListAppend(terms) => {
                let is_list = |value: &AttributeValue| matches!(value, AttributeValue::L(_));
                let [left, right] = self.both(terms, is_list)?;
                if self.left_behind(&[&left, &right]) == 0 {
                    return Err(Invalid::UpdateTooLarge);
                }
                match (left.into_owned(), right.into_owned()) {
                    (AttributeValue::L(mut left), AttributeValue::L(right)) => {
                        left.extend(right);
                        Ok(Cow::Owned(AttributeValue::L(left)))
                    }
                    _ => Err(Invalid::UpdateOperandType),
                }
            }
        }
    }

    /// Both terms, of the type they must have. A wrong type is told before something that is not there.
    fn both(
        &self,
        terms: &'a [SetTerm; 2],
        is_of_type: impl Fn(&AttributeValue) -> bool,
    ) -> Result<[Cow<'a, AttributeValue>; 2], Invalid> {
        let of = |term: &'a SetTerm| {
            let value = self.value_of(term)?;
            if is_of_type(&value) { Ok(value) } else { Err(Invalid::UpdateOperandType) }
        };
        match [of(&terms[0]), of(&terms[1])] {
            [Ok(left), Ok(right)] => Ok([left, right]),
            [Err(Invalid::UpdateOperandType), _] | [_, Err(Invalid::UpdateOperandType)] => {
                Err(Invalid::UpdateOperandType)
            }
            [Err(fault), _] | [_, Err(fault)] => Err(fault),
        }
    }

    fn add(
        &self,
        there: &AttributeValue,
        value: &AttributeValue,
    ) -> Result<AttributeValue, Invalid> {
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
}

/// The set without some members; `None` if none is left.
fn delete(
    there: &AttributeValue,
    value: &AttributeValue,
) -> Result<Option<AttributeValue>, Invalid> {
    use AttributeValue::{Bs, Ns, Ss};
    fn left<T: Ord + Clone>(
        there: &BTreeSet<T>,
        value: &BTreeSet<T>,
        into: fn(BTreeSet<T>) -> AttributeValue,
    ) -> Option<AttributeValue> {
        let left = there - value;
        (!left.is_empty()).then(|| into(left))
    }
    match (there, value) {
        (Ss(there), Ss(value)) => Ok(left(there, value, Ss)),
        (Ns(there), Ns(value)) => Ok(left(there, value, Ns)),
        (Bs(there), Bs(value)) => Ok(left(there, value, Bs)),
        _ => Err(Invalid::UpdateOperandType),
    }
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
    if !value.is_within_levels(MAX_LEVELS - (path.elements().len() - 1)) {
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

/// Takes out what stands at some paths, none of which goes through another.
fn take(item: &mut Item, mut paths: Vec<&Path>) {
    // What goes deepest first, while the indexes on its way are still those of the item as it was; elements
    // of one list together, for each that went alone would move all behind it.
    paths.sort_unstable_by(|a, b| b.elements().len().cmp(&a.elements().len()).then(a.cmp(b)));
    for together in paths.chunk_by(|a, b| a.parent() == b.parent()) {
        let Some(parent) = together[0].parent() else {
            together.iter().for_each(|path| drop(item.remove(path.name())));
            continue;
        };
        match parent.get_mut(item) {
            Some(AttributeValue::M(map)) => {
                for path in together {
                    if let PathElement::Name(name) = path.last() {
                        map.remove(&**name);
                    }
                }
            }
            Some(AttributeValue::L(list)) => {
                let gone: BTreeSet<usize> = together
                    .iter()
                    .filter_map(|path| match path.last() {
                        PathElement::Index(index) => Some(*index as usize),
                        PathElement::Name(_) => None,
                    })
                    .collect();
                let mut at = 0;
                list.retain(|_| {
                    at += 1;
                    !gone.contains(&(at - 1))
                });
            }
            _ => unreachable!("what is taken was there"),
        }
    }
}
