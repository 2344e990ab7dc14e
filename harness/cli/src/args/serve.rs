//! The arguments of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ThrottlingName;

pub const HELP: &str = "\
Speaks DynamoDB's API: point an SDK or the AWS CLI at it, with nothing changed but its endpoint. What is acknowledged \
is durable. SIGTERM or Ctrl-C drains: no new connections, requests under way are answered.

Credentials come from --credentials (the AWS shared-credentials form), or from AWS_ACCESS_KEY_ID and \
AWS_SECRET_ACCESS_KEY, or both; --insecure-any-credentials accepts any, on loopback addresses only.

GET /healthz says whether it answers, GET /metrics what it did (Prometheus).

Exit codes: 0 ended as asked; 2 bad input or a fault.

Examples:
  flywheel serve --dir data --insecure-any-credentials
  aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000
  flywheel serve --dir data --listen 0.0.0.0:8443 --credentials keys.ini --tls-cert chain.pem --tls-key key.pem";

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The data directory; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,

    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// Shards, a core each; fixed when the directory is made [default: one a processor]
    #[arg(long, value_name = "N")]
    pub shards: Option<usize>,

    /// Memory for cached records, MiB over all shards
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub cache_mib: u64,

    /// Memory for the index, MiB over all shards; what does not fit is read from the disk [default: no bound]
    #[arg(long, value_name = "MIB")]
    pub index_mib: Option<u64>,

    /// Access keys and secrets, in the form of ~/.aws/credentials
    #[arg(long, value_name = "FILE", conflicts_with = "insecure_any_credentials")]
    pub credentials: Option<PathBuf>,

    /// Accept any credentials; for tests, and on loopback addresses only
    #[arg(long)]
    pub insecure_any_credentials: bool,

    /// The certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// The region in ARNs
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    pub region: String,

    /// The account in ARNs, twelve digits
    #[arg(long, value_name = "ID", default_value = "000000000000")]
    pub account: String,

    /// Whose words errors have: AWS changes those of some, region by region since 2026
    #[arg(long, value_enum, default_value_t = WordingName::Current)]
    pub wording: WordingName,

    /// Whether requests beyond a table's capacity are throttled; they are accounted either way
    #[arg(long, value_enum, default_value_t = ThrottlingName::Never)]
    pub throttling: ThrottlingName,

    /// Show the hottest keys at GET /hot, for flywheel hot: to whoever can connect, without a signature
    #[arg(long)]
    pub show_hot_keys: bool,

    /// Connections of one core; more are refused
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    pub connections: usize,
}

/// A `--wording`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WordingName {
    /// Those that most regions have by now
    Current,
    /// Those that all of them had until 2026
    Former,
}
