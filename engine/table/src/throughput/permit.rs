//! What a request has reserved of a table or an index, until it is known what it took; and what is told of one that
//! is turned away.

use bytes::Bytes;
use flywheel_api::{ApiError, ErrorCode, ThrottlingReason};
use flywheel_capacity::admission::{Exception, Limit, Reason, Resource};
use flywheel_capacity::operation::Operation as Kind;
use flywheel_capacity::tokens::Tokens;
use flywheel_shard::Meter;

use super::meters::Meters;
use crate::capacity::Units;
use crate::keys;
use crate::storage::Storage;
use crate::table::{GlobalIndex, Source, Table};
use crate::tables::Tables;
use crate::wording;

/// What a write surely takes of its table, and reserves of each index that it may change.
const LEAST: Tokens = Tokens::units(1);

/// Where a request is counted among the partitions: at its first key.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    key: Bytes,
    /// How much of it names what the request is for; `None` if that is no one key.
    named_bytes: Option<usize>,
}

impl Spot {
    /// An item's, or an entry's.
    pub fn item(key: &Bytes) -> Self {
        Self { key: key.clone(), named_bytes: Some(key.len()) }
    }

    /// That of a page, which begins at `start`: of items with one partition key, or of a whole table.
    pub fn page(start: &Bytes, is_query: bool) -> Self {
        let named_bytes = is_query.then(|| keys::collection_bytes(start));
        Self { key: start.clone(), named_bytes }
    }

    fn named(&self) -> Option<&[u8]> {
        Some(&self.key[..self.named_bytes?])
    }
}

/// A reservation of the partition at a spot; given back if it is dropped.
#[must_use = "what was taken is to be settled"]
pub(crate) struct SpotPermit<'t, S: Storage> {
    tables: &'t Tables<S>,
    kind: Kind,
    spot: Spot,
    reserved: Tokens,
}

impl<S: Storage> SpotPermit<'_, S> {
    /// It took so many units.
    pub fn settle(mut self, units: f64) {
        self.settle_with(Tokens::from_f64(units));
        self.reserved = Tokens::ZERO;
    }

    fn settle_with(&self, taken: Tokens) {
        self.tables.storage().consumption(&self.spot.key, |partition| {
            let now_ns = || self.tables.monotonic_ns();
            partition.settle(self.kind, self.spot.named(), now_ns, (self.reserved, taken));
        });
    }
}

impl<S: Storage> Drop for SpotPermit<'_, S> {
    fn drop(&mut self) {
        if self.reserved != Tokens::ZERO {
            self.settle_with(Tokens::ZERO);
        }
    }
}

/// A reservation of a table or an index, and of a partition; given back if it is dropped.
#[must_use = "what was taken is to be settled"]
pub(crate) struct Permit<'t, S: Storage> {
    meter: &'t Meter,
    reserved: Tokens,
    /// `None` where a request has no spot of its own: of entries of indexes, and of transactions.
    partition: Option<SpotPermit<'t, S>>,
}

impl<S: Storage> Permit<'_, S> {
    /// It took so many units.
    pub fn settle(mut self, units: f64) {
        self.meter.settle(self.reserved, Tokens::from_f64(units));
        self.reserved = Tokens::ZERO;
        if let Some(partition) = self.partition.take() {
            partition.settle(units);
        }
    }
}

impl<S: Storage> Drop for Permit<'_, S> {
    fn drop(&mut self) {
        if self.reserved != Tokens::ZERO {
            self.meter.settle(self.reserved, Tokens::ZERO);
        }
    }
}

/// What a write has reserved: of its table and the item's partition, and of each of the table's global indexes.
#[must_use = "what was taken is to be settled"]
pub(crate) struct WritePermit<'t, S: Storage> {
    table: &'t Table,
    own: Permit<'t, S>,
    indexes: Vec<Permit<'t, S>>,
}

impl<S: Storage> WritePermit<'_, S> {
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
    /// Reserves units for a read of that source, at a spot; of a transaction, whose items are in many, at none.
    ///
    /// # Errors
    /// What is told of a request that is throttled.
    pub(crate) fn reserve_read<'t>(
        &'t self,
        table: &'t Table,
        source: Source<'t>,
        spot: Option<Spot>,
        units: f64,
    ) -> Result<Permit<'t, S>, ApiError> {
        let of = match source {
            Source::Table | Source::Local(_) => Of { table, index: None },
            Source::Global(index) => Of { table, index: Some(index) },
        };
        self.reserve(of, Kind::Read, spot, Tokens::from_f64(units))
    }

    /// Reserves a unit for writes to a table, at a spot or at none, and one of each of its global indexes, which may
    /// take any.
    ///
    /// # Errors
    /// What is told of a request that is throttled.
    pub(crate) fn reserve_write<'t>(
        &'t self,
        table: &'t Table,
        spot: Option<Spot>,
    ) -> Result<WritePermit<'t, S>, ApiError> {
        let own = self.reserve(Of { table, index: None }, Kind::Write, spot, LEAST)?;
        let indexes = table
            .globals
            .iter()
            .map(|index| self.reserve(Of { table, index: Some(index) }, Kind::Write, None, LEAST));
        let indexes = indexes.collect::<Result<Vec<_>, ApiError>>()?;
        Ok(WritePermit { table, own, indexes })
    }

    /// Reserves units of the partition at a spot.
    ///
    /// # Errors
    /// What is told of a request that is throttled.
    pub(crate) fn reserve_at<'t>(
        &'t self,
        table: &Table,
        spot: Spot,
        kind: Kind,
        units: f64,
    ) -> Result<SpotPermit<'t, S>, ApiError> {
        let of = Of { table, index: None };
        self.reserve_partition(of, spot, kind, Tokens::from_f64(units))
    }

    fn reserve<'t>(
        &'t self,
        of: Of<'t>,
        kind: Kind,
        spot: Option<Spot>,
        amount: Tokens,
    ) -> Result<Permit<'t, S>, ApiError> {
        let meter = of.meters().of(kind);
        let reserved = meter.reserve(|| self.monotonic_ns(), amount);
        let reserved = reserved.map_err(|limit| self.throttled(of, kind, limit))?;
        // From here on it is given back whatever comes.
        let mut permit = Permit { meter, reserved, partition: None };
        if let Some(spot) = spot {
            permit.partition = Some(self.reserve_partition(of, spot, kind, amount)?);
        }
        Ok(permit)
    }

    fn reserve_partition<'t>(
        &'t self,
        of: Of<'_>,
        spot: Spot,
        kind: Kind,
        amount: Tokens,
    ) -> Result<SpotPermit<'t, S>, ApiError> {
        let mut permit = SpotPermit { tables: self, kind, spot, reserved: Tokens::ZERO };
        if self.options().throttling.has_partition_limits() {
            let spot = &permit.spot;
            let reserved = self.storage().consumption(&spot.key, |partition| {
                partition.reserve(kind, spot.named(), || self.monotonic_ns(), amount)
            });
            permit.reserved = reserved.map_err(|limit| {
                of.meters().of(kind).count_throttled();
                self.throttled(of, kind, limit)
            })?;
        }
        Ok(permit)
    }

    fn monotonic_ns(&self) -> u64 {
        (self.options().monotonic_ns)()
    }

    fn throttled(&self, of: Of<'_>, kind: Kind, limit: Limit) -> ApiError {
        let (table, index) = (of.table, of.index.map(|index| &*index.name));
        let is_on_demand = of.meters().is_on_demand;
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

/// Whose capacity is asked for: a table's, or a global index's.
#[derive(Clone, Copy)]
struct Of<'t> {
    table: &'t Table,
    index: Option<&'t GlobalIndex>,
}

impl<'t> Of<'t> {
    fn meters(self) -> &'t Meters {
        self.index.map_or(&self.table.meters, |index| &index.meters)
    }
}
