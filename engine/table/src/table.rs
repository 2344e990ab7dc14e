//! A table as operations look at it: its keys, its indexes, where its items stand. Made of a record of the
//! catalog, which it keeps; not how it changes.

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::key::{KeyAttribute, KeyEncoder, KeySchema};
use flywheel_item::limits::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use flywheel_item::{AttributeValue, Item, check_key_value, value_size_bytes};

use crate::catalog::record::{
    GlobalIndexRecord, KeyPart, KeyRecord, LocalIndexRecord, ProjectionRecord, TableRecord,
    TableStatus,
};
use crate::keys;
use crate::limits::{MAX_PLAIN_PART_BYTES, TABLE_PREFIX_BYTES};
use crate::throughput::Throttling;
use crate::throughput::meters::{Meters, Setting};
use crate::wording;

/// What stands behind the partition key of items in tables with local indexes; their entries have the
/// index's number there.
const ITEM_TAG: u8 = 0;

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub record: TableRecord,
    pub key: KeySchema,
    pub locals: Vec<LocalIndex>,
    pub globals: Vec<GlobalIndex>,
    pub meters: Meters,
    prefix: [u8; TABLE_PREFIX_BYTES],
}

/// A local secondary index: other orders of the items of one partition key.
#[derive(Debug)]
pub(crate) struct LocalIndex {
    pub name: String,
    pub number: u8,
    pub key: KeySchema,
    pub projection: IndexProjection,
}

/// A global secondary index: other partition keys.
#[derive(Debug)]
pub(crate) struct GlobalIndex {
    pub name: String,
    pub key: KeySchema,
    pub projection: IndexProjection,
    pub status: TableStatus,
    pub meters: Meters,
    prefix: [u8; TABLE_PREFIX_BYTES],
}

/// How a table's throughput is enforced.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Metering<'a> {
    pub throttling: Throttling,
    pub now_ns: u64,
    /// The table as it was.
    pub before: Option<&'a Table>,
}

/// What of an item an index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexProjection {
    All,
    /// These attributes, those of the keys among them.
    Names(Vec<String>),
}

/// Where a query or a scan reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Table,
    Local(&'a LocalIndex),
    Global(&'a GlobalIndex),
}

impl Table {
    pub fn new(record: TableRecord, metering: Metering<'_>) -> Self {
        let key = schema(&record.key);
        let locals: Vec<LocalIndex> =
            record.local_indexes.iter().map(|index| LocalIndex::new(index, &key)).collect();
        let globals = record.global_indexes.iter().map(|index| {
            let meters = metering.of_index(index, &record);
            GlobalIndex::new(index, &key, meters)
        });
        let globals = globals.collect();
        let meters = metering.of_table(&record);
        let prefix = keys::table_prefix(record.number, !locals.is_empty());
        Self { record, key, locals, globals, meters, prefix }
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Whether requests for items are answered.
    pub fn serves(&self) -> bool {
        matches!(self.record.status, TableStatus::Active | TableStatus::Updating)
    }

    /// Whether a write has more to do than to write the item, so that it must see what was there.
    pub fn looks_at_changes(&self) -> bool {
        self.ending_attribute().is_some() || !self.locals.is_empty() || !self.globals.is_empty()
    }

    /// The attribute that says when items end, if they do.
    pub fn ending_attribute(&self) -> Option<&str> {
        let setting = self.record.time_to_live.as_ref().filter(|setting| setting.is_enabled)?;
        Some(&setting.attribute)
    }

    /// The second since 1970 at which an item ends; `None` if it does not.
    pub fn ending_of(&self, item: &Item) -> Option<u64> {
        match item.get(self.ending_attribute()?)? {
            AttributeValue::N(seconds) => seconds.to_string().parse().ok(),
            _ => None,
        }
    }

    /// What the keys of all its items, and of entries of its local indexes, begin with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Where an item stands. Its key attributes are there and sound.
    pub fn item_key(&self, item: &Item) -> Bytes {
        let mut key = self.collection(item);
        if let Some(sort) = self.key.sort.first() {
            key.push_last(&item[&sort.name]);
        }
        key.finish().into()
    }

    /// The beginning of the keys of items with the same partition key as this one.
    fn collection(&self, item: &Item) -> KeyEncoder {
        let partition = &item[&self.key.partition[0].name];
        self.items_of(&[partition])
    }

    /// The beginning of the keys of items with this partition key.
    pub fn items_of(&self, partition: &[&AttributeValue]) -> KeyEncoder {
        let mut key = self.partition(partition);
        if !self.locals.is_empty() {
            key.push_tag(ITEM_TAG);
        }
        key
    }

    fn partition(&self, partition: &[&AttributeValue]) -> KeyEncoder {
        if self.locals.is_empty() {
            KeyEncoder::new(&self.prefix, partition)
        } else {
            KeyEncoder::bounded(&self.prefix, partition, MAX_PLAIN_PART_BYTES)
        }
    }

    /// Whether a key that begins with the table's prefix is an item's, and not an index entry's.
    pub fn is_item(&self, key: &[u8]) -> bool {
        self.locals.is_empty() || key.get(keys::kept_together_bytes(key)) == Some(&ITEM_TAG)
    }

    /// The index of that name.
    pub fn source(&self, index: Option<&str>) -> Option<Source<'_>> {
        let Some(name) = index else { return Some(Source::Table) };
        if let Some(local) = self.locals.iter().find(|index| index.name == name) {
            return Some(Source::Local(local));
        }
        self.globals.iter().find(|index| index.name == name).map(Source::Global)
    }

    /// Where a query or a scan of that index reads, or of the table. A global index is never read consistently.
    pub fn readable(
        &self,
        index: Option<&str>,
        is_consistent: bool,
    ) -> Result<Source<'_>, ApiError> {
        let name = index.unwrap_or_default();
        match self.source(index) {
            Some(Source::Global(index)) if index.status == TableStatus::Creating => {
                Err(ApiError::validation(wording::backfilling_index(name)))
            }
            Some(Source::Global(_)) if is_consistent => {
                Err(ApiError::validation(wording::CONSISTENT_GLOBAL))
            }
            Some(source) => Ok(source),
            None => Err(ApiError::validation(wording::no_index(name))),
        }
    }

    /// The names of its key attributes and of those of an index, each once.
    pub fn key_names<'a>(&'a self, source: Source<'a>) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for attribute in source.schema(self).attributes().chain(self.key.attributes()) {
            if !names.contains(&&*attribute.name) {
                names.push(&attribute.name);
            }
        }
        names
    }
}

impl Metering<'_> {
    /// Whether a later version of the record is known: who made an earlier change may come late with it.
    fn is_late(&self, record: &TableRecord) -> bool {
        self.before.is_some_and(|known| known.record.version > record.version)
    }

    fn of_table(&self, record: &TableRecord) -> Meters {
        let billing = &record.billing;
        let setting = Setting {
            is_on_demand: billing.is_on_demand,
            provisioned: &billing.throughput,
            on_demand: &billing.on_demand,
            warm: &billing.warm,
        };
        self.meters(record, setting, self.before.map(|table| &table.meters))
    }

    fn of_index(&self, index: &GlobalIndexRecord, record: &TableRecord) -> Meters {
        let billing = &record.billing;
        // One of which nothing was said, when its table became provisioned, has as much as that.
        let is_unsaid = (index.throughput.read_units, index.throughput.write_units) == (0, 0);
        let setting = Setting {
            is_on_demand: billing.is_on_demand,
            provisioned: if is_unsaid { &billing.throughput } else { &index.throughput },
            on_demand: &index.on_demand,
            warm: &index.warm,
        };
        let prefix = keys::table_prefix(index.number, false);
        let known =
            self.before.and_then(|table| table.globals.iter().find(|it| it.prefix == prefix));
        self.meters(record, setting, known.map(|index| &index.meters))
    }

    fn meters(&self, record: &TableRecord, setting: Setting<'_>, known: Option<&Meters>) -> Meters {
        match known {
            Some(known) if self.is_late(record) => known.clone(),
            known => Meters::new(self.throttling, self.now_ns, setting, known),
        }
    }
}

impl<'a> Source<'a> {
    pub fn schema(self, table: &'a Table) -> &'a KeySchema {
        match self {
            Self::Table => &table.key,
            Self::Local(index) => &index.key,
            Self::Global(index) => &index.key,
        }
    }

    /// What it holds of an item; `None` for the table, which holds all.
    pub fn projection(self) -> Option<&'a IndexProjection> {
        match self {
            Self::Table => None,
            Self::Local(index) => Some(&index.projection),
            Self::Global(index) => Some(&index.projection),
        }
    }

    /// The beginning of the keys with this partition key.
    pub fn entries_of(self, table: &Table, partition: &[&AttributeValue]) -> KeyEncoder {
        match self {
            Self::Table => table.items_of(partition),
            Self::Local(index) => {
                let mut key = table.partition(partition);
                key.push_tag(index.number);
                key
            }
            Self::Global(index) => {
                KeyEncoder::bounded(&index.prefix, partition, MAX_PLAIN_PART_BYTES)
            }
        }
    }

    /// What all its keys begin with; those of a local index stand among the table's.
    pub fn prefix(self, table: &'a Table) -> &'a [u8] {
        match self {
            Self::Table | Self::Local(_) => table.prefix(),
            Self::Global(index) => &index.prefix,
        }
    }

    /// What its own keys have behind the partition key, where others stand beside them.
    pub fn tag(self, table: &Table) -> Option<u8> {
        match self {
            Self::Table => (!table.locals.is_empty()).then_some(ITEM_TAG),
            Self::Local(index) => Some(index.number),
            Self::Global(_) => None,
        }
    }

    /// Whether a key that begins with its prefix is its own.
    pub fn holds(self, table: &Table, key: &[u8]) -> bool {
        let tag = self.tag(table);
        tag.is_none_or(|tag| key.get(keys::kept_together_bytes(key)) == Some(&tag))
    }

    /// Where the entry of an item stands; `None` if it has none here, since an attribute of the key is not
    /// there or of another type.
    pub fn key_of(self, table: &Table, item: &Item) -> Option<Bytes> {
        match self {
            Self::Table => Some(table.item_key(item)),
            Self::Local(index) => index.entry_key(table, item),
            Self::Global(index) => index.entry_key(table, item),
        }
    }
}

impl LocalIndex {
    fn new(record: &LocalIndexRecord, table: &KeySchema) -> Self {
        let key = schema(&record.key);
        let projection = IndexProjection::new(&record.projection, table, &key);
        Self { name: record.name.clone(), number: record.number, key, projection }
    }

    fn entry_key(&self, table: &Table, item: &Item) -> Option<Bytes> {
        let sort = &self.key.sort[0];
        let value = sound_value(sort, item, false)?;
        let mut key = table.partition(&[&item[&table.key.partition[0].name]]);
        key.push_tag(self.number).push(value);
        if let Some(sort) = table.key.sort.first() {
            key.push_last(&item[&sort.name]);
        }
        Some(key.finish().into())
    }
}

impl GlobalIndex {
    fn new(record: &GlobalIndexRecord, table: &KeySchema, meters: Meters) -> Self {
        let key = schema(&record.key);
        let projection = IndexProjection::new(&record.projection, table, &key);
        Self {
            name: record.name.clone(),
            projection,
            key,
            status: record.status,
            meters,
            prefix: keys::table_prefix(record.number, false),
        }
    }

    /// What the keys of all its entries begin with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    fn entry_key(&self, table: &Table, item: &Item) -> Option<Bytes> {
        let partition = self.key.partition.iter().map(|key| sound_value(key, item, true));
        let partition: Option<Vec<_>> = partition.collect();
        let sort = self.key.sort.iter().map(|key| sound_value(key, item, false));
        let sort: Option<Vec<_>> = sort.collect();
        // Each attribute may be as large as all together: all must fit, or the storage would refuse the entry.
        let size = |values: &[&AttributeValue]| -> usize {
            values.iter().map(|value| value_size_bytes(value)).sum()
        };
        let (partition, sort) = (partition?, sort?);
        if size(&partition) > MAX_PARTITION_KEY_BYTES || size(&sort) > MAX_SORT_KEY_BYTES {
            return None;
        }
        let mut key = KeyEncoder::bounded(&self.prefix, &partition, MAX_PLAIN_PART_BYTES);
        for value in sort {
            key.push(value);
        }
        key.push_distinction(&table.item_key(item)[TABLE_PREFIX_BYTES..], MAX_PLAIN_PART_BYTES);
        Some(key.finish().into())
    }
}

impl IndexProjection {
    fn new(record: &ProjectionRecord, table: &KeySchema, index: &KeySchema) -> Self {
        let included: &[String] = match record {
            ProjectionRecord::All => return Self::All,
            ProjectionRecord::KeysOnly => &[],
            ProjectionRecord::Include(names) => names,
        };
        let keys = table.attributes().chain(index.attributes()).map(|key| &key.name);
        let mut names: Vec<String> = keys.chain(included).cloned().collect();
        names.sort_unstable();
        names.dedup();
        Self::Names(names)
    }

    /// Whether it holds an attribute.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.binary_search_by(|held| held.as_str().cmp(name)).is_ok(),
        }
    }

    /// What an index with it holds of an item.
    pub fn apply(&self, item: &Item) -> Item {
        match self {
            Self::All => item.clone(),
            Self::Names(names) => {
                let held = names.iter().filter_map(|name| item.get_key_value(name));
                held.map(|(name, value)| (name.clone(), value.clone())).collect()
            }
        }
    }
}

/// The value that an index key takes from an item; `None` for one that is not there or cannot be a key:
/// items that were there before the index may have such.
fn sound_value<'a>(
    key: &KeyAttribute,
    item: &'a Item,
    is_partition: bool,
) -> Option<&'a AttributeValue> {
    let value = item.get(&key.name).filter(|value| value.kind() == key.kind)?;
    check_key_value(key, value, is_partition).is_ok().then_some(value)
}

fn schema(record: &KeyRecord) -> KeySchema {
    let attributes = |parts: &[KeyPart]| {
        let parts = parts.iter();
        parts.map(|part| KeyAttribute { name: part.name.clone(), kind: part.kind }).collect()
    };
    KeySchema { partition: attributes(&record.partition), sort: attributes(&record.sort) }
}
