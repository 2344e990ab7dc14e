//! UpdateTable: capacity, indexes, protection, and the rest of a table's settings. The answer comes once the
//! change is in the catalog; indexes are made and taken away by `upkeep`.

use flywheel_api::{
    ApiError, CreateGlobalSecondaryIndexAction, ErrorCode, GlobalSecondaryIndexUpdate, Operation,
    UpdateTableRequest, UpdateTableResponse,
};

use super::create_table::stream;
use crate::catalog::record::{
    GlobalIndexRecord, TableClassRecord, TableRecord, TableStatus, ThroughputRecord, WarmRecord,
};
use crate::definition::key::Definitions;
use crate::definition::wording::{self, Fault};
use crate::definition::{billing, index};
use crate::describe::describe;
use crate::extents::Extents;
use crate::limits::MAX_GLOBAL_INDEXES;
use crate::storage::Storage;
use crate::tables::{Tables, table_name};

impl<S: Storage> Tables<S> {
    /// UpdateTable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn update_table(
        &self,
        request: UpdateTableRequest,
    ) -> Result<UpdateTableResponse, ApiError> {
        self.check(Operation::UpdateTable, &request)?;
        let name = table_name(request.table_name.as_deref().unwrap_or_default());
        check_request(&request)?;
        let updates = request.global_secondary_index_updates.as_deref().unwrap_or_default();
        let creates = updates.iter().filter(|update| update.create.is_some()).count();
        let change = |record: TableRecord, number| self.updated(&request, record, number).map(Some);
        let changed = self.catalog().change(name, creates as u32, change).await;
        let table = changed.map_err(|error| error.told(name))?;
        let table = table.ok_or_else(|| ApiError::not_found(wording::no_table(name)))?;
        // The change is made, whether or not its extents can be told now.
        let description = self.description(&table).await.unwrap_or_else(|_| {
            describe(&table.record, &self.table_arn(name), &Extents::default())
        });
        Ok(UpdateTableResponse { table_description: Some(description) })
    }

    fn updated(
        &self,
        request: &UpdateTableRequest,
        mut record: TableRecord,
        number: u32,
    ) -> Result<TableRecord, ApiError> {
        let now_ms = self.now_ms();
        if record.status != TableStatus::Active {
            let message = wording::in_use(&record.name, record.status.name());
            return Err(ApiError::new(ErrorCode::ResourceInUse, message));
        }
        update_billing(request, &mut record, now_ms)?;
        if let Some(definitions) = &request.attribute_definitions {
            // What is defined already keeps its type, and what nothing uses is passed over.
            for part in Definitions::new(definitions).parts() {
                if !record.attributes.iter().any(|known| known.name == part.name) {
                    record.attributes.push(part.clone());
                }
            }
        }
        update_indexes(request, &mut record, number, now_ms)?;
        keep_used_attributes(&mut record);
        if let Some(protection) = request.deletion_protection_enabled {
            record.deletion_protection = Some(protection);
        }
        if let Some(class) = &request.table_class {
            record.table_class =
                Some(TableClassRecord { name: class.clone(), updated_ms: Some(now_ms) });
        }
        if let Some(specification) = &request.sse_specification {
            record.encryption = Some(self.encryption(specification));
        }
        if let Some(specification) = &request.stream_specification {
            update_stream(specification, &mut record, now_ms)?;
        }
        // `upkeep` makes it active again.
        record.status = TableStatus::Updating;
        Ok(record)
    }
}

/// What can be told without the table.
fn check_request(request: &UpdateTableRequest) -> Result<(), ApiError> {
    let updates = request.global_secondary_index_updates.as_deref();
    let changes_something = request.billing_mode.is_some()
        || request.provisioned_throughput.is_some()
        || updates.is_some_and(|updates| !updates.is_empty())
        || request.stream_specification.is_some()
        || request.sse_specification.is_some()
        || request.deletion_protection_enabled.is_some()
        || request.table_class.is_some()
        || request.on_demand_throughput.is_some()
        || request.warm_throughput.is_some();
    if !changes_something {
        return Err(ApiError::validation(wording::NO_CHANGE));
    }
    if let Some(throughput) = &request.provisioned_throughput {
        if request.billing_mode.as_deref() == Some("PAY_PER_REQUEST") {
            return Err(ApiError::validation(wording::fault(Fault::ThroughputOnDemand)));
        }
        billing::check_bounds(throughput)?;
    }
    let is_none = |update: &GlobalSecondaryIndexUpdate| {
        update.create.is_none() && update.update.is_none() && update.delete.is_none()
    };
    if updates.unwrap_or_default().iter().any(is_none) {
        return Err(ApiError::validation(wording::NO_INDEX_UPDATE));
    }
    // One index may come or go at a time.
    let changing =
        |update: &&GlobalSecondaryIndexUpdate| update.create.is_some() || update.delete.is_some();
    if updates.unwrap_or_default().iter().filter(changing).count() > 1 {
        return Err(ApiError::new(ErrorCode::LimitExceeded, wording::ONE_ONLINE_INDEX));
    }
    Ok(())
}

fn update_billing(
    request: &UpdateTableRequest,
    record: &mut TableRecord,
    now_ms: u64,
) -> Result<(), ApiError> {
    let was_on_demand = record.billing.is_on_demand;
    let refuse = |fault| Err(ApiError::validation(wording::fault(fault)));
    let is_on_demand = match request.billing_mode.as_deref() {
        Some(mode) => mode == "PAY_PER_REQUEST",
        None => was_on_demand,
    };
    billing::check_on_demand(request.on_demand_throughput.as_ref(), is_on_demand, false)?;
    match &request.provisioned_throughput {
        Some(_) if is_on_demand => return refuse(Fault::ThroughputOnDemand),
        None if was_on_demand && !is_on_demand => return refuse(Fault::UpdateThroughputMissing),
        Some(wanted) => {
            let new = billing::throughput(Some(wanted));
            let current = &record.billing.throughput;
            let is_same =
                (new.read_units, new.write_units) == (current.read_units, current.write_units);
            let changes_nothing_else = request.billing_mode.is_none()
                && request.global_secondary_index_updates.is_none()
                && request.stream_specification.is_none();
            if is_same && !was_on_demand && changes_nothing_else {
                let message = wording::same_throughput(new.read_units, new.write_units);
                return Err(ApiError::validation(message));
            }
            record.billing.throughput = changed_throughput(current, new, now_ms);
        }
        None => {}
    }
    if is_on_demand && !was_on_demand {
        record.billing.on_demand_since_ms = Some(now_ms);
        record.billing.throughput = ThroughputRecord::default();
        for index in &mut record.global_indexes {
            index.throughput = ThroughputRecord::default();
        }
    }
    if let Some(bounds) = &request.on_demand_throughput {
        record.billing.on_demand = billing::on_demand(Some(bounds));
    }
    let warm = std::mem::take(&mut record.billing.warm);
    record.billing.warm = billing::warmed(warm, request.warm_throughput.as_ref());
    record.billing.is_on_demand = is_on_demand;
    Ok(())
}

fn changed_throughput(
    current: &ThroughputRecord,
    new: ThroughputRecord,
    now_ms: u64,
) -> ThroughputRecord {
    let rises = new.read_units > current.read_units || new.write_units > current.write_units;
    let falls = new.read_units < current.read_units || new.write_units < current.write_units;
    ThroughputRecord {
        increased_ms: if rises { Some(now_ms) } else { current.increased_ms },
        decreased_ms: if falls { Some(now_ms) } else { current.decreased_ms },
        decreases_today: current.decreases_today + i64::from(falls),
        ..new
    }
}

fn update_indexes(
    request: &UpdateTableRequest,
    record: &mut TableRecord,
    number: u32,
    now_ms: u64,
) -> Result<(), ApiError> {
    let updates = request.global_secondary_index_updates.as_deref().unwrap_or_default();
    for update in updates {
        if let Some(create) = &update.create {
            let index = new_index(request, create, record, number)?;
            record.global_indexes.push(index);
        }
        if let Some(delete) = &update.delete {
            let name = delete.index_name.as_deref().unwrap_or_default();
            let indexes = &mut record.global_indexes;
            match indexes.iter_mut().find(|index| index.name == name) {
                Some(index) => index.status = TableStatus::Deleting,
                None => return Err(ApiError::not_found(wording::no_table(name))),
            }
        }
        if let Some(change) = &update.update {
            let name = change.index_name.as_deref().unwrap_or_default();
            let is_on_demand = record.billing.is_on_demand;
            let indexes = &mut record.global_indexes;
            let Some(index) = indexes.iter_mut().find(|index| index.name == name) else {
                return Err(ApiError::validation(wording::INDEX_UPDATE_BLOCKED));
            };
            if let Some(wanted) = &change.provisioned_throughput {
                index::check_throughput(name, Some(wanted), is_on_demand)?;
                let new = billing::throughput(Some(wanted));
                index.throughput = changed_throughput(&index.throughput, new, now_ms);
            }
            if let Some(bounds) = &change.on_demand_throughput {
                billing::check_on_demand(Some(bounds), is_on_demand, false)?;
                index.on_demand = billing::on_demand(Some(bounds));
            }
            let warm = std::mem::take(&mut index.warm);
            index.warm = billing::warmed(warm, change.warm_throughput.as_ref());
        }
    }
    Ok(())
}

fn new_index(
    request: &UpdateTableRequest,
    create: &CreateGlobalSecondaryIndexAction,
    record: &TableRecord,
    number: u32,
) -> Result<GlobalIndexRecord, ApiError> {
    let name = create.index_name.clone().unwrap_or_default();
    let mut names = record.global_indexes.iter().map(|index| &index.name);
    let mut local_names = record.local_indexes.iter().map(|index| &index.name);
    if names.any(|known| *known == name) || local_names.any(|known| *known == name) {
        return Err(ApiError::validation(wording::index_exists(&name)));
    }
    if record.global_indexes.iter().any(|index| index.status != TableStatus::Active) {
        return Err(ApiError::new(ErrorCode::LimitExceeded, wording::ONE_ONLINE_INDEX));
    }
    if record.global_indexes.len() >= MAX_GLOBAL_INDEXES {
        return Err(ApiError::validation(wording::fault(Fault::TooManyGlobalIndexes)));
    }
    let schema = create.key_schema.as_deref().unwrap_or_default();
    // The request itself must define the attributes, whatever the table knows of them.
    let defined = request.attribute_definitions.as_deref().unwrap_or_default();
    Definitions::new(defined).check_index_key(schema)?;
    let known: Vec<_> = record.attributes.clone();
    let key = Definitions::of(known).global_key(schema)?;
    let throughput = create.provisioned_throughput.as_ref();
    index::check_throughput(&name, throughput, record.billing.is_on_demand)?;
    Ok(GlobalIndexRecord {
        name,
        number,
        key,
        projection: index::projection(create.projection.as_ref())?,
        status: TableStatus::Creating,
        is_backfilling: true,
        is_spread: false,
        filled_to: Vec::new(),
        throughput: billing::throughput(throughput),
        on_demand: billing::on_demand(create.on_demand_throughput.as_ref()),
        warm: billing::warmed(WarmRecord::default(), create.warm_throughput.as_ref()),
    })
}

/// Attributes that are in no key are not kept.
fn keep_used_attributes(record: &mut TableRecord) {
    let keys = std::iter::once(&record.key)
        .chain(record.local_indexes.iter().map(|index| &index.key))
        .chain(record.global_indexes.iter().map(|index| &index.key));
    let used: Vec<String> = keys
        .flat_map(|key| key.partition.iter().chain(&key.sort))
        .map(|part| part.name.clone())
        .collect();
    record.attributes.retain(|part| used.contains(&part.name));
}

fn update_stream(
    specification: &flywheel_api::StreamSpecification,
    record: &mut TableRecord,
    now_ms: u64,
) -> Result<(), ApiError> {
    let is_enabled = record.stream.as_ref().is_some_and(|stream| stream.is_enabled);
    match (is_enabled, specification.stream_enabled == Some(true)) {
        (true, true) => Err(ApiError::validation("Table already has an enabled stream")),
        (false, false) => Err(ApiError::validation("Table already has no stream")),
        (false, true) => {
            record.stream = stream(Some(specification), now_ms)?;
            Ok(())
        }
        (true, false) => {
            if let Some(stream) = &mut record.stream {
                stream.is_enabled = false;
            }
            Ok(())
        }
    }
}
