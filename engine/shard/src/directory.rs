//! A data directory from outside: its identity, and whether its creation was finished. Not what the
//! stores keep in their folders.
//!
//! ```text
//! dir/LOCK             held while open
//! dir/flywheel.json    who we are: written first, one block of JSON padded with spaces
//! dir/CREATED          an empty block: written last; without it nothing was ever acknowledged
//! dir/shard-0000/ ...  one store a shard
//! ```
//!
//! A crash during creation leaves an identity without `CREATED`; the next open starts over with what
//! is there. A torn identity is thereby told from a damaged one: with `CREATED` it was once whole.

use std::path::{Path, PathBuf};

use flywheel_disk::{DiskFault, Durability, File, World};
use serde::{Deserialize, Serialize};

use crate::error::ShardError;
use crate::limits::MAX_IDENTITY_BYTES;

/// The format that this version reads and writes.
const FORMAT_VERSION: u32 = 1;

/// What the identity says in its first field.
const PRODUCT: &str = "flywheel";

const IDENTITY_FILE: &str = "flywheel.json";
const CREATED_FILE: &str = "CREATED";

/// Files that an interrupted start may have left in an otherwise empty directory.
const OUR_DEBRIS: [&str; 4] =
    [flywheel_disk::lock::LOCK_FILE, IDENTITY_FILE, "direct-io-trial", "durability-trial"];

/// Who a data directory is; fixed when it was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    product: String,
    format_version: u32,
    /// Shards, each with a folder of its own.
    pub shards: u16,
    /// Size of the stores' segment files.
    pub segment_bytes: u32,
    /// How writes are made durable unless the options say otherwise: `O_DSYNC` or `fdatasync`.
    pub durability: String,
    /// What the trial at creation measured for one durable block, in microseconds.
    pub dsync_us: Option<f64>,
    /// The same for a write followed by `fdatasync`.
    pub fdatasync_us: Option<f64>,
}

impl Identity {
    pub(crate) fn new(shards: u16, segment_bytes: u32, durability: Durability) -> Self {
        Self {
            product: PRODUCT.to_owned(),
            format_version: FORMAT_VERSION,
            shards,
            segment_bytes,
            durability: durability.to_string(),
            dsync_us: None,
            fdatasync_us: None,
        }
    }

    /// How writes are made durable unless the options say otherwise.
    pub(crate) fn durability(&self) -> Result<Durability, String> {
        self.durability.parse()
    }
}

/// What stands in a directory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// Nothing of ours, or nothing that can be told: to be created.
    Nothing,
    /// A creation that was not finished, under this identity.
    Unfinished(Identity),
    /// A directory that was in use.
    Whole(Identity),
}

/// The folder of one shard.
pub(crate) fn shard_path(directory: &Path, shard: u16) -> PathBuf {
    directory.join(format!("shard-{shard:04}"))
}

/// Looks what stands in `directory`, and changes nothing.
///
/// # Errors
/// [`ShardError::BadDirectory`] if it is somebody else's, damaged or of another version.
pub(crate) async fn look<W: World>(world: &W, directory: &Path) -> Result<Found, ShardError> {
    let names = match world.list(directory).await {
        Err(error) if error.fault == DiskFault::NotFound => return Ok(Found::Nothing),
        listed => listed?,
    };
    let created = names.iter().any(|name| name == CREATED_FILE);
    let identity = if names.iter().any(|name| name == IDENTITY_FILE) {
        read_identity(world, directory).await?
    } else {
        Err("flywheel.json is missing".to_owned())
    };
    match (identity, created) {
        (Ok(identity), created) => {
            check_version(directory, &identity)?;
            Ok(if created { Found::Whole(identity) } else { Found::Unfinished(identity) })
        }
        (Err(problem), true) => {
            Err(bad(directory, format!("{problem}; restore it from a backup of the directory")))
        }
        (Err(_), false) => match names.iter().find(|name| !is_our_debris(name)) {
            Some(name) => Err(bad(
                directory,
                format!(
                    "not a Flywheel directory and not empty (it holds `{name}`); choose another"
                ),
            )),
            None => Ok(Found::Nothing),
        },
    }
}

/// Makes sure that a whole directory was made as the options ask.
pub(crate) fn check_alike(
    directory: &Path,
    identity: &Identity,
    shards: u16,
    segment_bytes: u32,
) -> Result<(), ShardError> {
    if identity.shards != shards {
        let (directory, made_with) = (directory.to_owned(), identity.shards);
        return Err(ShardError::ShardCount { directory, made_with, asked: shards });
    }
    if identity.segment_bytes != segment_bytes {
        let made_with = identity.segment_bytes;
        return Err(bad(
            directory,
            format!("made with segments of {made_with} bytes, asked for {segment_bytes}"),
        ));
    }
    Ok(())
}

/// Makes the directory and writes its identity, durably.
pub(crate) async fn write_identity<W: World>(
    world: &W,
    directory: &Path,
    identity: &Identity,
) -> Result<(), ShardError> {
    world.create_directory(directory).await?;
    let path = directory.join(IDENTITY_FILE);
    remove_if_there(world, &path).await?;
    let file = world.create(&path, MAX_IDENTITY_BYTES as u64).await?;
    let mut block = world.buffer(MAX_IDENTITY_BYTES);
    encode(identity, &mut block);
    Ok(file.write_durable(0, block).await?)
}

/// Records that the directory is complete: from now on writes may be acknowledged.
pub(crate) async fn finish<W: World>(world: &W, directory: &Path) -> Result<(), ShardError> {
    let path = directory.join(CREATED_FILE);
    world.create(&path, MAX_IDENTITY_BYTES as u64).await?;
    Ok(())
}

/// How writes are made durable: as asked, or else as the identity says.
pub(crate) fn durability(
    directory: &Path,
    identity: &Identity,
    asked: Option<Durability>,
) -> Result<Durability, ShardError> {
    match asked {
        Some(durability) => Ok(durability),
        None => identity.durability().map_err(|problem| bad(directory, problem)),
    }
}

/// Makes one write durable as `world` does: a directory may have been copied to a file system that
/// knows no such way, and must not learn it from its first acknowledged write. The block that is
/// written holds nothing and is there already, so that a full disk can be opened too.
///
/// # Errors
/// [`ShardError::BadDirectory`] saying which way does not work here, and why.
pub(crate) async fn prove_durability<W: World>(
    world: &W,
    directory: &Path,
    durability: Durability,
) -> Result<(), ShardError> {
    let file = world.open(&directory.join(CREATED_FILE)).await?;
    match file.write_durable(0, world.buffer(MAX_IDENTITY_BYTES)).await {
        Err(error) if error.fault != DiskFault::NoSpace => Err(bad(
            directory,
            format!(
                "{durability}, the way in which writes are made durable here, does not work on \
                 this file system ({error}); ask for the other one, or choose another directory"
            ),
        )),
        _ => Ok(()),
    }
}

/// Segment files in all shards' folders.
pub(crate) async fn count_segments<W: World>(
    world: &W,
    directory: &Path,
    shards: u16,
) -> Result<u64, ShardError> {
    let mut segments = 0;
    for shard in 0..shards {
        match world.list(&shard_path(directory, shard)).await {
            Err(error) if error.fault == DiskFault::NotFound => {}
            listed => {
                let names = listed?;
                segments += names.iter().filter(|name| name.starts_with("segment-")).count() as u64;
            }
        }
    }
    Ok(segments)
}

/// The identity, or what is wrong with the file.
async fn read_identity<W: World>(
    world: &W,
    directory: &Path,
) -> Result<Result<Identity, String>, ShardError> {
    let file = world.open(&directory.join(IDENTITY_FILE)).await?;
    if file.size_bytes() != MAX_IDENTITY_BYTES as u64 {
        let found = file.size_bytes();
        return Ok(Err(format!("{IDENTITY_FILE} has {found} bytes, not {MAX_IDENTITY_BYTES}")));
    }
    let block = file.read(0, MAX_IDENTITY_BYTES).await?;
    Ok(decode(&block))
}

/// Fills `block` with an identity of ours: a few short fields.
pub(crate) fn encode(identity: &Identity, block: &mut [u8]) {
    let json = serde_json::to_vec_pretty(identity).expect("plain fields always serialise");
    block.fill(b' ');
    block[..json.len()].copy_from_slice(&json);
    block[MAX_IDENTITY_BYTES - 1] = b'\n';
}

/// The identity that a block holds, or what is wrong with it.
pub(crate) fn decode(block: &[u8]) -> Result<Identity, String> {
    serde_json::from_slice(block)
        .map_err(|error| format!("{IDENTITY_FILE} cannot be read ({error})"))
}

pub(crate) fn check_version(directory: &Path, identity: &Identity) -> Result<(), ShardError> {
    if identity.product != PRODUCT {
        let product = &identity.product;
        return Err(bad(directory, format!("made by `{product}`, not by Flywheel")));
    }
    let found = identity.format_version;
    if found != FORMAT_VERSION {
        return Err(bad(
            directory,
            format!(
                "written in format {found}, and this version reads format {FORMAT_VERSION}; open \
                 it with the version that wrote it"
            ),
        ));
    }
    if let Err(problem) = identity.durability() {
        return Err(bad(directory, format!("{IDENTITY_FILE}: durability: {problem}")));
    }
    Ok(())
}

async fn remove_if_there<W: World>(world: &W, path: &Path) -> Result<(), ShardError> {
    match world.remove(path).await {
        Err(error) if error.fault != DiskFault::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_our_debris(name: &str) -> bool {
    let name = name.strip_suffix(flywheel_disk::world::UNFINISHED_SUFFIX).unwrap_or(name);
    OUR_DEBRIS.contains(&name) || name == CREATED_FILE
}

pub(crate) fn bad(directory: &Path, problem: impl Into<String>) -> ShardError {
    ShardError::BadDirectory { directory: directory.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_disk::sim::{self, Fault, Op, SimDisk};

    #[test]
    fn a_way_to_make_writes_durable_that_does_not_work_here_is_found_at_opening() {
        let (disk, directory) = (SimDisk::new(), Path::new("/data"));
        sim::run(1, &disk, async |world| {
            world.create_directory(directory).await.expect("made");
            finish(&world, directory).await.expect("finished");
            let prove = || prove_durability(&world, directory, Durability::Dsync);
            prove().await.expect("works");
            disk.plan(Fault::Error(Op::Write), CREATED_FILE);
            let error = prove().await.expect_err("refused").to_string();
            assert!(error.contains("/data: O_DSYNC") && error.contains("EIO"), "{error}");
            disk.set_capacity_bytes(Some(0));
            prove().await.expect("a full disk can be opened");
        });
    }
}
