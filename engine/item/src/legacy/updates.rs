//! `AttributeUpdates`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expression::{Action, Change, SetTerm, Update};
use crate::invalid::{Invalid, LegacyFault};
use crate::path::Path;
use crate::value::{AttributeType, AttributeValue};

/// An `Action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LegacyAction {
    /// Sets the attribute.
    #[default]
    Put,
    /// Adds to a number, a set or a list.
    Add,
    /// Takes members from a set, or the attribute away.
    Delete,
}

/// What becomes of one attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttributeUpdate {
    /// How.
    pub action: LegacyAction,
    /// With what.
    pub value: Option<AttributeValue>,
}

/// The update that `AttributeUpdates` means.
///
/// # Errors
/// If an entry is none.
pub fn updates(entries: BTreeMap<String, AttributeUpdate>) -> Result<Update, Invalid> {
    let action = |(name, update): (String, AttributeUpdate)| {
        let change = change(update).map_err(Invalid::Legacy)?;
        Ok(Action { path: Path::of_name(&name), change })
    };
    entries.into_iter().map(action).collect::<Result<_, _>>().map(Update::of_legacy)
}

fn change(update: AttributeUpdate) -> Result<Change, LegacyFault> {
    let AttributeUpdate { action, value } = update;
    match (action, value) {
        (LegacyAction::Delete, None) => Ok(Change::Remove),
        (_, None) => Err(LegacyFault::UpdateWithoutValue),
        (LegacyAction::Put, Some(value)) => Ok(Change::Set(SetTerm::Value(Arc::new(value)))),
        (LegacyAction::Add, Some(value)) => {
            let kind = value.kind();
            if kind.is_set() || matches!(kind, AttributeType::N | AttributeType::L) {
                Ok(Change::Add(Arc::new(value)))
            } else {
                Err(LegacyFault::AddType(kind))
            }
        }
        (LegacyAction::Delete, Some(value)) if value.kind().is_set() => {
            Ok(Change::Delete(Arc::new(value)))
        }
        (LegacyAction::Delete, Some(value)) => Err(LegacyFault::DeleteType(value.kind())),
    }
}
