//! Capacity as requests define it.

use flywheel_api::{ApiError, OnDemandThroughput, ProvisionedThroughput, WarmThroughput};

use super::wording::{self, Fault};
use crate::catalog::record::{BillingRecord, OnDemandRecord, ThroughputRecord, WarmRecord};
use crate::limits::MAX_THROUGHPUT_UNITS;

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::validation(message))
}

/// How a new table is paid for.
pub(crate) fn of_new_table(
    mode: Option<&str>,
    provisioned: Option<&ProvisionedThroughput>,
    bounds: Option<&OnDemandThroughput>,
    warm: Option<&WarmThroughput>,
) -> Result<BillingRecord, ApiError> {
    let is_on_demand = mode == Some("PAY_PER_REQUEST");
    match provisioned {
        Some(_) if is_on_demand => return refuse(wording::fault(Fault::ThroughputOnDemand)),
        Some(throughput) => check_bounds(throughput)?,
        None if is_on_demand => {}
        None => return refuse(wording::fault(Fault::ThroughputMissing)),
    }
    check_on_demand(bounds, is_on_demand, true)?;
    Ok(BillingRecord {
        is_on_demand,
        on_demand_since_ms: None,
        throughput: throughput(provisioned),
        on_demand: on_demand(bounds),
        warm: warmed(WarmRecord::default(), warm),
    })
}

/// Bounds on capacity on demand, of a table that is made or changed.
pub(crate) fn check_on_demand(
    bounds: Option<&OnDemandThroughput>,
    is_on_demand: bool,
    is_new: bool,
) -> Result<(), ApiError> {
    let Some(bounds) = bounds else { return Ok(()) };
    let members = [
        ("MaxReadRequestUnits", bounds.max_read_request_units),
        ("MaxWriteRequestUnits", bounds.max_write_request_units),
    ];
    for (member, value) in members {
        if value.is_some() && !is_on_demand {
            return refuse(wording::on_demand_of_provisioned(member, is_new));
        }
    }
    for (member, value) in members {
        // -1 takes a bound away, of a table that may have one.
        if value.is_some_and(|value| value < 1 && (is_new || value != -1)) {
            return refuse(wording::on_demand_range(member));
        }
    }
    Ok(())
}

pub(crate) fn check_bounds(throughput: &ProvisionedThroughput) -> Result<(), ApiError> {
    for (what, value) in [
        ("ReadCapacityUnits", throughput.read_capacity_units),
        ("WriteCapacityUnits", throughput.write_capacity_units),
    ] {
        if let Some(value) = value.filter(|value| *value > MAX_THROUGHPUT_UNITS) {
            return refuse(wording::out_of_bounds(value, what));
        }
    }
    Ok(())
}

pub(crate) fn throughput(throughput: Option<&ProvisionedThroughput>) -> ThroughputRecord {
    let Some(throughput) = throughput else { return ThroughputRecord::default() };
    ThroughputRecord {
        read_units: throughput.read_capacity_units.unwrap_or_default(),
        write_units: throughput.write_capacity_units.unwrap_or_default(),
        ..ThroughputRecord::default()
    }
}

pub(crate) fn on_demand(bounds: Option<&OnDemandThroughput>) -> OnDemandRecord {
    let bound = |value: Option<i64>| value.filter(|value| *value > 0);
    OnDemandRecord {
        most_read_units: bounds.and_then(|bounds| bound(bounds.max_read_request_units)),
        most_write_units: bounds.and_then(|bounds| bound(bounds.max_write_request_units)),
    }
}

/// What a table or an index is to be ready for once `wanted` is asked of it: it never falls.
pub(crate) fn warmed(current: WarmRecord, wanted: Option<&WarmThroughput>) -> WarmRecord {
    let Some(wanted) = wanted else { return current };
    WarmRecord {
        read_units: current.read_units.max(wanted.read_units_per_second),
        write_units: current.write_units.max(wanted.write_units_per_second),
    }
}
