//! What requests and responses hold, a room for each family of operations. Not what may be in them.

mod batch;
mod capacity;
mod items;
mod query;
mod schema;
mod service;
mod tables;
mod tags;
mod time_to_live;
mod transactions;

pub use batch::*;
pub use capacity::*;
pub use items::*;
pub use query::*;
pub use schema::*;
pub use service::*;
pub use tables::*;
pub use tags::*;
pub use time_to_live::*;
pub use transactions::*;
