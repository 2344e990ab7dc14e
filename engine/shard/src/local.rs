//! Several shards in one thread, on any world: what a simulator drives by seed. Not the real engine,
//! which has a core for each shard: see `runtime`.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use flywheel_disk::{Durability, TaskClass, World};
use flywheel_store::{Audit, PartitionSpec};

use crate::admin::Admin;
use crate::assembly::{self, Assembly};
use crate::directory::{self, Found, Identity};
use crate::error::ShardError;
use crate::fleet::{Fleet, Inbox};
use crate::handle::{Handle, HandleBounds};
use crate::options::EngineOptions;
use crate::route::{RouteMap, Routes};
use crate::shard::Shard;

/// An open directory whose shards are tasks of the caller's executor. Nobody is kept from opening it
/// a second time: simulated disks have no locks.
///
/// Dropping it without [`LocalEngine::close`] is what a crash of the process would be.
pub struct LocalEngine {
    fleet: Arc<Fleet>,
    bounds: HandleBounds,
    /// One for each shard: what it would answer for, or what is wrong with it.
    audits: Vec<ShardAudit>,
}

type ShardAudit = Box<dyn Fn(Audit) -> Result<Vec<PartitionSpec>, String>>;

impl LocalEngine {
    /// Opens or creates `directory`, one shard on each of `worlds`; `options.shards` is ignored.
    ///
    /// # Errors
    /// As [`crate::Engine::open`], except that nothing asks the host.
    ///
    /// # Panics
    /// Without any world.
    pub async fn open<W: World>(
        worlds: Vec<W>,
        directory: &Path,
        options: EngineOptions,
    ) -> Result<Self, ShardError> {
        options.check()?;
        let (shards, world) = (worlds.len() as u16, worlds[0].clone());
        let creating = prepare(&world, directory, &options, shards).await?;
        let mut opened = Vec::new();
        for (number, world) in worlds.into_iter().enumerate() {
            let number = number as u16;
            let inbox = Arc::new(Inbox::new(options.mailbox_requests));
            let path = directory::shard_path(directory, number);
            let (store, settings) = (options.store_of(number, shards), options.shard_settings());
            opened.push(Shard::open(world, &path, store, settings, inbox, None).await?);
        }
        let claims: Vec<_> = opened.iter().map(|shard| shard.claims()).collect();
        let Assembly { orders, places, next_partition } = if creating {
            assembly::create(&claims, options.own_ranges, &options.initial_splits)
        } else {
            assembly::settle(&claims).map_err(|problem| directory::bad(directory, problem))?
        };
        for (shard, orders) in opened.iter().zip(orders) {
            shard.settle(orders).await?;
        }
        if creating {
            directory::finish(&world, directory).await?;
        }
        let inboxes = opened.iter().map(|shard| shard.inbox()).collect();
        let routes = RouteMap::new(places, options.partition_limits);
        let fleet = Arc::new(Fleet::new(inboxes, Routes::new(routes), next_partition));
        let mut audits: Vec<ShardAudit> = Vec::new();
        for shard in opened {
            let audited = Rc::clone(&shard);
            audits.push(Box::new(move |audit| audited.audit(audit)));
            let ended = Rc::clone(&shard).run(Arc::clone(&fleet));
            world.spawn(TaskClass::Foreground, ended);
        }
        Ok(Self { fleet, bounds: options.handle_bounds(), audits })
    }

    /// A way to read and write, with a bound of its own on requests under way.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.fleet), self.bounds)
    }

    /// The engine's controls.
    pub fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.fleet))
    }

    /// Checks that each shard's tables agree with each other, and that no key is answered for by two
    /// shards. Changes nothing and draws no randomness: it may be called between any two steps.
    ///
    /// # Errors
    /// What does not hold.
    pub fn audit(&self, audit: Audit) -> Result<(), String> {
        let mut owners: Vec<PartitionSpec> = Vec::new();
        for shard in &self.audits {
            owners.extend(shard(audit)?);
        }
        owners.sort_by(|left, right| left.start.cmp(&right.start));
        for pair in owners.windows(2) {
            if pair[0].end.as_ref().is_none_or(|end| *end > pair[1].start) {
                let (left, right) = (&pair[0].id.0, &pair[1].id.0);
                return Err(format!("partitions {left} and {right} answer for the same keys"));
            }
        }
        Ok(())
    }

    /// Answers what was asked, ends moves, and closes the stores.
    ///
    /// # Errors
    /// The stores' own.
    pub async fn close(self) -> Result<(), ShardError> {
        self.fleet.close().await
    }
}

impl fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEngine").field("fleet", &self.fleet).finish_non_exhaustive()
    }
}

impl Drop for LocalEngine {
    fn drop(&mut self) {
        self.fleet.abandon();
    }
}

/// Looks at the directory and gives it an identity if it has none. Whether it is being created.
async fn prepare<W: World>(
    world: &W,
    directory: &Path,
    options: &EngineOptions,
    shards: u16,
) -> Result<bool, ShardError> {
    let segment_bytes = options.store.segment_bytes;
    match directory::look(world, directory).await? {
        Found::Whole(identity) => {
            directory::check_alike(directory, &identity, shards, segment_bytes)?;
            Ok(false)
        }
        Found::Unfinished(identity) => {
            directory::check_alike(directory, &identity, shards, segment_bytes)?;
            Ok(true)
        }
        Found::Nothing => {
            let durability = options.durability.unwrap_or(Durability::Dsync);
            let identity = Identity::new(shards, segment_bytes, durability);
            directory::write_identity(world, directory, &identity).await?;
            Ok(true)
        }
    }
}
