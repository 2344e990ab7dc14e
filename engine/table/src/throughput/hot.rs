//! The hottest partitions and keys, for people to look at: what each partition is asked, of what it may serve, and
//! which keys ask for most of it. Not counting them: see `flywheel_shard::Consumption`.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use flywheel_api::{ApiError, ItemOut};
use flywheel_capacity::hot_keys::{Counted, HotKeys, share_of_limit};
use flywheel_capacity::operation::Operation as Kind;
use flywheel_item::Item;
use flywheel_item::key::prefix_successor;
use flywheel_shard::{Consumption, Direction, PartitionLimits, ScanRequest};
use serde::Serialize;

use crate::keys;
use crate::limits::MAX_PAGE_BYTES;
use crate::storage::Storage;
use crate::stored;
use crate::table::{Source, Table};
use crate::tables::Tables;

/// What is hot.
#[derive(Debug, Serialize)]
pub struct HotReport {
    /// Partitions that were asked for anything in the last one to two minutes; the busiest first.
    pub partitions: Vec<HotPartition>,
}

/// One partition of a table or a global index.
#[derive(Debug, Serialize)]
pub struct HotPartition {
    /// The table.
    pub table: String,
    /// The global index; `None` for the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The shard that it is on.
    pub shard: u16,
    /// Where it begins, by the hash of partition keys; 0 for the table's first.
    pub from_hash: String,
    /// Over how many seconds the rest was counted.
    pub seconds: f64,
    /// Of the read units that one partition may serve, how much it was asked for. 1 is all of it.
    pub read_share: f64,
    /// The same of write units.
    pub write_share: f64,
    /// Read units a second that it refused.
    pub throttled_read_units_per_s: f64,
    /// The same of write units.
    pub throttled_write_units_per_s: f64,
    /// Keys that most was served for.
    pub accessed: Vec<HotKey>,
    /// Keys that most was refused for.
    pub throttled: Vec<HotKey>,
}

/// One key.
#[derive(Debug, Serialize)]
pub struct HotKey {
    /// `read` or `write`.
    pub operation: &'static str,
    /// The item's key; of a query, or where the item is gone, what is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ItemOut>,
    /// Where it is stored, in hexadecimal digits.
    pub stored_at: String,
    /// Units a second, at the most.
    pub units_per_s: f64,
    /// By how many fewer it may be.
    pub error_units_per_s: f64,
    /// Of what one partition may serve.
    pub share: f64,
    /// The first second in which it was noted, in seconds since 1970.
    pub since: u64,
}

/// Whose units a partition's are.
struct Owner {
    table: Arc<Table>,
    /// The place of a global index among the table's.
    index: Option<usize>,
}

impl Owner {
    fn source(&self) -> Source<'_> {
        self.index.map_or(Source::Table, |place| Source::Global(&self.table.globals[place]))
    }

    fn index(&self) -> Option<String> {
        Some(self.table.globals[self.index?].name.clone())
    }
}

const SECOND_NS: u64 = 1_000_000_000;

impl<S: Storage> Tables<S> {
    /// The hottest partitions, and of each the `most` hottest keys of every kind.
    ///
    /// # Errors
    /// The storage's, and items that cannot be read.
    pub async fn hot(&self, most: usize) -> Result<HotReport, ApiError> {
        let mut partitions = Vec::new();
        for (start, shard, consumption) in self.storage().consumptions() {
            let Some(owner) = self.owner(&start) else { continue };
            if let Some(hot) = self.hot_partition(&owner, &start, &consumption, most).await? {
                partitions.push(HotPartition { shard, ..hot });
            }
        }
        let share = |of: &HotPartition| of.read_share + of.write_share;
        partitions.sort_by(|left, right| share(right).total_cmp(&share(left)));
        Ok(HotReport { partitions })
    }

    /// Whose partition begins at a key; `None` for the catalog's and others that are nobody's.
    fn owner(&self, start: &[u8]) -> Option<Owner> {
        let number = keys::table_number(start)?;
        self.catalog().all().by_name().values().find_map(|table| {
            let table = Arc::clone(table);
            if table.record.number == number {
                return Some(Owner { table, index: None });
            }
            let prefix = &start[..table.prefix().len()];
            let is_its =
                |place: &usize| Source::Global(&table.globals[*place]).prefix(&table) == prefix;
            let index = (0..table.globals.len()).find(is_its)?;
            Some(Owner { table, index: Some(index) })
        })
    }

    async fn hot_partition(
        &self,
        owner: &Owner,
        start: &Bytes,
        consumption: &Consumption,
        most: usize,
    ) -> Result<Option<HotPartition>, ApiError> {
        let now_ns = (self.options().monotonic_ns)();
        let (keys, elapsed_ns) = consumption.hot_keys(now_ns);
        // Of a time that has only begun nothing a second can be told.
        let elapsed_ns = elapsed_ns.max(SECOND_NS);
        let share = |kind: Kind| {
            let units = keys.accessed(kind).all() + keys.throttled(kind).all();
            share_of_limit(units, elapsed_ns, *PartitionLimits::default().rates().of(kind))
        };
        let (read_share, write_share) = (share(Kind::Read), share(Kind::Write));
        if read_share + write_share == 0.0 {
            return Ok(None);
        }
        let refused_per_s =
            |kind: Kind| keys.throttled(kind).all().as_f64() * SECOND_NS as f64 / elapsed_ns as f64;
        let prefix_bytes = owner.table.prefix().len();
        let hash = start.get(prefix_bytes..).unwrap_or_default();
        let looking = Looking { owner, now_ns, elapsed_ns, most };
        Ok(Some(HotPartition {
            table: owner.table.name().to_owned(),
            index: owner.index(),
            shard: 0,
            from_hash: hexadecimal(&hash[..hash.len().min(8)]),
            seconds: elapsed_ns as f64 / SECOND_NS as f64,
            read_share,
            write_share,
            throttled_read_units_per_s: refused_per_s(Kind::Read),
            throttled_write_units_per_s: refused_per_s(Kind::Write),
            accessed: self.hottest(&looking, &keys, HotKeys::accessed).await?,
            throttled: self.hottest(&looking, &keys, HotKeys::throttled).await?,
        }))
    }

    async fn hottest(
        &self,
        looking: &Looking<'_>,
        keys: &HotKeys,
        which: fn(&HotKeys, Kind) -> &flywheel_capacity::hot_keys::Summary,
    ) -> Result<Vec<HotKey>, ApiError> {
        let mut hottest = Vec::new();
        for (kind, operation) in [(Kind::Read, "read"), (Kind::Write, "write")] {
            let limit = *PartitionLimits::default().rates().of(kind);
            for counted in which(keys, kind).hottest(looking.most) {
                let per_s = SECOND_NS as f64 / looking.elapsed_ns as f64;
                hottest.push(HotKey {
                    operation,
                    // One that cannot be read now is told by where it is stored.
                    key: self
                        .named(looking.owner, counted)
                        .await
                        .ok()
                        .flatten()
                        .map(ItemOut::Built),
                    stored_at: hexadecimal(&counted.key),
                    units_per_s: counted.units.as_f64() * per_s,
                    error_units_per_s: counted.error.as_f64() * per_s,
                    share: share_of_limit(counted.units, looking.elapsed_ns, limit),
                    since: self.since_1970(looking.now_ns, counted.since_second),
                });
            }
        }
        hottest.sort_by(|left, right| right.share.total_cmp(&left.share));
        Ok(hottest)
    }

    /// The attributes that a stored key stands for: as the item there tells, or the first of its partition key.
    async fn named(&self, owner: &Owner, counted: &Counted) -> Result<Option<Item>, ApiError> {
        let key = Bytes::copy_from_slice(&counted.key);
        let end =
            prefix_successor(&key).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()));
        let request = ScanRequest {
            start: Bound::Included(key.clone()),
            end,
            direction: Direction::Forward,
            max_items: 1,
            max_bytes: MAX_PAGE_BYTES,
        };
        let page = self.storage().scan(request).await?;
        let Some((found, value)) = page.items.into_iter().next() else { return Ok(None) };
        let Some(value) = self.visible(&found, value.value).await? else { return Ok(None) };
        let item = stored::decode(&value)?;
        let schema = owner.source().schema(&owner.table);
        let sort = if found == key { &schema.sort[..] } else { &[] };
        let named = schema.partition.iter().chain(sort);
        Ok(Some(
            named.filter_map(|at| Some((at.name.clone(), item.get(&at.name)?.clone()))).collect(),
        ))
    }

    /// A second of the clock that never goes back, by the one that people read.
    fn since_1970(&self, now_ns: u64, second: u64) -> u64 {
        let ago_s = (now_ns / SECOND_NS).saturating_sub(second);
        (self.now_ms() / 1000).saturating_sub(ago_s)
    }
}

/// How a partition is looked at.
struct Looking<'a> {
    owner: &'a Owner,
    now_ns: u64,
    elapsed_ns: u64,
    most: usize,
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
