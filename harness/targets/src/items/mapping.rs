//! What is called what: the table, its keys and the attributes of fields, from YCSB's properties. No requests.

use std::collections::{BTreeMap, HashMap};

use flywheel_api::{
    AttributeDefinition, CreateTableRequest, DescribeTableRequest, GlobalSecondaryIndex,
    KeySchemaElement, Projection, ProvisionedThroughput, TableDescription,
};
use flywheel_load::workload::NUMBER_FIELD;
use flywheel_load::{Workload, WorkloadClass};

use crate::limits::MAX_TRANSACTION_ITEMS;

/// Properties of YCSB's binding that mean something here.
const PRIMARY_KEY: &str = "dynamodb.primaryKey";
const PRIMARY_KEY_TYPE: &str = "dynamodb.primaryKeyType";
const HASH_KEY_NAME: &str = "dynamodb.hashKeyName";
const HASH_KEY_VALUE: &str = "dynamodb.hashKeyValue";
const CONSISTENT_READS: &str = "dynamodb.consistentReads";

/// Our own: whether an update asks that its record is there.
const CONDITIONAL_UPDATES: &str = "dynamodb.conditionalUpdates";

/// Our own: a field that a global secondary index has as its partition key, to measure what one costs and how far it is
/// behind.
const GLOBAL_INDEX: &str = "dynamodb.globalIndex";

/// Our own: how many items an insert writes, all in one transaction: the record, and copies beside it.
const TRANSACTION_ITEMS: &str = "dynamodb.transactionItems";

/// Our own: read and write units a second that the table is provisioned with, and its global index as well.
const READ_UNITS: &str = "dynamodb.readCapacityUnits";
const WRITE_UNITS: &str = "dynamodb.writeCapacityUnits";

/// Those that whoever connects looks at, or that have no effect.
const OTHERS: [&str; 5] = [
    "dynamodb.endpoint",
    "dynamodb.region",
    "dynamodb.awsCredentialsFile",
    "dynamodb.connectMax",
    "dynamodb.debug",
];

/// The key attribute, unless it is named: YCSB has no default, and this in its example.
const DEFAULT_PRIMARY_KEY: &str = "firstname";

/// The partition key's value where keys are sort keys (YCSB's default).
const DEFAULT_HASH_KEY_VALUE: &str = "YCSB_0";

/// A property that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {expected}, found {found:?}")]
pub struct MappingError {
    /// The property.
    pub name: String,
    /// What it may be.
    pub expected: &'static str,
    /// What it is.
    pub found: String,
}

/// How records are items of a table.
#[derive(Debug, Clone)]
pub struct ItemMapping {
    /// The table.
    pub table: String,
    /// The attribute that has a record's key.
    pub key: String,
    /// The partition key that all items share, and its value, where the records' keys are sort keys.
    pub shared: Option<(String, String)>,
    /// The fields' names by number.
    pub fields: Vec<String>,
    numbers: HashMap<String, u16>,
    /// Fields that are numbers.
    added_to: Vec<u16>,
    /// Whether reads are strongly consistent.
    pub consistent_reads: bool,
    /// Whether a partial update makes no item.
    pub conditional_updates: bool,
    /// The field that a global index with all attributes has as its partition key.
    pub global_index: Option<String>,
    /// Items that an insert writes; more than one are a transaction.
    pub transaction_items: usize,
    /// Read and write units a second that the table is provisioned with; capacity on demand without.
    pub provisioned: Option<(i64, i64)>,
}

impl ItemMapping {
    /// As the properties of a workload say, for a table of this name.
    ///
    /// # Errors
    /// Properties that begin with `dynamodb.` and mean nothing.
    pub fn new(workload: &Workload, table: &str) -> Result<Self, MappingError> {
        let properties = workload.properties();
        check_names(properties)?;
        let text = |name: &str| properties.get(name).map(String::as_str).filter(|s| !s.is_empty());
        let shared = match text(PRIMARY_KEY_TYPE).map(str::to_ascii_uppercase).as_deref() {
            None | Some("HASH") => None,
            Some("HASH_AND_RANGE") => {
                let name = text(HASH_KEY_NAME).ok_or_else(|| MappingError {
                    name: HASH_KEY_NAME.into(),
                    expected: "a name, because dynamodb.primaryKeyType is HASH_AND_RANGE",
                    found: String::new(),
                })?;
                let value = text(HASH_KEY_VALUE).unwrap_or(DEFAULT_HASH_KEY_VALUE);
                Some((name.to_owned(), value.to_owned()))
            }
            Some(found) => {
                return Err(MappingError {
                    name: PRIMARY_KEY_TYPE.into(),
                    expected: "HASH or HASH_AND_RANGE",
                    found: found.to_owned(),
                });
            }
        };
        // YCSB's binding never asks; what checks itself has to know.
        let has_class = workload.class != WorkloadClass::Core;
        let checks = workload.data_integrity || has_class;
        let fields = workload.field_names.clone();
        let numbers = (0u16..).zip(&fields).map(|(number, name)| (name.clone(), number)).collect();
        let mapping = Self {
            table: table.to_owned(),
            key: text(PRIMARY_KEY).unwrap_or(DEFAULT_PRIMARY_KEY).to_owned(),
            shared,
            numbers,
            fields,
            added_to: workload.class.has_numbers().then_some(NUMBER_FIELD).into_iter().collect(),
            consistent_reads: flag(properties, CONSISTENT_READS)?.unwrap_or(has_class),
            conditional_updates: flag(properties, CONDITIONAL_UPDATES)?.unwrap_or(checks),
            global_index: text(GLOBAL_INDEX).map(str::to_owned),
            transaction_items: text(TRANSACTION_ITEMS).map_or(Ok(1), transaction_items)?,
            provisioned: provisioned(text(READ_UNITS), text(WRITE_UNITS))?,
        };
        mapping.check_index()?;
        mapping.check_distinct()
    }

    /// The same, with these fields as numbers wherever they are 8 bytes long.
    #[must_use]
    pub fn with_numbers(mut self, fields: &[u16]) -> Self {
        self.added_to = fields.to_vec();
        self
    }

    /// An index is of a field that is a string.
    fn check_index(&self) -> Result<(), MappingError> {
        let Some(name) = &self.global_index else { return Ok(()) };
        match self.field(name) {
            Some(field) if !self.is_added_to(field) => Ok(()),
            _ => Err(MappingError {
                name: GLOBAL_INDEX.into(),
                expected: "the name of a field, such as field0, that is not added to",
                found: name.clone(),
            }),
        }
    }

    fn check_distinct(self) -> Result<Self, MappingError> {
        let is_field = |name: &str| self.numbers.contains_key(name);
        let shared = self.shared.as_ref().map(|(name, _)| name);
        let wrong = [Some((PRIMARY_KEY, &self.key)), shared.map(|name| (HASH_KEY_NAME, name))];
        let wrong = wrong.into_iter().flatten().find(|(_, name)| is_field(name));
        let (name, found) = match wrong {
            Some(wrong) => wrong,
            None if shared == Some(&self.key) => (HASH_KEY_NAME, &self.key),
            None => return Ok(self),
        };
        let expected = "a name that no other attribute has";
        Err(MappingError { name: name.into(), expected, found: found.clone() })
    }

    /// Whether scans return items in the order of records' keys.
    pub fn is_ordered(&self) -> bool {
        self.shared.is_some()
    }

    /// Whether an eight-byte value of this field is a number.
    pub fn is_added_to(&self, field: u16) -> bool {
        self.added_to.contains(&field)
    }

    /// The field that an attribute is; `None` for keys and strangers.
    pub fn field(&self, attribute: &str) -> Option<u16> {
        self.numbers.get(attribute).copied()
    }

    /// What makes the table.
    pub fn create(&self) -> CreateTableRequest {
        let keys = self.key_schema();
        let definition = |key: &(&str, &str)| AttributeDefinition {
            attribute_name: Some(key.0.to_owned()),
            attribute_type: Some("S".into()),
        };
        let element = |key: &(&str, &str)| KeySchemaElement {
            attribute_name: Some(key.0.to_owned()),
            key_type: Some(key.1.to_owned()),
        };
        let by_field = self.global_index.as_deref().map(|field| (field, "HASH"));
        let index = |key: (&str, &str)| GlobalSecondaryIndex {
            index_name: Some(format!("by_{}", key.0)),
            key_schema: Some(vec![element(&key)]),
            projection: Some(Projection {
                projection_type: Some("ALL".into()),
                ..Projection::default()
            }),
            provisioned_throughput: self.throughput(),
            ..GlobalSecondaryIndex::default()
        };
        CreateTableRequest {
            table_name: Some(self.table.clone()),
            attribute_definitions: Some(keys.iter().chain(&by_field).map(definition).collect()),
            key_schema: Some(keys.iter().map(element).collect()),
            global_secondary_indexes: by_field.map(|key| vec![index(key)]),
            billing_mode: Some(self.billing_mode().into()),
            provisioned_throughput: self.throughput(),
            ..CreateTableRequest::default()
        }
    }

    fn billing_mode(&self) -> &'static str {
        if self.provisioned.is_some() { "PROVISIONED" } else { "PAY_PER_REQUEST" }
    }

    fn throughput(&self) -> Option<ProvisionedThroughput> {
        self.provisioned.map(|(read, write)| ProvisionedThroughput {
            read_capacity_units: Some(read),
            write_capacity_units: Some(write),
        })
    }

    /// What asks for the table.
    pub fn describe(&self) -> DescribeTableRequest {
        DescribeTableRequest { table_name: Some(self.table.clone()) }
    }

    /// What is wrong with a table of that description, if it is not as [`Self::create`] makes it.
    pub fn unfit(&self, found: &TableDescription) -> Option<String> {
        let indexes = found.global_secondary_indexes.as_deref().unwrap_or_default();
        let schemas = indexes.iter().filter_map(|index| index.key_schema.as_deref());
        let mut indexed = schemas.filter_map(|keys| keys.first()?.attribute_name.as_deref());
        if let Some(field) = self.global_index.as_deref()
            && indexed.all(|name| name != field)
        {
            let table = &self.table;
            return Some(format!(
                "table {table} has no global index by {field}: begin with another"
            ));
        }
        // A table without properties for it may have any.
        if let Some((read, write)) = self.provisioned {
            let units = found.provisioned_throughput.as_ref();
            let units = units.map_or((0, 0), |units| {
                let of = |units: Option<i64>| units.unwrap_or_default();
                (of(units.read_capacity_units), of(units.write_capacity_units))
            });
            if units != (read, write) {
                let table = &self.table;
                let found = match units {
                    (0, 0) => "capacity on demand".to_owned(),
                    (read, write) => format!("{read} read and {write} write units"),
                };
                return Some(format!(
                    "table {table} has {found}, and the properties say {read} read and {write} write units: begin \
                     with another"
                ));
            }
        }
        let found = found.key_schema.as_deref().unwrap_or_default();
        let found = found.iter().map(|key| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            format!("{} {}", text(&key.attribute_name), text(&key.key_type))
        });
        let found = found.collect::<Vec<_>>().join(", ");
        let keys = self.key_schema();
        let wanted = keys.iter().map(|(name, kind)| format!("{name} {kind}"));
        let wanted = wanted.collect::<Vec<_>>().join(", ");
        (found != wanted).then(|| {
            let table = &self.table;
            format!("table {table} has the key {found:?}, and the properties say {wanted:?}")
        })
    }

    /// Names and kinds of the keys.
    fn key_schema(&self) -> Vec<(&str, &str)> {
        match &self.shared {
            None => vec![(&self.key, "HASH")],
            Some((name, _)) => vec![(name, "HASH"), (&self.key, "RANGE")],
        }
    }

    /// How it is set, in words for a result.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let key = match &self.shared {
            None => format!("{} (partition key)", self.key),
            Some((name, value)) => format!("{name} = {value:?}, {} (sort key)", self.key),
        };
        let reads = if self.consistent_reads { "strongly consistent" } else { "eventual" };
        let updates = if self.conditional_updates {
            "on condition that the item is there"
        } else {
            "unconditional, as YCSB's binding sends them"
        };
        let index = self.global_index.as_deref().unwrap_or("none");
        let items = match self.transaction_items {
            1 => "1".to_owned(),
            items => format!("{items}, in one transaction"),
        };
        let settings = [
            ("table", self.table.as_str()),
            ("key", &key),
            ("reads", reads),
            ("updates", updates),
            ("global index", index),
            ("items of an insert", &items),
        ];
        // Only where it is set: results of before it could be are compared with those since.
        let capacity = self.provisioned.map(|(read, write)| {
            let units = format!("{read} read and {write} write units a second, provisioned");
            ("capacity".to_owned(), units)
        });
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        settings.into_iter().chain(capacity).collect()
    }
}

fn flag(properties: &BTreeMap<String, String>, name: &str) -> Result<Option<bool>, MappingError> {
    let Some(found) = properties.get(name) else { return Ok(None) };
    match found.to_ascii_lowercase().as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => {
            Err(MappingError { name: name.into(), expected: "true or false", found: found.clone() })
        }
    }
}

fn transaction_items(found: &str) -> Result<usize, MappingError> {
    found.parse().ok().filter(|items| (1..=MAX_TRANSACTION_ITEMS).contains(items)).ok_or_else(
        || MappingError {
            name: TRANSACTION_ITEMS.into(),
            expected: "a number from 1 to 100",
            found: found.to_owned(),
        },
    )
}

/// Units of both kinds, or of neither.
fn provisioned(
    read: Option<&str>,
    write: Option<&str>,
) -> Result<Option<(i64, i64)>, MappingError> {
    if read.is_none() && write.is_none() {
        return Ok(None);
    }
    let units = |name: &str, found: Option<&str>| {
        let found = found.unwrap_or_default();
        found.parse().ok().filter(|units| *units >= 1).ok_or_else(|| MappingError {
            name: name.into(),
            expected: "a number of at least 1 (dynamodb.readCapacityUnits and dynamodb.writeCapacityUnits stand together)",
            found: found.to_owned(),
        })
    };
    Ok(Some((units(READ_UNITS, read)?, units(WRITE_UNITS, write)?)))
}

fn check_names(properties: &BTreeMap<String, String>) -> Result<(), MappingError> {
    let ours = [
        PRIMARY_KEY,
        PRIMARY_KEY_TYPE,
        HASH_KEY_NAME,
        HASH_KEY_VALUE,
        CONSISTENT_READS,
        CONDITIONAL_UPDATES,
        GLOBAL_INDEX,
        TRANSACTION_ITEMS,
        READ_UNITS,
        WRITE_UNITS,
    ];
    let mut names = properties.iter().filter(|(name, _)| name.starts_with("dynamodb."));
    let is_known = |name: &str| ours.contains(&name) || OTHERS.contains(&name);
    match names.find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, found)) => Err(MappingError {
            name: name.clone(),
            expected: "no such property (known are primaryKey, primaryKeyType, hashKeyName, \
                       hashKeyValue, consistentReads, conditionalUpdates, globalIndex, \
                       transactionItems, readCapacityUnits, writeCapacityUnits, endpoint, region, awsCredentialsFile, connectMax)",
            found: found.clone(),
        }),
    }
}
