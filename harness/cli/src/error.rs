//! What a command ends with when it cannot do its work: always exit code 2, always one clear message.

use std::io;
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A workload file or `-p` cannot be read.
    #[error("{0}")]
    Property(#[from] flywheel_load::PropertyError),
    /// The properties do not make a workload.
    #[error("{0}")]
    Workload(#[from] flywheel_load::WorkloadError),
    /// The engine cannot be opened, or failed.
    #[error("{0}")]
    Engine(#[from] flywheel_shard::ShardError),
    /// A directory cannot be served.
    #[error("{0}")]
    Node(#[from] flywheel_server::NodeError),
    /// Credentials cannot be read, or must not be accepted.
    #[error("{0}")]
    Credentials(#[from] flywheel_server::CredentialsError),
    /// TLS cannot be set up.
    #[error("{0}")]
    Tls(#[from] flywheel_server::TlsError),
    /// The probe failed.
    #[error("device probe: {0}")]
    Probe(#[from] flywheel_device::ProbeError),
    /// Endpoints cannot be compared.
    #[error("{0}")]
    Diff(#[from] flywheel_diff::RunError),
    /// The driver cannot run.
    #[error("{0}")]
    Run(#[from] flywheel_load::RunError),
    /// Another engine is not in this build, or failed.
    #[error("{0}")]
    Peer(#[from] flywheel_targets::PeerError),
    /// Tables in this process cannot be opened.
    #[error("{0}")]
    Table(#[from] flywheel_targets::TableError),
    /// Properties of YCSB's DynamoDB binding.
    #[error("{0}")]
    Mapping(#[from] flywheel_targets::MappingError),
    /// No URL of an endpoint.
    #[error("{0}")]
    Endpoint(#[from] flywheel_targets::EndpointError),
    /// Nobody to sign requests.
    #[error("{0}")]
    AccessKey(#[from] flywheel_targets::CredentialsError),
    /// An endpoint that is no target.
    #[error("{0}")]
    DynamoDb(#[from] flywheel_targets::DynamoDbError),
    /// Figures that no statistics can be made of.
    #[error("statistics: {0}")]
    Stats(#[from] flywheel_stats::StatsError),
    /// Inputs that no plan can be made of.
    #[error("{0}")]
    Plan(#[from] flywheel_report::PlanError),
    /// The data directory does not fit the workload.
    #[error("{}: {problem}", .directory.display())]
    Data {
        /// The directory, or the endpoint.
        directory: PathBuf,
        /// What does not fit, and what to do.
        problem: String,
    },
    /// A flag has no use.
    #[error("{0}")]
    Flag(String),
    /// A file cannot be written or read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Operations failed in a phase that others build on.
    #[error("{phase}: {faults} operations failed, brought wrong data or were never answered")]
    Phase {
        /// Which phase.
        phase: String,
        /// How many.
        faults: u64,
    },
    /// A trace cannot be read or written.
    #[error("{0}")]
    Trace(#[from] flywheel_load::trace::TraceError),
    /// A run in a process of its own failed.
    #[error("{0}")]
    Child(String),
    /// Something that this host cannot do.
    #[error("{0}")]
    UnfitHost(String),
    /// Ctrl-C before there was anything to report.
    #[error("interrupted before there was anything to report")]
    Interrupted,
}

impl CliError {
    /// Says which file an error is about.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| CliError::File { path, error }
    }
}
