//! CreateTable. The answer comes once the table is in the catalog; it serves requests once `upkeep` has made
//! it.

use flywheel_api::{
    ApiError, CreateTableRequest, CreateTableResponse, ErrorCode, Operation, SSESpecification,
    StreamSpecification,
};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::catalog::ChangeError;
use crate::catalog::record::{
    EncryptionRecord, FORMAT, StreamRecord, TableClassRecord, TableRecord, TableStatus,
};
use crate::definition::key::Definitions;
use crate::definition::wording::{self, Fault};
use crate::definition::{billing, index, tags};
use crate::describe::describe;
use crate::extents::Extents;
use crate::limits::MAX_TABLES;
use crate::storage::Storage;
use crate::tables::{Tables, table_name};

impl<S: Storage> Tables<S> {
    /// CreateTable.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn create_table(
        &self,
        request: CreateTableRequest,
    ) -> Result<CreateTableResponse, ApiError> {
        self.check(Operation::CreateTable, &request)?;
        let record = self.define(&request)?;
        if self.catalog().get(&record.name).is_some() {
            let message = wording::table_exists(&record.name);
            return Err(ApiError::new(ErrorCode::ResourceInUse, message));
        }
        if self.catalog().all().by_name().len() >= MAX_TABLES {
            let message = format!(
                "Subscriber limit exceeded: There is a limit of {MAX_TABLES} tables per account"
            );
            return Err(ApiError::new(ErrorCode::LimitExceeded, message));
        }
        let numbers = 1 + record.global_indexes.len() as u32;
        let created = self.catalog().create(numbers, |number| numbered(record.clone(), number));
        let table = match created.await {
            Ok(table) => table,
            Err(ChangeError::Storage(error)) => return Err(error.into()),
            Err(ChangeError::Refused(()) | ChangeError::NoTable) => {
                let message = wording::table_exists(&record.name);
                return Err(ApiError::new(ErrorCode::ResourceInUse, message));
            }
        };
        let arn = self.table_arn(table.name());
        let description = describe(&table.record, &arn, &Extents::default());
        Ok(CreateTableResponse { table_description: Some(description) })
    }

    /// The record of a new table, its numbers apart.
    fn define(&self, request: &CreateTableRequest) -> Result<TableRecord, ApiError> {
        let name = table_name(request.table_name.as_deref().unwrap_or_default()).to_owned();
        let billing = billing::of_new_table(
            request.billing_mode.as_deref(),
            request.provisioned_throughput.as_ref(),
            request.on_demand_throughput.as_ref(),
            request.warm_throughput.as_ref(),
        )?;
        let definitions =
            Definitions::new(request.attribute_definitions.as_deref().unwrap_or_default());
        let key = definitions.table_key(request.key_schema.as_deref().unwrap_or_default())?;
        let (locals, globals) = (
            request.local_secondary_indexes.as_deref(),
            request.global_secondary_indexes.as_deref(),
        );
        for (is_empty, fault) in [
            (locals.is_some_and(<[_]>::is_empty), Fault::EmptyLocalIndexes),
            (globals.is_some_and(<[_]>::is_empty), Fault::EmptyGlobalIndexes),
        ] {
            if is_empty {
                return Err(ApiError::validation(wording::fault(fault)));
            }
        }
        let local_indexes = index::locals(locals.unwrap_or_default(), &definitions, &key)?;
        let global_indexes =
            index::globals(globals.unwrap_or_default(), &definitions, billing.is_on_demand)?;
        index::check_names(
            local_indexes
                .iter()
                .map(|index| index.name.as_str())
                .chain(global_indexes.iter().map(|index| index.name.as_str())),
        )?;
        let keys: Vec<_> = std::iter::once(&key)
            .chain(local_indexes.iter().map(|index| &index.key))
            .chain(global_indexes.iter().map(|index| &index.key))
            .collect();
        definitions.check_used(&keys, keys.len() > 1)?;
        let now_ms = self.now_ms();
        Ok(TableRecord {
            format: FORMAT,
            version: 1,
            number: 0,
            id: String::new(),
            name,
            created_ms: now_ms,
            status: TableStatus::Creating,
            attributes: definitions.parts().to_vec(),
            key,
            local_indexes,
            global_indexes,
            billing,
            table_class: request
                .table_class
                .clone()
                .map(|name| TableClassRecord { name, updated_ms: None }),
            deletion_protection: request.deletion_protection_enabled,
            stream: stream(request.stream_specification.as_ref(), now_ms)?,
            encryption: request.sse_specification.as_ref().map(|spec| self.encryption(spec)),
            time_to_live: None,
            tags: tags::added(<_>::default(), request.tags.as_deref().unwrap_or_default())?,
            sweep: None,
        })
    }

    pub(super) fn encryption(&self, specification: &SSESpecification) -> EncryptionRecord {
        let options = self.options();
        let default = "alias/aws/dynamodb".to_owned();
        let key = specification.kms_master_key_id.clone().unwrap_or(default);
        let key = key_arn(&key, &options.region, &options.account);
        EncryptionRecord { is_enabled: specification.enabled == Some(true), key: Some(key) }
    }
}

/// The ARN of the key that is meant by its ARN, its id, or one of its aliases. What an alias stands for nobody
/// here knows; as in DynamoDB it is told as a key, always the same one.
fn key_arn(named: &str, region: &str, account: &str) -> String {
    let resource = named.rsplit(':').next().unwrap_or(named);
    let whole = |key: &str| format!("arn:aws:kms:{region}:{account}:key/{key}");
    match (named.starts_with("arn:"), resource.strip_prefix("alias/")) {
        (_, Some(_)) => {
            let digest = Sha256::digest(format!("{region} {account} {resource}"));
            let part =
                |from: usize| u64::from_be_bytes(std::array::from_fn(|at| digest[from + at]));
            whole(&uuid(part(0), part(8)))
        }
        (true, None) => named.to_owned(),
        (false, None) => whole(resource.strip_prefix("key/").unwrap_or(resource)),
    }
}

/// 112 of these bits as a UUID of the random kind.
fn uuid(high: u64, low: u64) -> String {
    let [high, low] = [high.to_be_bytes(), low.to_be_bytes()];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!(
        "{}-{}-4{}-8{}-{}",
        hex(&high[..4]),
        hex(&high[4..6]),
        &hex(&high[6..])[1..],
        &hex(&low[..2])[1..],
        hex(&low[2..])
    )
}

/// The stream of a new table.
pub(super) fn stream(
    specification: Option<&StreamSpecification>,
    now_ms: u64,
) -> Result<Option<StreamRecord>, ApiError> {
    let Some(specification) = specification else { return Ok(None) };
    let view_type = specification.stream_view_type.clone();
    match (specification.stream_enabled == Some(true), view_type) {
        (true, Some(view_type)) => {
            Ok(Some(StreamRecord { is_enabled: true, view_type, label: stream_label(now_ms) }))
        }
        (true, None) => Err(ApiError::validation(wording::fault(Fault::StreamWithoutView))),
        (false, Some(_)) => Err(ApiError::validation(wording::fault(Fault::ViewOfDisabledStream))),
        (false, None) => Ok(None),
    }
}

/// The moment, as streams are labelled: `2026-01-31T23:59:59.999`.
fn stream_label(now_ms: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (moment.date(), moment.time());
    let (hour, minute, second) = time.as_hms();
    let month = u8::from(date.month());
    format!(
        "{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}",
        date.year(),
        date.day(),
        time.millisecond()
    )
}

/// The record with its numbers, and a name that no other table ever has.
fn numbered(mut record: TableRecord, number: u32) -> TableRecord {
    record.number = number;
    for (place, index) in record.global_indexes.iter_mut().enumerate() {
        index.number = number + 1 + place as u32;
    }
    // Numbers are never used again, so this is as good as a random one, and the same in every replay.
    let high = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ record.created_ms;
    let low = record.created_ms.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ u64::from(number);
    record.id = uuid(high, low);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_arns() {
        let arn = |named| key_arn(named, "eu-west-1", "000000000000");
        let whole = "arn:aws:kms:eu-west-1:000000000000:key/04bde937-9c03-4415-9b80-aac64c9d1e4b";
        assert_eq!(arn("04bde937-9c03-4415-9b80-aac64c9d1e4b"), whole);
        assert_eq!(arn(whole), whole);
        let of_alias = arn("alias/aws/dynamodb");
        let id = of_alias.strip_prefix("arn:aws:kms:eu-west-1:000000000000:key/").expect("a key");
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(arn("arn:aws:kms:eu-west-1:000000000000:alias/aws/dynamodb"), of_alias);
        assert_ne!(arn("alias/mine"), of_alias);
    }

    #[test]
    fn labels_are_dates() {
        assert_eq!(stream_label(0), "1970-01-01T00:00:00.000");
        assert_eq!(stream_label(1_709_210_096_789), "2024-02-29T12:34:56.789");
        assert_eq!(stream_label(1_764_547_199_999), "2025-11-30T23:59:59.999");
    }
}
