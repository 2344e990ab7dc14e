//! Any DynamoDB endpoint as a target: requests signed and sent over HTTP, the records mapped as YCSB's own binding does
//! (see `items`). Nothing is retried: what is throttled counts as refused.
//!
//! | Room | What it is |
//! |---|---|
//! | `remote` | requests of one worker; making the table |
//! | `body`, `answer` | their JSON, and that of responses, without trees |
//! | `client`, `reactor` | connections, on the worker's own thread and without others |
//! | `stream`, `response`, `sign` | bytes, plain or encrypted; HTTP; signatures |
//! | `endpoint`, `credentials` | where to, and who |

mod answer;
mod body;
mod client;
mod credentials;
mod endpoint;
mod reactor;
mod remote;
mod response;
mod sign;
mod stream;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flywheel_api::ApiError;
use flywheel_load::{FieldSet, Target, TargetError, TargetErrorKind, TargetFactory};
use futures_executor::block_on;

pub use credentials::{AccessKey, CredentialsError};
pub use endpoint::{Endpoint, EndpointError};

use self::body::Bodies;
use self::client::{Client, Connecting};
use self::remote::Remote;
use self::sign::Signer;
use self::stream::TlsSettings;
use crate::items::{ItemMapping, ItemTarget};
use crate::limits::MAX_CONNECTIONS;

/// Where requests go, and how.
#[derive(Debug, Clone)]
pub struct DynamoDbOptions {
    /// Where to.
    pub endpoint: Endpoint,
    /// The region that signatures are for.
    pub region: String,
    /// Who signs.
    pub access: AccessKey,
    /// Most connections of one worker; `None` for as many as it has operations in flight.
    pub connections: Option<usize>,
    /// How long a request may take.
    pub patience: Duration,
    /// Whether responses are compared with their `x-amz-crc32`.
    pub checks_crc32: bool,
    /// Whether the table is taken to be there, and loaded, without asking: for servers that answer everything alike.
    pub assumes_table: bool,
    /// Authorities that vouch for the server, PEM; `None` for the system's.
    pub authorities: Option<PathBuf>,
}

/// Why an endpoint is no target.
#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    /// It cannot be reached.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It cannot be talked to in confidence.
    #[error("endpoint {url}: TLS: {problem}")]
    Tls {
        /// Which.
        url: String,
        /// Why not.
        problem: String,
    },
    /// It refused to make or to describe the table.
    #[error("endpoint {url}, table {table}: {error}")]
    Api {
        /// Which.
        url: String,
        /// The table.
        table: String,
        /// What it said.
        error: Box<ApiError>,
    },
    /// No answer, or one that makes no sense.
    #[error("endpoint {url}: {error}")]
    Target {
        /// Which.
        url: String,
        /// What went wrong.
        error: TargetError,
    },
    /// There is a table of this name, and it is another.
    #[error("endpoint {url}: {problem}")]
    Unfit {
        /// Which.
        url: String,
        /// How the tables differ.
        problem: String,
    },
    /// The table was not made in time.
    #[error("endpoint {url}: table {table} is still {status}, long after it was asked for")]
    Late {
        /// Which.
        url: String,
        /// The table.
        table: String,
        /// What it is.
        status: String,
    },
}

/// What the workers share.
pub(crate) struct Shared {
    mapping: ItemMapping,
    bodies: Bodies,
}

/// Makes one target for each worker, each with connections of its own.
pub struct DynamoDbFactory {
    options: DynamoDbOptions,
    access: Arc<AccessKey>,
    connecting: Arc<Connecting>,
    shared: Arc<Shared>,
    is_new: bool,
}

impl fmt::Debug for DynamoDbFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbFactory").field("options", &self.options).finish_non_exhaustive()
    }
}

impl DynamoDbFactory {
    /// The table that `mapping` names, made unless it is there; waits until it is active.
    ///
    /// # Errors
    /// [`DynamoDbError`].
    pub fn open(options: DynamoDbOptions, mapping: ItemMapping) -> Result<Self, DynamoDbError> {
        let endpoint = &options.endpoint;
        let address = endpoint.reach()?;
        let tls = endpoint.is_tls.then(|| {
            TlsSettings::new(&endpoint.name, options.authorities.as_deref())
                .map_err(|problem| DynamoDbError::Tls { url: endpoint.url(), problem })
        });
        let connecting = Connecting {
            address,
            tls: tls.transpose()?,
            connections: options.connections.unwrap_or(MAX_CONNECTIONS).clamp(1, MAX_CONNECTIONS),
            patience: options.patience,
            checks_crc32: options.checks_crc32,
        };
        let bodies = Bodies::new(&mapping);
        let mut factory = Self {
            access: Arc::new(options.access.clone()),
            connecting: Arc::new(connecting),
            shared: Arc::new(Shared { mapping, bodies }),
            is_new: false,
            options,
        };
        if !factory.options.assumes_table {
            let remote = factory.remote().map_err(|error| factory.target_error(error))?;
            factory.is_new = remote.ensure(&factory.options.endpoint.url())?;
        }
        Ok(factory)
    }

    /// Whether the table was made by [`Self::open`], and so is empty.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// How many of these keys have records.
    ///
    /// # Errors
    /// [`DynamoDbError::Target`].
    pub fn holds(&self, keys: &[Vec<u8>]) -> Result<usize, DynamoDbError> {
        let failed = |error| self.target_error(error);
        let target = ItemTarget(self.remote().map_err(failed)?);
        let mut found = 0;
        for key in keys {
            let read = block_on(target.read(key, FieldSet::All)).map_err(failed)?;
            found += usize::from(read.is_some());
        }
        Ok(found)
    }

    /// How it is set, in words for a result; no secrets.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = self.shared.mapping.settings();
        let DynamoDbOptions { endpoint, region, connections, checks_crc32, .. } = &self.options;
        let connections = match connections {
            Some(most) => format!("{most} a worker"),
            None => "one for each operation in flight".into(),
        };
        let crc32 = if *checks_crc32 { "compared" } else { "not compared" };
        for (name, value) in [
            ("endpoint", endpoint.url()),
            ("region", region.clone()),
            ("connections", connections),
            ("checksums of responses", crc32.into()),
            ("retries", "none: what is throttled counts as refused".into()),
        ] {
            settings.insert(name.into(), value);
        }
        settings
    }

    fn remote(&self) -> Result<Remote, TargetError> {
        let DynamoDbOptions { region, endpoint, .. } = &self.options;
        let signer = Signer::new(Arc::clone(&self.access), region, &endpoint.host);
        let client = Client::new(Arc::clone(&self.connecting), signer);
        let client = client.map_err(|e| TargetError::from_display(TargetErrorKind::Io, e))?;
        Ok(Remote::new(client, Arc::clone(&self.shared)))
    }

    fn target_error(&self, error: TargetError) -> DynamoDbError {
        DynamoDbError::Target { url: self.options.endpoint.url(), error }
    }
}

impl TargetFactory for DynamoDbFactory {
    type Target = ItemTarget<Remote>;

    fn name(&self) -> &str {
        "dynamodb"
    }

    fn scans_in_order(&self) -> bool {
        self.shared.mapping.is_ordered()
    }

    async fn connect(&self, _worker: usize) -> Result<Self::Target, TargetError> {
        Ok(ItemTarget(self.remote()?))
    }
}
