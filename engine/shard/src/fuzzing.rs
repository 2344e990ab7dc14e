//! What the fuzz targets reach of this crate beyond its public rooms. Not an interface: only there
//! under the feature `fuzzing`, and free to change.

use std::path::Path;

use flywheel_disk::Durability;

use crate::directory;
use crate::{Identity, ShardError};

/// Decodes a directory's identity file as opening does.
///
/// # Errors
/// What is wrong with it: damage, another product or version, an unknown way to make writes durable.
pub fn decode_identity(block: &[u8]) -> Result<Identity, String> {
    let identity = directory::decode(block)?;
    let checked = directory::check_version(Path::new("/"), &identity);
    checked.map_err(|error: ShardError| error.to_string())?;
    Ok(identity)
}

/// The identity of a new directory, and its file's block.
pub fn new_identity(shards: u16, segment_bytes: u32, durability: Durability) -> Identity {
    Identity::new(shards, segment_bytes, durability)
}

/// Encodes an identity at the front of `block`.
pub fn encode_identity(identity: &Identity, block: &mut [u8]) {
    directory::encode(identity, block);
}
