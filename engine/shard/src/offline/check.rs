//! Checking every shard of a directory, and that every key has one owner. Not one store's check: that is
//! the store's own.

use std::path::Path;
use std::rc::Rc;

use flywheel_disk::World;
use flywheel_store::Checked;

use super::{OfflineProgress, store_options};
use crate::assembly;
use crate::directory::{Identity, shard_path};
use crate::error::ShardError;

/// What was found of one shard.
#[derive(Debug, Clone)]
pub struct ShardCheck {
    /// The shard.
    pub shard: u16,
    /// What its store holds, and what is wrong with it.
    pub store: Checked,
}

/// What was found of a directory.
#[derive(Debug, Clone)]
pub struct DirectoryCheck {
    /// Each shard, in order.
    pub shards: Vec<ShardCheck>,
    /// What is wrong with who owns what, if anything: a key without an owner, or with two.
    pub ownership: Option<String>,
}

impl DirectoryCheck {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.ownership.is_none() && self.shards.iter().all(|one| one.store.findings_total == 0)
    }
}

/// Checks one shard after the other. Changes nothing.
pub(crate) async fn check<W: World>(
    world: &W,
    directory: &Path,
    identity: &Identity,
    progress: Rc<dyn Fn(OfflineProgress)>,
) -> Result<DirectoryCheck, ShardError> {
    let mut shards = Vec::new();
    for shard in 0..identity.shards {
        let (path, options) = (shard_path(directory, shard), store_options(identity, shard));
        let told = Rc::clone(&progress);
        let report = move |done, of| told(OfflineProgress { shard, done, of });
        let store = flywheel_store::check(world.clone(), &path, options, Rc::new(report)).await?;
        shards.push(ShardCheck { shard, store });
    }
    let claims: Option<Vec<_>> =
        shards.iter().map(|shard| shard.store.partitions.clone()).collect();
    let ownership = match claims {
        Some(claims) => assembly::settle(&claims).err(),
        None => None,
    };
    Ok(DirectoryCheck { shards, ownership })
}
