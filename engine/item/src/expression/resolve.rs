//! A condition's text with its placeholders looked up and its operands checked: the condition itself.

use super::check;
use super::condition::{Condition, Term};
use super::placeholders::Placeholders;
use super::syntax::{Call, ConditionSyntax, Operand};
use crate::invalid::ExpressionFault;
use crate::limits::MAX_IN_OPERANDS;
use crate::path::Path;
use crate::value::{AttributeType, AttributeValue};

/// What the second operand of `attribute_type` may be as far as is known without an item.
const ANY_TYPE: &str = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}";

/// Makes the condition. Its text was checked.
pub(super) fn condition(
    syntax: &ConditionSyntax<'_>,
    placeholders: &mut Placeholders,
) -> Result<Condition, ExpressionFault> {
    let mut each = |one: &ConditionSyntax<'_>| condition(one, placeholders);
    Ok(match syntax {
        ConditionSyntax::And(both) => Condition::And(Box::new([each(&both[0])?, each(&both[1])?])),
        ConditionSyntax::Or(both) => Condition::Or(Box::new([each(&both[0])?, each(&both[1])?])),
        ConditionSyntax::Not(one) => Condition::Not(Box::new(each(one)?)),
        ConditionSyntax::Group(one) => each(one)?,
        ConditionSyntax::Compare { comparator, operands } => {
            let [left, right] = &**operands;
            let terms = [term(left, placeholders)?, term(right, placeholders)?];
            distinct(comparator.sign(), &terms)?;
            if comparator.orders() {
                all_ordered(comparator.sign(), &terms)?;
            }
            Condition::Compare(*comparator, Box::new(terms))
        }
        ConditionSyntax::Between(operands) => {
            let [operand, low, high] = &**operands;
            let terms =
                [term(operand, placeholders)?, term(low, placeholders)?, term(high, placeholders)?];
            distinct("BETWEEN", &terms)?;
            all_ordered("BETWEEN", &terms)?;
            if let [_, Term::Value(low), Term::Value(high)] = &terms {
                check::bounds(low, high)?;
            }
            Condition::Between(Box::new(terms))
        }
        ConditionSyntax::In { operand, list } => {
            let mut terms = vec![term(operand, placeholders)?];
            for operand in list {
                terms.push(term(operand, placeholders)?);
            }
            if list.len() > MAX_IN_OPERANDS {
                return Err(ExpressionFault::TooManyOperandsForIn(list.len()));
            }
            distinct("IN", &terms)?;
            let list = terms.split_off(1);
            Condition::In(Box::new(terms.remove(0)), list)
        }
        ConditionSyntax::Call(call) => function(call, placeholders)?,
    })
}

fn function(
    call: &Call<'_>,
    placeholders: &mut Placeholders,
) -> Result<Condition, ExpressionFault> {
    let mut terms = Vec::with_capacity(2);
    for operand in &call.operands {
        terms.push(term(operand, placeholders)?);
    }
    let path = |term: Term| match term {
        Term::Path(path) => Ok(path),
        _ => Err(ExpressionFault::NeedsPath(call.name.into())),
    };
    let mut terms = terms.into_iter();
    let first = terms.next().expect("operands were counted");
    let Some(second) = terms.next() else {
        let path = path(first)?;
        return Ok(match call.name {
            "attribute_exists" => Condition::Exists(path),
            _ => Condition::NotExists(path),
        });
    };
    match call.name {
        "attribute_type" => {
            let path: Path = path(first)?;
            type_name(call.name, second).map(|kind| Condition::HasType(path, kind))
        }
        "begins_with" => {
            let terms = [first, second];
            distinct(call.name, &terms)?;
            let allowed = |kind| matches!(kind, AttributeType::S | AttributeType::B);
            terms
                .iter()
                .try_for_each(|term| check::operand_type(call.name, kind(term), allowed))?;
            Ok(Condition::BeginsWith(Box::new(terms)))
        }
        _ => {
            let terms = [first, second];
            distinct(call.name, &terms)?;
            Ok(Condition::Contains(Box::new(terms)))
        }
    }
}

/// The type that the second operand of `attribute_type` names.
fn type_name(function: &str, term: Term) -> Result<AttributeType, ExpressionFault> {
    if let Term::Value(value) = &term
        && let AttributeValue::S(name) = &**value
    {
        let unknown = || ExpressionFault::UnknownTypeName(name.clone());
        return AttributeType::from_code(name).ok_or_else(unknown);
    }
    let kind = kind(&term).map_or(ANY_TYPE, AttributeType::code);
    Err(ExpressionFault::OperandType { operator: function.into(), kind })
}

fn term(operand: &Operand<'_>, placeholders: &mut Placeholders) -> Result<Term, ExpressionFault> {
    match operand {
        Operand::Path(path) => check::path(path, placeholders).map(Term::Path),
        Operand::Value(key) => placeholders.value(key).map(Term::Value),
        Operand::Group(inner) => term(inner, placeholders),
        Operand::Call(call) => {
            let of = term(&call.operands[0], placeholders)?;
            let has_size = |kind| {
                !matches!(kind, AttributeType::N | AttributeType::Bool | AttributeType::Null)
            };
            check::operand_type(call.name, kind(&of), has_size)?;
            Ok(Term::Size(Box::new(of)))
        }
        Operand::Sum { .. } => unreachable!("the grammar of conditions has no sums"),
    }
}

/// A term's type, where it does not hang on an item.
fn kind(term: &Term) -> Option<AttributeType> {
    match term {
        Term::Path(_) => None,
        Term::Value(value) => Some(value.kind()),
        Term::Size(_) => Some(AttributeType::N),
    }
}

fn all_ordered(operator: &str, terms: &[Term]) -> Result<(), ExpressionFault> {
    terms
        .iter()
        .try_for_each(|term| check::operand_type(operator, kind(term), AttributeType::is_ordered))
}

/// A path is not compared to itself.
fn distinct(operator: &str, terms: &[Term]) -> Result<(), ExpressionFault> {
    let Some((Term::Path(first), rest)) = terms.split_first() else { return Ok(()) };
    let again = rest.iter().any(|term| matches!(term, Term::Path(path) if path == first));
    if !again {
        return Ok(());
    }
    Err(ExpressionFault::NotDistinct { operator: operator.into(), path: first.to_string() })
}
