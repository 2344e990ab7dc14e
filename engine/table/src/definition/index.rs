//! Indexes as requests define them.

use std::collections::BTreeSet;

use flywheel_api::{
    ApiError, GlobalSecondaryIndex, LocalSecondaryIndex, Projection, ProvisionedThroughput,
};

use super::billing;
use super::key::Definitions;
use super::wording::{self, Fault};
use crate::catalog::record::{
    GlobalIndexRecord, KeyRecord, LocalIndexRecord, ProjectionRecord, TableStatus, WarmRecord,
};
use crate::limits::{MAX_GLOBAL_INDEXES, MAX_LOCAL_INDEXES};

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::validation(message))
}

/// The local indexes of a new table.
pub(crate) fn locals(
    indexes: &[LocalSecondaryIndex],
    definitions: &Definitions,
    table: &KeyRecord,
) -> Result<Vec<LocalIndexRecord>, ApiError> {
    if !indexes.is_empty() && table.sort.is_empty() {
        return refuse(wording::fault(Fault::NoRangeKey));
    }
    for index in indexes {
        definitions.check_index_key(index.key_schema.as_deref().unwrap_or_default())?;
    }
    let mut records = Vec::new();
    for index in indexes {
        let name = index.index_name.clone().unwrap_or_default();
        let schema = index.key_schema.as_deref().unwrap_or_default();
        let key = definitions.local_key(&name, schema, table)?;
        let projection = projection(index.projection.as_ref())?;
        let number = u8::try_from(records.len() + 1).unwrap_or(u8::MAX);
        records.push(LocalIndexRecord { name, number, key, projection });
    }
    check_names(records.iter().map(|index| index.name.as_str()))?;
    if records.len() > MAX_LOCAL_INDEXES {
        return refuse(wording::fault(Fault::TooManyLocalIndexes));
    }
    Ok(records)
}

/// The global indexes of a new table. Their numbers are still to be given.
pub(crate) fn globals(
    indexes: &[GlobalSecondaryIndex],
    definitions: &Definitions,
    is_on_demand: bool,
) -> Result<Vec<GlobalIndexRecord>, ApiError> {
    for index in indexes {
        definitions.check_index_key(index.key_schema.as_deref().unwrap_or_default())?;
    }
    let mut records = Vec::new();
    for index in indexes {
        let on_demand = billing::on_demand(index.on_demand_throughput.as_ref());
        let throughput = index.provisioned_throughput.as_ref();
        let schema = index.key_schema.as_deref().unwrap_or_default();
        records.push(GlobalIndexRecord {
            name: index.index_name.clone().unwrap_or_default(),
            number: 0,
            key: definitions.global_key(schema)?,
            projection: projection(index.projection.as_ref())?,
            status: TableStatus::Creating,
            is_backfilling: false,
            is_spread: false,
            filled_to: Vec::new(),
            throughput: billing::throughput(throughput),
            on_demand,
            warm: billing::warmed(WarmRecord::default(), index.warm_throughput.as_ref()),
        });
    }
    check_names(records.iter().map(|index| index.name.as_str()))?;
    if records.len() > MAX_GLOBAL_INDEXES {
        return refuse(wording::fault(Fault::TooManyGlobalIndexes));
    }
    for index in indexes {
        let name = index.index_name.as_deref().unwrap_or_default();
        check_throughput(name, index.provisioned_throughput.as_ref(), is_on_demand)?;
    }
    Ok(records)
}

/// That no two indexes of a table have one name.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return refuse(wording::duplicate_index(name));
        }
    }
    Ok(())
}

/// That an index has capacity of its own if its table has.
pub(crate) fn check_throughput(
    name: &str,
    throughput: Option<&ProvisionedThroughput>,
    is_on_demand: bool,
) -> Result<(), ApiError> {
    match (throughput, is_on_demand) {
        (Some(_), true) => refuse(wording::throughput_of_index(name)),
        (None, false) => refuse(wording::no_throughput_of_index(name)),
        (Some(throughput), false) => billing::check_bounds(throughput),
        (None, true) => Ok(()),
    }
}

/// What of an item is in an index.
pub(crate) fn projection(projection: Option<&Projection>) -> Result<ProjectionRecord, ApiError> {
    let Some(projection) = projection else {
        return refuse(wording::fault(Fault::UnknownProjection));
    };
    let names = projection.non_key_attributes.as_ref();
    let fault = match (projection.projection_type.as_deref(), names) {
        (Some("ALL"), None) => return Ok(ProjectionRecord::All),
        (Some("KEYS_ONLY"), None) => return Ok(ProjectionRecord::KeysOnly),
        (Some("INCLUDE"), Some(names)) if !names.is_empty() => {
            let distinct: BTreeSet<&String> = names.iter().collect();
            if distinct.len() == names.len() {
                return Ok(ProjectionRecord::Include(names.clone()));
            }
            Fault::DuplicateNames
        }
        (Some("ALL"), Some(_)) => Fault::NamesOfAll,
        (Some("KEYS_ONLY"), Some(_)) => Fault::NamesOfKeysOnly,
        (Some("INCLUDE"), None) => Fault::NoNames,
        (Some("INCLUDE"), Some(_)) => Fault::EmptyNames,
        _ => Fault::UnknownProjection,
    };
    refuse(wording::fault(fault))
}
