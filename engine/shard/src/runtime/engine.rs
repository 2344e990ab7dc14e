//! An opened directory on real cores. Not the requests' way: that is the handle's, straight to the
//! cores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use flywheel_capacity::partition::PartitionLimits;
use flywheel_disk::DirectoryLock;
use flywheel_store::{PartitionId, PartitionInfo, PartitionSpec, ScrubReport};
use futures_executor::block_on;
use futures_util::future::LocalBoxFuture;

use super::bootstrap::{Asked, Bootstrap, bootstrap, on_a_core};
use super::core::{OpenProgress, Progress, ShardCore, Starting, start};
use crate::admin::Admin;
use crate::assembly::{self, Assembly};
use crate::directory::{self, Identity};
use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::handle::{Handle, HandleBounds};
use crate::options::EngineOptions;
use crate::route::{RouteMap, Routes};
use crate::stats::EngineStats;

/// An open directory: its shards run, each on a core of its own, until this is closed or dropped.
///
/// Its own calls block; [`Engine::handle`] and [`Engine::admin`] have asynchronous ones. Dropping it
/// without [`Engine::close`] stops the cores as a crash would: nothing acknowledged is lost, and the
/// next open replays more of the log.
pub struct Engine {
    fleet: Arc<Fleet>,
    cores: Vec<ShardCore>,
    directory: PathBuf,
    identity: Identity,
    bounds: HandleBounds,
    /// Released last, once no core touches the directory any more.
    _lock: DirectoryLock,
}

impl Engine {
    /// Opens `directory`, or creates it if it is empty or does not exist.
    ///
    /// Each segment takes two open files, so the process's soft limit on these (`ulimit -Sn`) is
    /// raised to its hard one.
    ///
    /// # Errors
    /// [`ShardError::BadOption`], [`ShardError::BadDirectory`] and [`ShardError::ShardCount`] say
    /// what to change; [`ShardError::Store`] if the host cannot run the engine, another process has
    /// the directory open, too few files may be open at once, or a store cannot be recovered.
    pub fn open(directory: &Path, options: EngineOptions) -> Result<Self, ShardError> {
        Self::open_reporting(directory, options, None)
    }

    /// Like [`Engine::open`], reporting how far recovery is, from several threads.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_with_progress(
        directory: &Path,
        options: EngineOptions,
        progress: impl Fn(OpenProgress) + Send + Sync + 'static,
    ) -> Result<Self, ShardError> {
        Self::open_reporting(directory, options, Some(Arc::new(progress)))
    }

    fn open_reporting(
        directory: &Path,
        options: EngineOptions,
        progress: Option<Progress>,
    ) -> Result<Self, ShardError> {
        options.check()?;
        let shards = options.shard_count(processors());
        let asked = Asked {
            shards,
            segment_bytes: options.store.segment_bytes,
            durability: options.durability,
        };
        let Bootstrap { lock, identity, creating } = bootstrap(directory, asked)?;
        let durability = directory::durability(directory, &identity, options.durability)?;
        let start = |shard| start(shard, shards, directory, durability, &options, progress.clone());
        let starting = start_all(shards, start)?;
        let assemble = |claims: Vec<Vec<PartitionSpec>>| {
            if creating {
                return Ok(assembly::create(&claims, options.own_ranges, &options.initial_splits));
            }
            assembly::settle(&claims).map_err(|problem| directory::bad(directory, problem))
        };
        let finish = || {
            if !creating {
                return Ok(());
            }
            let directory = directory.to_owned();
            on_a_core(async move |world| directory::finish(&world, &directory).await)
        };
        let (fleet, cores) = agree(starting, options.partition_limits, assemble, finish)?;
        let (directory, bounds) = (directory.to_owned(), options.handle_bounds());
        Ok(Self { fleet, cores, directory, identity, bounds, _lock: lock })
    }

    /// A way to read and write, with a bound of its own on requests under way.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.fleet), self.bounds)
    }

    /// The engine's controls, asynchronously.
    pub fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.fleet))
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Who the directory is, and what the durability trial found when it was created.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Shards, and cores.
    pub fn shards(&self) -> u16 {
        self.identity.shards
    }

    /// See [`Admin::partitions`].
    ///
    /// # Errors
    /// As there.
    pub fn partitions(&self) -> Result<Vec<(PartitionInfo, u16)>, ShardError> {
        block_on(self.admin().partitions())
    }

    /// See [`Admin::stats`].
    ///
    /// # Errors
    /// As there.
    pub fn stats(&self) -> Result<EngineStats, ShardError> {
        block_on(self.admin().stats())
    }

    /// See [`Admin::split_partition`].
    ///
    /// # Errors
    /// As there.
    pub fn split_partition(&self, id: PartitionId, at: Bytes) -> Result<PartitionId, ShardError> {
        block_on(self.admin().split_partition(id, at))
    }

    /// See [`Admin::move_partition`].
    ///
    /// # Errors
    /// As there.
    pub fn move_partition(&self, id: PartitionId, to: u16) -> Result<(), ShardError> {
        block_on(self.admin().move_partition(id, to))
    }

    /// See [`Admin::checkpoint`].
    ///
    /// # Errors
    /// As there.
    pub fn checkpoint(&self) -> Result<(), ShardError> {
        block_on(self.admin().checkpoint())
    }

    /// See [`Admin::scrub`].
    ///
    /// # Errors
    /// As there.
    pub fn scrub(&self) -> Result<Vec<ScrubReport>, ShardError> {
        block_on(self.admin().scrub())
    }

    /// Runs a task on a shard's core, in its executor's foreground, as [`Admin::run_on_shard`]. Blocks until it
    /// was started: not for tasks of a core.
    ///
    /// # Errors
    /// As there.
    pub fn run_on_shard(
        &self,
        shard: u16,
        start: impl FnOnce() -> LocalBoxFuture<'static, ()> + Send + 'static,
    ) -> Result<(), ShardError> {
        block_on(self.admin().run_on_shard(shard, start))
    }

    /// Answers what was asked, ends moves, closes the stores, and waits for the cores.
    ///
    /// # Errors
    /// The stores' own. The directory is free either way.
    pub fn close(mut self) -> Result<(), ShardError> {
        let closed = block_on(self.fleet.close());
        // A core that could not be told ends all the same.
        self.fleet.abandon();
        closed.and(self.join())
    }

    fn join(&mut self) -> Result<(), ShardError> {
        let ends = self.cores.drain(..).map(|core| core.join()?);
        // All of them, before the first error is looked at.
        ends.collect::<Vec<_>>().into_iter().collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.fleet.abandon();
        // Nobody is left to tell; after `close` there is nothing to join.
        let _ = self.join();
    }
}

/// Processors that this process may use.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Starts every core, or none.
fn start_all(
    shards: u16,
    start: impl Fn(u16) -> Result<Starting, ShardError>,
) -> Result<Vec<Starting>, ShardError> {
    let mut starting = Vec::new();
    for shard in 0..shards {
        match start(shard) {
            Ok(core) => starting.push(core),
            Err(error) => {
                let cores = starting.into_iter().map(|shard: Starting| shard.core).collect();
                return Err(why_not(cores, Some(error)));
            }
        }
    }
    Ok(starting)
}

/// Brings the starting cores to agree on who owns what, and sets them running.
fn agree(
    starting: Vec<Starting>,
    partition_limits: Option<PartitionLimits>,
    assemble: impl FnOnce(Vec<Vec<PartitionSpec>>) -> Result<Assembly, ShardError>,
    finish: impl FnOnce() -> Result<(), ShardError>,
) -> Result<(Arc<Fleet>, Vec<ShardCore>), ShardError> {
    let (mut cores, mut inboxes, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    let (mut orders_to, mut settled, mut fleet_to) = (Vec::new(), Vec::new(), Vec::new());
    for shard in starting {
        cores.push(shard.core);
        inboxes.push(shard.inbox);
        claims.push(shard.claims);
        orders_to.push(shard.orders);
        settled.push(shard.settled);
        fleet_to.push(shard.fleet);
    }
    let agreed = (|| {
        let claims = wait_all(claims)?;
        let Assembly { orders, places, next_partition } = assemble(claims).map_err(Some)?;
        for (sender, orders) in orders_to.into_iter().zip(orders) {
            sender.send(orders);
        }
        wait_all(settled)?;
        finish().map_err(Some)?;
        let routes = RouteMap::new(places, partition_limits);
        let fleet = Arc::new(Fleet::new(inboxes, Routes::new(routes), next_partition));
        for sender in fleet_to {
            sender.send(Arc::clone(&fleet));
        }
        Ok(fleet)
    })();
    match agreed {
        Ok(fleet) => Ok((fleet, cores)),
        Err(ours) => Err(why_not(cores, ours)),
    }
}

/// Waits for every core's answer; `None` says that a core ended instead, with the reason.
fn wait_all<T>(answers: Vec<crate::reply::ReplyReceiver<T>>) -> Result<Vec<T>, Option<ShardError>> {
    answers.into_iter().map(|answer| block_on(answer).map_err(|_| None)).collect()
}

/// Waits for all cores, whose other ends are dropped by now, and says what went wrong first.
fn why_not(cores: Vec<ShardCore>, ours: Option<ShardError>) -> ShardError {
    let ends: Vec<Result<(), ShardError>> = cores
        .into_iter()
        .map(|core| core.join().map_err(ShardError::from).and_then(|ended| ended))
        .collect();
    let theirs = ends.into_iter().find_map(Result::err);
    ours.or(theirs).unwrap_or(ShardError::Closed)
}
