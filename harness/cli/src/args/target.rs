//! The name of what a workload is run against.

use std::str::FromStr;

use flywheel_targets::PeerName;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// The storage engine.
    Engine,
    /// Nothing: answers at once, and shows what the harness itself costs.
    Null,
    /// Another engine.
    Peer(PeerName),
}

/// A `--target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetName(pub Chosen);

impl FromStr for TargetName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(Self(match name {
            "engine" | "flywheel" => Chosen::Engine,
            "null" => Chosen::Null,
            peer => Chosen::Peer(peer.parse().map_err(|_| {
                format!("expected engine, null, rocksdb, fjall, redb, lmdb or sled, found {name:?}")
            })?),
        }))
    }
}
