//! Parameters that came before expressions, as the conditions and updates that they mean: `Expected`,
//! `QueryFilter`, `ScanFilter`, `KeyConditions`, `AttributeUpdates`.

mod conditions;
mod updates;

pub use conditions::{
    Combine, Expectation, LegacyCondition, LegacyOperator, expected, filter, key_conditions,
};
pub use updates::{AttributeUpdate, LegacyAction, updates};
