//! A table as the catalog keeps it: JSON, one record a table. Not how it is described to clients, nor what
//! operations look at (`table`).

use std::collections::BTreeMap;

use flywheel_item::AttributeType;
use serde::{Deserialize, Serialize};

/// The form that records have now. Records of a later one are refused.
pub(crate) const FORMAT: u16 = 1;

/// The catalog's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub format: u16,
    /// The next table or index has this number.
    pub next_number: u32,
    /// How often the tables have been opened.
    pub starts: u64,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    pub format: u16,
    /// Rises with every change.
    pub version: u64,
    pub number: u32,
    pub id: String,
    pub name: String,
    pub created_ms: u64,
    pub status: TableStatus,
    /// Attributes of keys, in the order in which they were defined.
    pub attributes: Vec<KeyPart>,
    pub key: KeyRecord,
    pub local_indexes: Vec<LocalIndexRecord>,
    pub global_indexes: Vec<GlobalIndexRecord>,
    pub billing: BillingRecord,
    pub table_class: Option<TableClassRecord>,
    pub deletion_protection: Option<bool>,
    pub stream: Option<StreamRecord>,
    pub encryption: Option<EncryptionRecord>,
    pub time_to_live: Option<TimeToLiveRecord>,
    pub tags: BTreeMap<String, String>,
    /// The last time that the whole table was gone through.
    #[serde(default)]
    pub sweep: Option<SweepRecord>,
}

/// What a table or an index is going through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TableStatus {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl TableStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyPart {
    pub name: String,
    #[serde(with = "type_code")]
    pub kind: AttributeType,
}

/// Attributes that partition, and those that sort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub partition: Vec<KeyPart>,
    pub sort: Vec<KeyPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LocalIndexRecord {
    pub name: String,
    /// Stands in the keys of its entries; 1 and more.
    pub number: u8,
    pub key: KeyRecord,
    pub projection: ProjectionRecord,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GlobalIndexRecord {
    pub name: String,
    pub number: u32,
    pub key: KeyRecord,
    pub projection: ProjectionRecord,
    pub status: TableStatus,
    /// Whether entries of items that were there before it are still being made.
    pub is_backfilling: bool,
    /// Whether it has its partitions of the storage.
    #[serde(default)]
    pub is_spread: bool,
    /// The table's key to which entries have been made.
    #[serde(default)]
    pub filled_to: Vec<u8>,
    pub throughput: ThroughputRecord,
    pub on_demand: OnDemandRecord,
    /// What it was asked to be ready for.
    #[serde(default)]
    pub warm: WarmRecord,
}

/// What an index holds besides keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProjectionRecord {
    All,
    KeysOnly,
    Include(Vec<String>),
}

impl ProjectionRecord {
    pub fn name(&self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::KeysOnly => "KEYS_ONLY",
            Self::Include(_) => "INCLUDE",
        }
    }
}

/// How capacity is paid for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BillingRecord {
    pub is_on_demand: bool,
    /// When it last became so.
    pub on_demand_since_ms: Option<u64>,
    pub throughput: ThroughputRecord,
    pub on_demand: OnDemandRecord,
    /// What the table was asked to be ready for.
    #[serde(default)]
    pub warm: WarmRecord,
}

/// Provisioned units a second; both 0 where capacity is on demand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThroughputRecord {
    pub read_units: i64,
    pub write_units: i64,
    pub increased_ms: Option<u64>,
    pub decreased_ms: Option<u64>,
    pub decreases_today: i64,
}

/// The most that capacity on demand may come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OnDemandRecord {
    pub most_read_units: Option<i64>,
    pub most_write_units: Option<i64>,
}

/// Units a second that a table or an index was asked to be ready for at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct WarmRecord {
    pub read_units: Option<i64>,
    pub write_units: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableClassRecord {
    pub name: String,
    pub updated_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub is_enabled: bool,
    pub view_type: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EncryptionRecord {
    pub is_enabled: bool,
    pub key: Option<String>,
}

/// Whether items end by themselves, and which attribute says when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimeToLiveRecord {
    pub is_enabled: bool,
    pub attribute: String,
    /// Whether the items that were there before have been looked at.
    #[serde(default)]
    pub is_found: bool,
}

/// What was found when a whole table was gone through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SweepRecord {
    pub began_ms: u64,
    pub items: ShareRecord,
    /// Entries of its local indexes, in their order.
    pub locals: Vec<ShareRecord>,
}

/// What one kind takes of the keys that stand together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShareRecord {
    pub keys: u64,
    /// Of keys and values.
    pub bytes: u64,
}

mod type_code {
    //! Types as their abbreviations.

    use flywheel_item::AttributeType;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(kind: &AttributeType, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(kind.code())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AttributeType, D::Error> {
        let code = String::deserialize(from)?;
        AttributeType::from_code(&code)
            .ok_or_else(|| Error::custom(format!("{code} is no type of attribute")))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A table with one key attribute and nothing else.
    pub(crate) fn plain(name: &str, number: u32, version: u64) -> TableRecord {
        let key = KeyPart { name: "k".into(), kind: AttributeType::S };
        TableRecord {
            format: FORMAT,
            version,
            number,
            id: String::new(),
            name: name.into(),
            created_ms: 0,
            status: TableStatus::Active,
            attributes: vec![key.clone()],
            key: KeyRecord { partition: vec![key], sort: Vec::new() },
            local_indexes: Vec::new(),
            global_indexes: Vec::new(),
            billing: BillingRecord {
                is_on_demand: true,
                on_demand_since_ms: None,
                throughput: ThroughputRecord::default(),
                on_demand: OnDemandRecord::default(),
                warm: WarmRecord::default(),
            },
            table_class: None,
            deletion_protection: None,
            stream: None,
            encryption: None,
            time_to_live: None,
            tags: BTreeMap::new(),
            sweep: None,
        }
    }

    #[test]
    fn what_later_versions_added_is_missing_in_earlier_records() {
        let record = plain("table", 1, 1);
        let mut json = serde_json::to_value(&record).expect("JSON");
        let billing = json["billing"].as_object_mut().expect("an object");
        billing.remove("warm");
        json.as_object_mut().expect("an object").remove("sweep");
        assert_eq!(serde_json::from_value::<TableRecord>(json).expect("readable"), record);
    }
}
