//! Salvaging a directory into a new one: every item that is proven or at least readable, under its
//! version, in partitions as they were; and a list of what was lost. The old directory is only read.
//!
//! Where all shards know their partitions, each item comes from the shard that owns its key. Where one
//! does not, the highest version over all shards is taken: versions of a key only rise, across moves too.

use std::ops::{Bound, ControlFlow};
use std::path::Path;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_store::{
    Finding, Ground, ImportedRecord, LostRegion, PartitionSpec, Salvage, Salvaged, Store, Version,
    own_prefix,
};

use super::{OfflineProgress, store_options};
use crate::assembly::{self, Assembly};
use crate::directory::{self, Identity, shard_path};
use crate::error::ShardError;
use crate::limits::{MAX_MOVE_PAGE_BYTES, MAX_MOVE_PAGE_ITEMS};
use crate::own;
use crate::route::RouteMap;

/// Partitions of each shard where those that were are not known.
const PARTITIONS_PER_SHARD: usize = 4;

/// Something that was not salvaged, or not for sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The newest value of a key cannot be read; there is no value of it in the new directory.
    Key {
        /// The shard.
        shard: u16,
        /// The key.
        key: Bytes,
        /// Where its record should stand.
        file: String,
        /// Where in the file.
        offset_bytes: u64,
        /// What was expected and what was found.
        what: String,
    },
    /// A value was kept, and a newer one, or its deletion, may have been lost.
    Doubtful {
        /// The shard.
        shard: u16,
        /// The key.
        key: Bytes,
        /// The version kept.
        version: Version,
    },
    /// A damaged place that may have held records of keys that nobody can name.
    Region {
        /// The shard.
        shard: u16,
        /// The place, and what is known of it.
        region: LostRegion,
    },
    /// Damage to what is not a record.
    Damage {
        /// The shard.
        shard: u16,
        /// What was found.
        finding: Finding,
    },
}

/// What was salvaged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Items in the new directory.
    pub kept: u64,
    /// Of those, the ones of which something newer may have been lost.
    pub doubtful: u64,
    /// Keys whose newest value is lost.
    pub lost: u64,
    /// Damaged places that may have held records of unknown keys.
    pub regions: u64,
    /// Shards of which no checkpoint was whole: all that could be read was taken.
    pub scanned_shards: Vec<u16>,
}

/// Who takes what from where.
struct Layout {
    routes: RouteMap,
    /// The new partitions of each shard.
    create: Vec<Vec<PartitionSpec>>,
    /// Items come from their owner; else the highest version over all shards counts.
    is_settled: bool,
}

/// Salvages what stands in `from` into `into`, which must be empty or missing.
pub(crate) async fn salvage<W: World>(
    world: &W,
    from: &Path,
    identity: &Identity,
    into: &Path,
    sink: &mut dyn FnMut(Loss),
    progress: &dyn Fn(OfflineProgress),
) -> Result<SalvageReport, ShardError> {
    let mut sources = Vec::new();
    for shard in 0..identity.shards {
        let options = store_options(identity, shard);
        let path = shard_path(from, shard);
        sources.push(Salvage::open(world.clone(), &path, options).await?);
    }
    let mut report = SalvageReport::default();
    tell_damage(&sources, &mut report, sink);
    let layout = layout(&sources).await;
    directory::write_identity(world, into, identity).await?;
    let targets = create(world, into, identity, &layout).await?;
    let mut filling = Filling { layout, targets, pending: Vec::new(), report, sink };
    for (shard, source) in sources.iter().enumerate() {
        filling.take_from(shard as u16, source, progress).await?;
    }
    let next_version = sources.iter().map(Salvage::next_version).max().unwrap_or(1);
    filling.raise_versions(next_version).await?;
    for target in &filling.targets {
        target.close().await?;
    }
    directory::finish(world, into).await?;
    Ok(filling.report)
}

fn tell_damage<W: World>(
    sources: &[Salvage<W>],
    report: &mut SalvageReport,
    sink: &mut dyn FnMut(Loss),
) {
    for (shard, source) in (0u16..).zip(sources) {
        if source.ground() == Ground::Scan {
            report.scanned_shards.push(shard);
        }
        for finding in source.findings() {
            sink(Loss::Damage { shard, finding: finding.clone() });
        }
        for region in source.regions() {
            report.regions += 1;
            sink(Loss::Region { shard, region: region.clone() });
        }
    }
}

/// The partitions as they were, if every shard knows its own and every key has one owner.
async fn layout<W: World>(sources: &[Salvage<W>]) -> Layout {
    let known: Vec<_> = sources.iter().map(Salvage::partitions).collect();
    let claims: Option<Vec<_>> = known.iter().cloned().collect();
    if let Some(claims) = claims
        && let Ok(Assembly { orders, places, .. }) = assembly::settle(&claims)
    {
        let owned = claims.into_iter().zip(orders);
        let create = owned.map(|(specs, orders)| {
            specs.into_iter().filter(|spec| !orders.drop.contains(&spec.id)).collect()
        });
        let (routes, create) = (RouteMap::new(places, None), create.collect());
        return Layout { routes, create, is_settled: true };
    }
    let mut splits: Vec<Bytes> =
        known.into_iter().flatten().flatten().map(|spec| spec.start).collect();
    for source in sources {
        splits.extend(source.quantiles(sources.len() * PARTITIONS_PER_SHARD));
    }
    let own_ranges = own_ranges(sources);
    let lowest = if own_ranges { own::END } else { &[] };
    splits.retain(|key| **key > *lowest);
    splits.sort();
    splits.dedup();
    // Not more than a new directory would begin with.
    let wanted = sources.len() * PARTITIONS_PER_SHARD;
    let every = splits.len().div_ceil(wanted).max(1);
    let splits: Vec<Bytes> = splits.into_iter().step_by(every).collect();
    let assembly = assembly::create(&vec![Vec::new(); sources.len()], own_ranges, &splits);
    let create = assembly.orders.into_iter().map(|orders| orders.create).collect();
    let routes = RouteMap::new(assembly.places, None);
    Layout { routes, create, is_settled: false }
}

/// Whether shards had own ranges: if one still knows its own or, where none knows its partitions, if all keys
/// in the place of own ranges are where they would be. Own ranges never move.
fn own_ranges<W: World>(sources: &[Salvage<W>]) -> bool {
    let shards = sources.len() as u16;
    let mut known = (0..shards)
        .zip(sources)
        .filter_map(|(shard, source)| Some((own::range(shard, shards), source.partitions()?)));
    if let Some((own, partitions)) = known.next() {
        return partitions.contains(&own);
    }
    let mut found = false;
    (0..shards).zip(sources).all(|(shard, source)| {
        let mut in_place = true;
        source.visit_keys(&mut |key| {
            if key >= own::END {
                return ControlFlow::Break(());
            }
            found = true;
            in_place &= key.starts_with(&own_prefix(shard));
            ControlFlow::Continue(())
        });
        in_place
    }) && found
}

/// Opens the new stores and makes their partitions.
async fn create<W: World>(
    world: &W,
    into: &Path,
    identity: &Identity,
    layout: &Layout,
) -> Result<Vec<Store<W>>, ShardError> {
    let mut targets = Vec::new();
    for (shard, specs) in (0u16..).zip(&layout.create) {
        let (path, options) = (shard_path(into, shard), store_options(identity, shard));
        let store = Store::open(world.clone(), &path, options, None).await?;
        for spec in specs {
            store.create_partition(spec.clone()).await?;
        }
        targets.push(store);
    }
    Ok(targets)
}

/// The new directory while it is filled.
struct Filling<'a, W: World> {
    layout: Layout,
    targets: Vec<Store<W>>,
    /// Records for one target, not yet sent there.
    pending: Vec<ImportedRecord>,
    report: SalvageReport,
    sink: &'a mut dyn FnMut(Loss),
}

impl<W: World> Filling<'_, W> {
    async fn take_from(
        &mut self,
        shard: u16,
        source: &Salvage<W>,
        progress: &dyn Fn(OfflineProgress),
    ) -> Result<(), ShardError> {
        let (mut done, of) = (0, source.items());
        let mut behind = Bound::Unbounded;
        let mut owner = shard;
        loop {
            let (page, last) = source.page(&behind).await;
            if page.is_empty() {
                return self.send(owner).await;
            }
            behind = last;
            done += page.len() as u64;
            for item in page {
                let (Salvaged::Kept { key, .. } | Salvaged::Lost { key, .. }) = &item;
                let to = self.layout.routes.of_key(key).shard;
                // What another shard owns by now is dead here.
                if self.layout.is_settled && to != shard {
                    continue;
                }
                if to != owner {
                    self.send(owner).await?;
                    owner = to;
                }
                self.take(shard, owner, item).await?;
            }
            progress(OfflineProgress { shard, done, of });
        }
    }

    async fn take(&mut self, shard: u16, to: u16, item: Salvaged) -> Result<(), ShardError> {
        let (key, version, value, doubtful) = match item {
            Salvaged::Kept { key, version, value, doubtful } => (key, version, value, doubtful),
            Salvaged::Lost { key, file, offset_bytes, what } => {
                self.report.lost += 1;
                (self.sink)(Loss::Key { shard, key, file, offset_bytes, what });
                return Ok(());
            }
        };
        if !self.layout.is_settled {
            match self.targets[usize::from(to)].get(&key).await? {
                Some(known) if known.version >= version => return Ok(()),
                // Counted already.
                Some(_) => {
                    self.report.kept -= 1;
                    self.report.doubtful -= 1;
                }
                None => {}
            }
        }
        self.report.kept += 1;
        // Where owners are not known, the key may have moved away and been deleted there.
        if doubtful || !self.layout.is_settled {
            self.report.doubtful += 1;
            (self.sink)(Loss::Doubtful { shard, key: key.clone(), version });
        }
        self.pending.push(ImportedRecord { key, version, value: Some(value) });
        let bytes = |record: &ImportedRecord| {
            record.key.len() + record.value.as_ref().map_or(0, Bytes::len)
        };
        let is_full = self.pending.len() >= MAX_MOVE_PAGE_ITEMS
            || self.pending.iter().map(bytes).sum::<usize>() >= MAX_MOVE_PAGE_BYTES;
        if is_full {
            self.send(to).await?;
        }
        Ok(())
    }

    async fn send(&mut self, to: u16) -> Result<(), ShardError> {
        let records = std::mem::take(&mut self.pending);
        Ok(self.targets[usize::from(to)].import(records).await?)
    }

    /// New versions begin above all that were ever given out: also those of keys deleted since.
    async fn raise_versions(&mut self, next_version: Version) -> Result<(), ShardError> {
        for target in &self.targets {
            let Some(partition) = target.partitions().into_iter().next() else { continue };
            let mut key = partition.spec.start.to_vec();
            // The first key that has no value: a deletion of it changes nothing.
            loop {
                key.push(0);
                let absent = Bytes::from(key.clone());
                if target.partition_of(&absent) != Some(partition.spec.id) {
                    break;
                }
                if target.get(&absent).await?.is_none() {
                    let version = next_version.saturating_sub(1);
                    target
                        .import(vec![ImportedRecord { key: absent, version, value: None }])
                        .await?;
                    break;
                }
            }
        }
        Ok(())
    }
}
