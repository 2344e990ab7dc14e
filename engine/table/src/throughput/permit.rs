//! What a request has reserved of a table or an index, until it is known what it took; and what is told of one that
//! is turned away.

use flywheel_api::{ApiError, ErrorCode, ThrottlingReason};
use flywheel_capacity::admission::{Exception, Limit, Reason, Resource};
use flywheel_capacity::operation::Operation as Kind;
use flywheel_capacity::tokens::Tokens;

use super::meter::Meter;
use super::meters::Meters;
use crate::capacity::Units;
use crate::storage::Storage;
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::wording;

/// What a write surely takes of its table, and reserves of each index that it may change.
const LEAST: Tokens = Tokens::units(1);

/// A reservation; given back if it is dropped.
#[derive(Debug)]
#[must_use = "what was taken is to be settled"]
pub(crate) struct Permit<'t> {
    meter: &'t Meter,
    reserved: Tokens,
}

impl Permit<'_> {
    /// It took so many units.
    pub fn settle(self, units: f64) {
        self.meter.settle(self.reserved, Tokens::from_f64(units));
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.reserved != Tokens::ZERO {
            self.meter.settle(self.reserved, Tokens::ZERO);
        }
    }
}

/// What a write has reserved: of its table, and of each of its global indexes.
#[derive(Debug)]
#[must_use = "what was taken is to be settled"]
pub(crate) struct WritePermit<'t> {
    table: &'t Table,
    own: Permit<'t>,
    indexes: Vec<Permit<'t>>,
}

impl WritePermit<'_> {
    /// It took these.
    pub fn settle(self, units: &Units) {
        // Entries of local indexes are in the table's own capacity.
        self.own.settle(units.table + units.locals.values().sum::<f64>());
        for (permit, index) in self.indexes.into_iter().zip(&self.table.globals) {
            permit.settle(units.globals.get(&index.name).copied().unwrap_or_default());
        }
    }

    /// Its condition did not hold: it takes so many of the table.
    pub fn settle_refused(self, units: f64) {
        self.own.settle(units);
    }
}

impl<S: Storage> Tables<S> {
    /// Reserves units for a read of that source.
    ///
    /// # Errors
    /// What is told of a request that is throttled.
    pub(crate) fn reserve_read<'t>(
        &self,
        table: &'t Table,
        source: Source<'t>,
        units: f64,
    ) -> Result<Permit<'t>, ApiError> {
        let (meters, index) = match source {
            Source::Table | Source::Local(_) => (&table.meters, None),
            Source::Global(index) => (&index.meters, Some(&*index.name)),
        };
        self.reserve(table, meters, index, Kind::Read, Tokens::from_f64(units))
    }

    /// Reserves a unit for writes to a table, and one of each of its global indexes, which may take any.
    ///
    /// # Errors
    /// What is told of a request that is throttled.
    pub(crate) fn reserve_write<'t>(&self, table: &'t Table) -> Result<WritePermit<'t>, ApiError> {
        let own = self.reserve(table, &table.meters, None, Kind::Write, LEAST)?;
        let indexes = table
            .globals
            .iter()
            .map(|index| self.reserve(table, &index.meters, Some(&index.name), Kind::Write, LEAST));
        let indexes = indexes.collect::<Result<Vec<_>, ApiError>>()?;
        Ok(WritePermit { table, own, indexes })
    }

    fn reserve<'t>(
        &self,
        table: &Table,
        meters: &'t Meters,
        index: Option<&str>,
        kind: Kind,
        amount: Tokens,
    ) -> Result<Permit<'t>, ApiError> {
        let meter = meters.of(kind);
        match meter.reserve(|| (self.options().monotonic_ns)(), amount) {
            Ok(reserved) => Ok(Permit { meter, reserved }),
            Err(limit) => Err(self.throttled(table, index, kind, limit, meters.is_on_demand)),
        }
    }

    fn throttled(
        &self,
        table: &Table,
        index: Option<&str>,
        kind: Kind,
        limit: Limit,
        is_on_demand: bool,
    ) -> ApiError {
        let resource = if index.is_some() { Resource::Index } else { Resource::Table };
        let reason = Reason { resource, operation: kind, limit };
        let code = match reason.exception(is_on_demand) {
            Exception::ProvisionedThroughputExceeded => ErrorCode::ProvisionedThroughputExceeded,
            Exception::Throttling => ErrorCode::Throttling,
            Exception::RequestLimitExceeded => ErrorCode::RequestLimitExceeded,
        };
        let arn = self.table_arn(table.name());
        let mut error = ApiError::new(code, wording::throttled(limit, index.is_some()));
        error.throttling = vec![ThrottlingReason {
            reason: reason.name().to_owned(),
            resource: index.map_or(arn.clone(), |index| format!("{arn}/index/{index}")),
        }];
        error
    }
}
