//! What must hold of an expression's text beyond its grammar, in DynamoDB's order, so that of several
//! faults the one is told that DynamoDB tells: first everything that the text alone shows, in the order in
//! which it is written; then placeholders, and what the operands are.

use super::placeholders::Placeholders;
use super::reserved::is_reserved;
use super::syntax::{Call, ConditionSyntax, Operand, PathSyntax, Step, UpdateSyntax};
use crate::invalid::ExpressionFault;
use crate::limits::{MAX_LIST_INDEX, MAX_OPERATORS, MAX_PATH_ELEMENTS};
use crate::path::{Path, PathElement};
use crate::value::{AttributeType, AttributeValue};

/// Functions of conditions, which hold or do not, and how many operands each has.
const CONDITION_FUNCTIONS: [(&str, usize); 5] = [
    ("attribute_exists", 1),
    ("attribute_not_exists", 1),
    ("attribute_type", 2),
    ("begins_with", 2),
    ("contains", 2),
];

/// The function of conditions that is an operand.
pub(super) const SIZE: (&str, usize) = ("size", 1);

/// Functions of updates.
const UPDATE_FUNCTIONS: [(&str, usize); 2] = [("if_not_exists", 2), ("list_append", 2)];

fn arity(functions: &[(&str, usize)], name: &str) -> Option<usize> {
    functions.iter().find(|(function, _)| *function == name).map(|(_, arity)| *arity)
}

/// Where a function may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where something holds or does not.
    Condition,
    /// Where something has a value, in a condition.
    Operand,
    /// The same in an update.
    Update,
}

/// Checks what the text of a condition alone shows.
pub(super) fn condition_text(condition: &ConditionSyntax<'_>) -> Result<(), ExpressionFault> {
    TextCheck::default().condition(condition)
}

/// The same of an update.
pub(super) fn update_text(update: &UpdateSyntax<'_>) -> Result<(), ExpressionFault> {
    let mut check = TextCheck::default();
    // A section at a time, in the order in which they first appear; each may appear once.
    let mut seen = Vec::new();
    for (section, _) in &update.sections {
        if seen.contains(section) {
            continue;
        }
        seen.push(*section);
        let same = update.sections.iter().filter(|(other, _)| other == section);
        for action in same.clone().flat_map(|(_, actions)| actions) {
            check.path(&action.path)?;
            action
                .operand
                .as_ref()
                .map_or(Ok(()), |operand| check.operand(operand, Place::Update))?;
        }
        if same.count() > 1 {
            return Err(ExpressionFault::SectionTwice(section.name()));
        }
    }
    Ok(())
}

/// The same of a path.
pub(super) fn path_text(path: &PathSyntax<'_>) -> Result<(), ExpressionFault> {
    TextCheck::default().path(path)
}

#[derive(Default)]
struct TextCheck {
    /// Operators and functions so far.
    operators: usize,
}

impl TextCheck {
    fn operator(&mut self) -> Result<(), ExpressionFault> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(ExpressionFault::TooManyOperators(self.operators));
        }
        Ok(())
    }

    fn condition(&mut self, condition: &ConditionSyntax<'_>) -> Result<(), ExpressionFault> {
        match condition {
            ConditionSyntax::And(both) | ConditionSyntax::Or(both) => {
                self.condition(&both[0])?;
                self.operator()?;
                self.condition(&both[1])
            }
            ConditionSyntax::Not(one) => {
                self.operator()?;
                self.condition(one)
            }
            ConditionSyntax::Group(one) => self.condition(one),
            ConditionSyntax::Compare { operands, .. } => {
                self.operator()?;
                operands.iter().try_for_each(|operand| self.operand(operand, Place::Operand))
            }
            ConditionSyntax::Between(operands) => {
                self.operator()?;
                operands.iter().try_for_each(|operand| self.operand(operand, Place::Operand))
            }
            ConditionSyntax::In { operand, list } => {
                self.operator()?;
                let mut all = std::iter::once(&**operand).chain(list);
                all.try_for_each(|operand| self.operand(operand, Place::Operand))
            }
            ConditionSyntax::Call(call) => self.call(call, Place::Condition),
        }
    }

    fn operand(&mut self, operand: &Operand<'_>, place: Place) -> Result<(), ExpressionFault> {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(_) => Ok(()),
            Operand::Call(call) => self.call(call, place),
            Operand::Group(inner) => self.operand(inner, place),
            Operand::Sum { operands, .. } => {
                self.operator()?;
                operands.iter().try_for_each(|operand| self.operand(operand, place))
            }
        }
    }

    fn call(&mut self, call: &Call<'_>, place: Place) -> Result<(), ExpressionFault> {
        self.operator()?;
        let name = call.name;
        let (of_conditions, of_updates) =
            (arity(&CONDITION_FUNCTIONS, name), arity(&UPDATE_FUNCTIONS, name));
        let of_operands = arity(&[SIZE], name);
        let fault = match place {
            _ if of_conditions.or(of_operands).or(of_updates).is_none() => {
                Some(ExpressionFault::UnknownFunction(name.into()))
            }
            Place::Update if of_updates.is_none() => {
                Some(ExpressionFault::NotInUpdate(name.into()))
            }
            Place::Condition | Place::Operand if of_updates.is_some() => {
                Some(ExpressionFault::NotInCondition(name.into()))
            }
            Place::Condition if of_conditions.is_none() => {
                Some(ExpressionFault::MisusedFunction(name.into()))
            }
            Place::Operand if of_operands.is_none() => {
                Some(ExpressionFault::MisusedFunction(name.into()))
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(fault);
        }
        // An update's operands are counted with its placeholders.
        if place != Place::Update {
            operand_count(call)?;
        }
        let within = if place == Place::Update { Place::Update } else { Place::Operand };
        call.operands.iter().try_for_each(|operand| {
            if name == "list_append"
                && matches!(operand.inner(), Operand::Call(call) if call.name == name)
            {
                return Err(ExpressionFault::MisusedFunction(name.into()));
            }
            self.operand(operand, within)
        })
    }

    fn path(&mut self, path: &PathSyntax<'_>) -> Result<(), ExpressionFault> {
        path.steps.iter().try_for_each(|step| match step {
            Step::Name(name) if is_reserved(name) => {
                Err(ExpressionFault::ReservedWord((*name).into()))
            }
            Step::Index(digits) if index(digits).is_none() => {
                Err(ExpressionFault::ListIndex((*digits).into()))
            }
            _ => Ok(()),
        })
    }
}

fn index(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|index| *index <= MAX_LIST_INDEX)
}

/// Checks that a function has as many operands as it takes. Its name is known.
pub(super) fn operand_count(call: &Call<'_>) -> Result<(), ExpressionFault> {
    let all = CONDITION_FUNCTIONS.into_iter().chain([SIZE]).chain(UPDATE_FUNCTIONS);
    let takes = all.into_iter().find(|(name, _)| *name == call.name).map(|(_, arity)| arity);
    if takes == Some(call.operands.len()) {
        return Ok(());
    }
    Err(ExpressionFault::OperandCount { function: call.name.into(), count: call.operands.len() })
}

/// Looks up the names of a path.
pub(super) fn path(
    path: &PathSyntax<'_>,
    placeholders: &mut Placeholders,
) -> Result<Path, ExpressionFault> {
    let mut elements = Vec::with_capacity(path.steps.len());
    for step in &path.steps {
        elements.push(match step {
            Step::Name(name) => PathElement::Name((*name).into()),
            Step::Placeholder(key) => PathElement::Name(placeholders.name(key)?.into()),
            Step::Index(digits) => {
                PathElement::Index(index(digits).expect("the text was checked first"))
            }
        });
    }
    if elements.len() > MAX_PATH_ELEMENTS {
        return Err(ExpressionFault::PathTooDeep(elements.len()));
    }
    Ok(Path::new(elements))
}

/// An operand's type must be among some, where it is known without an item.
pub(super) fn operand_type(
    operator: &str,
    kind: Option<AttributeType>,
    allowed: impl Fn(AttributeType) -> bool,
) -> Result<(), ExpressionFault> {
    match kind {
        Some(kind) if !allowed(kind) => {
            Err(ExpressionFault::OperandType { operator: operator.into(), kind: kind.code() })
        }
        _ => Ok(()),
    }
}

/// Two bounds must be of one type and in order, where both are values.
pub(super) fn bounds(low: &AttributeValue, high: &AttributeValue) -> Result<(), ExpressionFault> {
    let both = || Box::new([low.clone(), high.clone()]);
    if low.kind() != high.kind() {
        return Err(ExpressionFault::BetweenTypes(both()));
    }
    match super::condition::order(low, high) {
        Some(order) if order.is_gt() => Err(ExpressionFault::BetweenOrder(both())),
        _ => Ok(()),
    }
}

/// No two paths may be the same, or one go through another, or take one value for a list and for a map.
pub(super) fn distinct_paths<'a>(
    paths: impl Iterator<Item = &'a Path> + Clone,
) -> Result<(), ExpressionFault> {
    // In order, what goes through a path stands right behind it, and of what goes on from one place names
    // stand before indexes: so neighbours are all that need be compared.
    let mut sorted: Vec<(usize, &Path)> = paths.enumerate().collect();
    sorted.sort_by_key(|(_, path)| *path);
    if sorted.windows(2).all(|two| clash(two[0].1, two[1].1).is_none()) {
        return Ok(());
    }
    // Told of the first two as they were written, an overlap before a conflict.
    sorted.sort_by_key(|(at, _)| *at);
    let mut conflict = None;
    for (at, (_, second)) in sorted.iter().enumerate() {
        for (_, first) in &sorted[..at] {
            match clash(first, second) {
                Some(Clash::Overlap) => {
                    return Err(ExpressionFault::PathsOverlap(
                        first.to_string(),
                        second.to_string(),
                    ));
                }
                Some(Clash::Conflict) if conflict.is_none() => conflict = Some((*first, *second)),
                _ => {}
            }
        }
    }
    conflict.map_or(Ok(()), |(first, second)| {
        Err(ExpressionFault::PathsConflict(first.to_string(), second.to_string()))
    })
}

/// How two paths cannot go together.
enum Clash {
    /// One is the other, or goes through it.
    Overlap,
    /// One goes into a list where the other goes into a map.
    Conflict,
}

fn clash(first: &Path, second: &Path) -> Option<Clash> {
    let (a, b) = (first.elements(), second.elements());
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let is_index = |element: &PathElement| matches!(element, PathElement::Index(_));
    if common == a.len() || common == b.len() {
        Some(Clash::Overlap)
    } else if common > 0 && is_index(&a[common]) != is_index(&b[common]) {
        Some(Clash::Conflict)
    } else {
        None
    }
}
