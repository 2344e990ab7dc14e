//! A table as it is described to clients. Not the description's JSON.

use flywheel_api::{
    AttributeDefinition, BillingModeSummary, GlobalSecondaryIndexDescription, KeySchemaElement,
    LocalSecondaryIndexDescription, OnDemandThroughput, Projection,
    ProvisionedThroughputDescription, SSEDescription, StreamSpecification, TableClassSummary,
    TableDescription, TableThroughputModeSummary, WarmThroughput,
};

use crate::catalog::record::{
    BillingRecord, EncryptionRecord, GlobalIndexRecord, KeyRecord, LocalIndexRecord,
    OnDemandRecord, ProjectionRecord, TableRecord, TableStatus, ThroughputRecord, WarmRecord,
};
use crate::extents::Extents;
use crate::storage::Extent;

/// Read units a second that a table on demand serves at once. Source: developer guide, on-demand capacity mode.
const ON_DEMAND_READ_UNITS: i64 = 12_000;

/// Write units a second that a table on demand serves at once. Source: the same.
const ON_DEMAND_WRITE_UNITS: i64 = 4_000;

/// The description of a table with this ARN.
pub(crate) fn describe(record: &TableRecord, arn: &str, extents: &Extents) -> TableDescription {
    let is_deleting = record.status == TableStatus::Deleting;
    let stream = record.stream.as_ref().filter(|stream| stream.is_enabled);
    let mut description = TableDescription {
        table_name: Some(record.name.clone()),
        table_status: Some(record.status.name().into()),
        table_arn: Some(arn.into()),
        table_id: Some(record.id.clone()),
        table_size_bytes: Some(extents.table.size_bytes as i64),
        item_count: Some(extents.table.items as i64),
        provisioned_throughput: Some(throughput(&record.billing.throughput)),
        deletion_protection_enabled: Some(record.deletion_protection.unwrap_or(false)),
        on_demand_throughput: on_demand(&record.billing.on_demand),
        stream_specification: stream.map(|stream| StreamSpecification {
            stream_enabled: Some(true),
            stream_view_type: Some(stream.view_type.clone()),
        }),
        latest_stream_label: record.stream.as_ref().map(|stream| stream.label.clone()),
        latest_stream_arn: record.stream.as_ref().map(|s| format!("{arn}/stream/{}", s.label)),
        sse_description: record.encryption.as_ref().and_then(encryption),
        table_class_summary: record.table_class.as_ref().map(|class| TableClassSummary {
            table_class: Some(class.name.clone()),
            last_update_date_time: class.updated_ms.map(seconds),
        }),
        ..TableDescription::default()
    };
    if record.billing.is_on_demand {
        let since = record.billing.on_demand_since_ms.map(seconds);
        description.billing_mode_summary = Some(BillingModeSummary {
            billing_mode: Some("PAY_PER_REQUEST".into()),
            last_update_to_pay_per_request_date_time: since,
        });
        description.table_throughput_mode_summary = Some(TableThroughputModeSummary {
            table_throughput_mode: Some("PAY_PER_REQUEST".into()),
            last_update_to_pay_per_request_date_time: since,
        });
    }
    // Of a table that goes, DynamoDB tells less.
    if is_deleting {
        return description;
    }
    let BillingRecord { throughput, warm: asked, is_on_demand, .. } = &record.billing;
    description.warm_throughput = Some(warm(*is_on_demand, throughput, asked, record.status));
    description.creation_date_time = Some(seconds(record.created_ms));
    description.key_schema = Some(key_schema(&record.key));
    description.attribute_definitions = Some(definitions(record));
    let locals = record.local_indexes.iter().enumerate().map(|(place, index)| {
        local(index, arn, extents.locals.get(place).copied().unwrap_or_default())
    });
    description.local_secondary_indexes =
        (!record.local_indexes.is_empty()).then(|| locals.collect());
    let globals = record.global_indexes.iter().enumerate().map(|(place, index)| {
        global(index, *is_on_demand, arn, extents.globals.get(place).copied().unwrap_or_default())
    });
    description.global_secondary_indexes =
        (!record.global_indexes.is_empty()).then(|| globals.collect());
    description
}

/// Seconds since 1970, with their fraction.
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn definitions(record: &TableRecord) -> Vec<AttributeDefinition> {
    let parts = record.attributes.iter();
    parts
        .map(|part| AttributeDefinition {
            attribute_name: Some(part.name.clone()),
            attribute_type: Some(part.kind.code().into()),
        })
        .collect()
}

fn key_schema(key: &KeyRecord) -> Vec<KeySchemaElement> {
    let partition = key.partition.iter().map(|part| (part, "HASH"));
    let parts = partition.chain(key.sort.iter().map(|part| (part, "RANGE")));
    parts
        .map(|(part, kind)| KeySchemaElement {
            attribute_name: Some(part.name.clone()),
            key_type: Some(kind.into()),
        })
        .collect()
}

fn projection(record: &ProjectionRecord) -> Projection {
    Projection {
        projection_type: Some(record.name().into()),
        non_key_attributes: match record {
            ProjectionRecord::Include(names) => Some(names.clone()),
            _ => None,
        },
    }
}

fn local(
    index: &LocalIndexRecord,
    table_arn: &str,
    extent: Extent,
) -> LocalSecondaryIndexDescription {
    LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_size_bytes: Some(extent.size_bytes as i64),
        item_count: Some(extent.items as i64),
        index_arn: Some(format!("{table_arn}/index/{}", index.name)),
    }
}

fn global(
    index: &GlobalIndexRecord,
    is_on_demand: bool,
    table_arn: &str,
    extent: Extent,
) -> GlobalSecondaryIndexDescription {
    GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_status: Some(index.status.name().into()),
        backfilling: index.is_backfilling.then_some(true),
        provisioned_throughput: Some(throughput(&index.throughput)),
        index_size_bytes: Some(extent.size_bytes as i64),
        item_count: Some(extent.items as i64),
        index_arn: Some(format!("{table_arn}/index/{}", index.name)),
        on_demand_throughput: on_demand(&index.on_demand),
        warm_throughput: Some(warm(is_on_demand, &index.throughput, &index.warm, index.status)),
    }
}

fn throughput(record: &ThroughputRecord) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        last_increase_date_time: record.increased_ms.map(seconds),
        last_decrease_date_time: record.decreased_ms.map(seconds),
        number_of_decreases_today: Some(record.decreases_today),
        read_capacity_units: Some(record.read_units),
        write_capacity_units: Some(record.write_units),
    }
}

fn on_demand(record: &OnDemandRecord) -> Option<OnDemandThroughput> {
    if *record == OnDemandRecord::default() {
        return None;
    }
    Some(OnDemandThroughput {
        max_read_request_units: record.most_read_units,
        max_write_request_units: record.most_write_units,
    })
}

/// What a table or an index is ready for at once: what it was asked to be, and no less than its capacity.
fn warm(
    is_on_demand: bool,
    throughput: &ThroughputRecord,
    asked: &WarmRecord,
    status: TableStatus,
) -> WarmThroughput {
    let (read_units, write_units) = match is_on_demand {
        true => (ON_DEMAND_READ_UNITS, ON_DEMAND_WRITE_UNITS),
        false => (throughput.read_units, throughput.write_units),
    };
    WarmThroughput {
        read_units_per_second: Some(asked.read_units.unwrap_or_default().max(read_units)),
        write_units_per_second: Some(asked.write_units.unwrap_or_default().max(write_units)),
        status: Some(status.name().into()),
    }
}

fn encryption(record: &EncryptionRecord) -> Option<SSEDescription> {
    record.is_enabled.then(|| SSEDescription {
        status: Some("ENABLED".into()),
        sse_type: Some("KMS".into()),
        kms_master_key_arn: record.key.clone(),
        inaccessible_encryption_date_time: None,
    })
}
