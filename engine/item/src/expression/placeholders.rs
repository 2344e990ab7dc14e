//! What `#names` and `:values` stand for, and which of them were used. One for a request: its expressions
//! share them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::check_value;
use crate::hash_order::{HashTable, in_hash_order};
use crate::invalid::{ExpressionFault, Invalid, Placeholders as Which};
use crate::limits::MAX_PLACEHOLDER_BYTES;
use crate::value::{AttributeValue, Item};

/// The names and values of a request.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    /// Shared with what is made of them: a short text may use a large value hundreds of times.
    values: BTreeMap<String, Arc<AttributeValue>>,
    used_names: BTreeSet<String>,
    used_values: BTreeSet<String>,
}

impl Placeholders {
    /// Those of a request; `None` where it has no such parameter.
    ///
    /// # Errors
    /// If one is there and empty, a key is not of the form it must have, or a value is not sound.
    pub fn new(
        names: Option<BTreeMap<String, String>>,
        values: Option<Item>,
    ) -> Result<Self, Invalid> {
        if let Some(names) = &names {
            check_keys(Which::Names, b'#', names.keys())?;
            if let Some((key, _)) = names.iter().find(|(_, name)| name.is_empty()) {
                return Err(Invalid::EmptyName(key.clone()));
            }
        }
        if let Some(values) = &values {
            check_keys(Which::Values, b':', values.keys())?;
            values.values().try_for_each(check_value)?;
        }
        let names = names.unwrap_or_default();
        let values = values.into_iter().flatten();
        let values = values.map(|(key, value)| (key, Arc::new(value))).collect();
        Ok(Self { names, values, ..Self::default() })
    }

    /// The name that a placeholder stands for.
    pub(super) fn name(&mut self, key: &str) -> Result<&str, ExpressionFault> {
        let Some(name) = self.names.get(key) else {
            return Err(ExpressionFault::UndefinedName(key.into()));
        };
        if !self.used_names.contains(key) {
            self.used_names.insert(key.to_owned());
        }
        Ok(name)
    }

    /// The value that a placeholder stands for.
    pub(super) fn value(&mut self, key: &str) -> Result<Arc<AttributeValue>, ExpressionFault> {
        let Some(value) = self.values.get(key) else {
            return Err(ExpressionFault::UndefinedValue(key.into()));
        };
        if !self.used_values.contains(key) {
            self.used_values.insert(key.to_owned());
        }
        Ok(Arc::clone(value))
    }

    /// Ends with what no expression used.
    ///
    /// # Errors
    /// If there is any.
    pub fn finish(self) -> Result<(), Invalid> {
        let unused = |all: Vec<&String>, used: &BTreeSet<String>| {
            let total = all.len();
            let keys = all.into_iter().filter(|key| !used.contains(*key));
            in_hash_order(keys.cloned().collect(), HashTable::Copied(total))
        };
        let names = unused(self.names.keys().collect(), &self.used_names);
        if !names.is_empty() {
            return Err(Invalid::UnusedNames(names));
        }
        let values = unused(self.values.keys().collect(), &self.used_values);
        if values.is_empty() { Ok(()) } else { Err(Invalid::UnusedValues(values)) }
    }
}

fn check_keys<'a>(
    which: Which,
    sign: u8,
    keys: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), Invalid> {
    if keys.len() == 0 {
        return Err(Invalid::EmptyPlaceholders(which));
    }
    for key in keys {
        if key.len() > MAX_PLACEHOLDER_BYTES {
            return Err(Invalid::PlaceholderTooLong(which, key.len()));
        }
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        match key.as_bytes() {
            [first, rest @ ..]
                if *first == sign && !rest.is_empty() && rest.iter().all(is_word) => {}
            _ => return Err(Invalid::PlaceholderSyntax(which, key.clone())),
        }
    }
    Ok(())
}
