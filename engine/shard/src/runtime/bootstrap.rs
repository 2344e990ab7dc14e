//! What must be settled before a core starts: is the host able, is the directory ours and free, which
//! way of making writes durable is the faster one here. Not opening the stores.

use std::path::Path;
use std::time::Duration;

use flywheel_disk::durability::try_both;
use flywheel_disk::real::{RealWorld, run_on_core};
use flywheel_disk::{DirectoryLock, DiskFault, Durability, World, host};

use crate::directory::{self, Found, Identity};
use crate::error::ShardError;

/// A directory that is ours until the lock is dropped.
pub(super) struct Bootstrap {
    pub lock: DirectoryLock,
    pub identity: Identity,
    /// Whether the stores are still to be made.
    pub creating: bool,
}

/// What the options ask of the directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub shards: u16,
    pub segment_bytes: u32,
    pub durability: Option<Durability>,
}

/// Files open besides the shards' own: the lock, and what opening needs for a moment.
const FILES_OF_AN_ENGINE: u64 = 16;

/// Files that one shard has open besides its segments, two each for the superblock and for the
/// segments that it makes ready first; and its ring and its bell.
const FILES_OF_A_SHARD: u64 = 32;

/// Checks the host, takes the directory, and gives it an identity if it has none.
pub(super) fn bootstrap(directory: &Path, asked: Asked) -> Result<Bootstrap, ShardError> {
    check_host(directory)?;
    let directory = directory.to_owned();
    on_a_core(async move |world| settle(&world, &directory, asked).await)
}

/// Runs `task` on a core of its own and waits for it.
pub(super) fn on_a_core<T: Send + 'static>(
    task: impl AsyncFnOnce(RealWorld) -> Result<T, ShardError> + Send + 'static,
) -> Result<T, ShardError> {
    let main = move || task(RealWorld::new(Durability::Dsync));
    run_on_core(0, "flywheel-open", Duration::ZERO, main)?.join()?
}

async fn settle(
    world: &RealWorld,
    directory: &Path,
    asked: Asked,
) -> Result<Bootstrap, ShardError> {
    // Looked at before it is locked: a directory that is not ours is left exactly as it was.
    directory::look(world, directory).await?;
    world.create_directory(directory).await?;
    let lock = DirectoryLock::acquire(directory)?;
    let found = directory::look(world, directory).await?;
    let creating = !matches!(found, Found::Whole(_));
    let segments = directory::count_segments(world, directory, asked.shards).await?;
    host::allow_open_files(directory, files_for(asked.shards, segments))?;
    let identity = match found {
        Found::Whole(identity) => {
            directory::check_alike(directory, &identity, asked.shards, asked.segment_bytes)?;
            let durability = directory::durability(directory, &identity, asked.durability)?;
            let world = world.with_durability(durability);
            directory::prove_durability(&world, directory, durability).await?;
            identity
        }
        Found::Unfinished(identity) => {
            directory::check_alike(directory, &identity, asked.shards, asked.segment_bytes)?;
            identity
        }
        Found::Nothing => {
            let identity = new_identity(world, directory, asked).await?;
            directory::write_identity(world, directory, &identity).await?;
            identity
        }
    };
    Ok(Bootstrap { lock, identity, creating })
}

async fn new_identity(
    world: &RealWorld,
    directory: &Path,
    asked: Asked,
) -> Result<Identity, ShardError> {
    if let Some(durability) = asked.durability {
        return Ok(Identity::new(asked.shards, asked.segment_bytes, durability));
    }
    let fdatasync = world.with_durability(Durability::Fdatasync);
    let trial = try_both(world, &fdatasync, directory).await?;
    let mut identity = Identity::new(asked.shards, asked.segment_bytes, trial.chosen);
    identity.dsync_us = Some(trial.dsync_us);
    identity.fdatasync_us = Some(trial.fdatasync_us);
    Ok(identity)
}

/// Files that an engine has open: two for each segment, and what each core and its store need besides.
fn files_for(shards: u16, segments: u64) -> u64 {
    FILES_OF_AN_ENGINE + u64::from(shards) * FILES_OF_A_SHARD + 2 * segments
}

/// Checks the host where the directory is, or where it will be made.
fn check_host(directory: &Path) -> Result<(), ShardError> {
    for place in directory.ancestors() {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match host::check(place) {
            Err(error) if error.fault == DiskFault::NotFound => {}
            checked => return Ok(checked?),
        }
    }
    // Every path has an ancestor that exists; if not, making the directory says what is wrong.
    Ok(())
}
