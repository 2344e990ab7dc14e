//! Updates from text.

use super::{Action, Change, SetTerm, Update};
use crate::expression::placeholders::Placeholders;
use crate::expression::syntax::{
    ActionSyntax, Call, Operand, PathSyntax, Section, Step, UpdateSyntax,
};
use crate::expression::{check, parser};
use crate::invalid::{ExpressionFault, ExpressionKind, Invalid};
use crate::path::Path;
use crate::value::{AttributeType, AttributeValue};

impl Update {
    /// Reads an update.
    ///
    /// # Errors
    /// If it is none, needs a name or value that is not defined, or changes something twice.
    pub fn parse(text: &str, placeholders: &mut Placeholders) -> Result<Self, Invalid> {
        read(text, placeholders).map_err(|fault| Invalid::Expression(ExpressionKind::Update, fault))
    }
}

/// In DynamoDB's order: the text, the paths and how they overlap, then all names and then all values from
/// the last action back to the first.
fn read(text: &str, placeholders: &mut Placeholders) -> Result<Update, ExpressionFault> {
    let syntax = parser::update(text)?;
    check::update_text(&syntax)?;
    let actions: Vec<(Section, &ActionSyntax<'_>)> = flattened(&syntax).collect();
    let mut paths = Vec::with_capacity(actions.len());
    for (_, action) in &actions {
        paths.push(check::path(&action.path, placeholders)?);
    }
    check::distinct_paths(paths.iter())?;
    for (_, action) in actions.iter().rev() {
        action.operand.as_ref().map_or(Ok(()), |operand| names(operand, placeholders))?;
    }
    let mut read = Vec::with_capacity(actions.len());
    for ((section, action), path) in actions.into_iter().zip(paths).rev() {
        let operand = action.operand.as_ref();
        read.push(Action { path, change: change(section, operand, placeholders)? });
    }
    let mut sections = Vec::with_capacity(syntax.sections.len());
    for (_, actions) in &syntax.sections {
        sections.push(read.split_off(read.len() - actions.len()).into_iter().rev().collect());
    }
    Ok(Update { sections, is_legacy: false })
}

fn flattened<'s, 'a>(
    syntax: &'s UpdateSyntax<'a>,
) -> impl Iterator<Item = (Section, &'s ActionSyntax<'a>)> {
    let of = |(section, actions): &'s (Section, Vec<ActionSyntax<'a>>)| {
        actions.iter().map(|action| (*section, action))
    };
    syntax.sections.iter().flat_map(of)
}

/// Looks up the names of an operand, for those come before all values.
fn names(operand: &Operand<'_>, placeholders: &mut Placeholders) -> Result<(), ExpressionFault> {
    let of_path = |path: &PathSyntax<'_>, placeholders: &mut Placeholders| {
        path.steps.iter().try_for_each(|step| match step {
            Step::Placeholder(key) => placeholders.name(key).map(|_| ()),
            _ => Ok(()),
        })
    };
    match operand {
        Operand::Path(path) => of_path(path, placeholders),
        Operand::Value(_) => Ok(()),
        Operand::Group(inner) => names(inner, placeholders),
        Operand::Call(Call { operands, .. }) => {
            operands.iter().try_for_each(|operand| names(operand, placeholders))
        }
        Operand::Sum { operands, .. } => {
            operands.iter().try_for_each(|operand| names(operand, placeholders))
        }
    }
}

fn change(
    section: Section,
    operand: Option<&Operand<'_>>,
    placeholders: &mut Placeholders,
) -> Result<Change, ExpressionFault> {
    let Some(operand) = operand else { return Ok(Change::Remove) };
    let (term, action) = (term(operand, placeholders)?, section.name());
    let (SetTerm::Value(value), Section::Add | Section::Delete) = (&term, section) else {
        return Ok(Change::Set(term));
    };
    let kind = value.kind();
    let is_number = section == Section::Add && kind == AttributeType::N;
    if !(kind.is_set() || is_number) {
        return Err(ExpressionFault::ActionOperandType { action, kind });
    }
    let value = value.clone();
    Ok(if section == Section::Add { Change::Add(value) } else { Change::Delete(value) })
}

fn term(
    operand: &Operand<'_>,
    placeholders: &mut Placeholders,
) -> Result<SetTerm, ExpressionFault> {
    let mut each = |operand: &Operand<'_>| term(operand, placeholders);
    match operand {
        Operand::Path(path) => check::path(path, placeholders).map(SetTerm::Path),
        Operand::Value(key) => placeholders.value(key).map(SetTerm::Value),
        Operand::Group(inner) => each(inner),
        Operand::Sum { is_minus, operands } => {
            let terms = [each(&operands[0])?, each(&operands[1])?];
            let sign = if *is_minus { "-" } else { "+" };
            let is_number = |kind| kind == AttributeType::N;
            terms.iter().try_for_each(|term| check::operand_type(sign, kind(term), is_number))?;
            Ok(SetTerm::Sum { is_minus: *is_minus, terms: Box::new(terms) })
        }
        Operand::Call(call) => {
            check::operand_count(call)?;
            let [first, second] = &call.operands[..] else {
                unreachable!("functions of updates have two operands")
            };
            let (first, second) = (each(first)?, each(second)?);
            match call.name {
                "if_not_exists" => {
                    let path = required_path(call.name, first)?;
                    Ok(SetTerm::IfNotExists(path, Box::new(second)))
                }
                _ => {
                    let terms = [first, second];
                    let is_list = |kind| kind == AttributeType::L;
                    terms
                        .iter()
                        .try_for_each(|term| check::operand_type(call.name, kind(term), is_list))?;
                    Ok(SetTerm::ListAppend(Box::new(terms)))
                }
            }
        }
    }
}

fn required_path(function: &str, term: SetTerm) -> Result<Path, ExpressionFault> {
    match term {
        SetTerm::Path(path) => Ok(path),
        _ => Err(ExpressionFault::NeedsPath(function.into())),
    }
}

/// A term's type, where it is a value.
fn kind(term: &SetTerm) -> Option<AttributeType> {
    match term {
        SetTerm::Value(value) => Some(AttributeValue::kind(value)),
        _ => None,
    }
}
