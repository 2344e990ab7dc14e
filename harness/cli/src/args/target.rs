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
    /// Tables in this process.
    Table,
    /// Any DynamoDB endpoint.
    DynamoDb,
    /// Another engine.
    Peer(PeerName),
}

impl Chosen {
    /// Whether records are items there, which YCSB's DynamoDB binding has properties for.
    pub fn has_items(self) -> bool {
        matches!(self, Self::Table | Self::DynamoDb)
    }
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
            "table" => Chosen::Table,
            "dynamodb" => Chosen::DynamoDb,
            peer => Chosen::Peer(peer.parse().map_err(|_| {
                format!(
                    "expected engine, table, dynamodb, null, rocksdb, fjall, redb, lmdb or sled, found {name:?}"
                )
            })?),
        }))
    }
}
