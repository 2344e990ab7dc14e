//! DynamoDB over HTTP: connections, signatures, TLS, metrics. Not what operations do: see `flywheel-table`.
//!
//! | Room | What it is |
//! |---|---|
//! | `node` | a directory that is served, from start to stop |
//! | `service`, `tables` | the seam: what answers requests; tables behind it |
//! | `serve`, `core` | one core's server: accepting, refusing, draining; what its connections share |
//! | `http/` | requests and responses as bytes: heads, bodies, the loop of a connection |
//! | `dispatch` | what a whole request is, and the order in which it is checked |
//! | `sigv4/`, `credentials` | who sent it |
//! | `stream`, `tls` | bytes of a connection, plain or not |
//! | `content`, `cors`, `health`, `target`, `wire` | compression, other origins, probes, operations' names, errors |
//! | `metrics/` | what is counted, and its page |

mod content;
mod core;
mod cors;
pub mod credentials;
mod dispatch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod health;
mod http;
pub mod limits;
pub mod metrics;
mod node;
pub mod options;
mod patience;
mod serve;
pub mod service;
mod sigv4;
mod stop;
mod stream;
mod tables;
mod target;
pub mod tls;
mod wire;

pub use credentials::{Credentials, CredentialsError};
pub use metrics::Metrics;
pub use node::{Node, NodeError, NodeOptions};
pub use options::{ServerOptions, Settings};
pub use serve::{Drained, serve};
pub use service::{Answer, Api, Call, OperationName, RequestId, Service};
pub use stop::Stop;
pub use tables::TableService;
pub use tls::{TlsError, TlsSettings};
