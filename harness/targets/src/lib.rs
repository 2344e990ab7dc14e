//! What a workload can be run against: one adapter a file.
//! No adapter measures, and none knows another.

mod dynamodb;
mod engine;
mod items;
pub mod limits;
mod model;
mod null;
mod peers;
mod slowed;
mod table;

pub use dynamodb::{
    AccessKey, CredentialsError, DynamoDbError, DynamoDbFactory, DynamoDbOptions, Endpoint,
    EndpointError,
};
pub use engine::{EngineFactory, EngineTarget};
pub use items::{ItemMapping, MappingError};
pub use model::{Model, ModelFactory};
pub use null::{Null, NullFactory};
pub use peers::{Peer, PeerError, PeerName, PeerOptions, PeerTarget, disk_bytes};
pub use slowed::{SlowedFactory, SlowedTarget};
pub use table::{TableError, TableFactory, table_engine_options};
