//! What a server is told: who may ask, how long it waits, when it stops. Not the listening address: the
//! caller binds.

use std::sync::Arc;
use std::time::Duration;

use flywheel_disk::real::unix_time;

use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::tls::TlsSettings;

/// Everything that a server's cores share.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Who may ask.
    pub credentials: Credentials,
    /// TLS on all connections, or on none.
    pub tls: Option<TlsSettings>,
    /// Times and numbers.
    pub settings: Settings,
    /// What is counted, for all cores together.
    pub metrics: Arc<Metrics>,
    /// Time since 1970, which signatures are compared with.
    pub clock: fn() -> Duration,
}

impl ServerOptions {
    /// Without TLS, with the usual settings and the host's clock.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            tls: None,
            settings: Settings::default(),
            metrics: Arc::default(),
            clock: unix_time,
        }
    }
}

/// How long a server waits for what, and how many it waits for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections of one core; more are told that there are too many.
    pub connections: usize,
    /// How long a connection may stay open without a request.
    pub idle: Duration,
    /// How long a request's line and headers may take from their first byte on; TLS's handshake too.
    pub head: Duration,
    /// How long the body may take, from then on.
    pub body: Duration,
    /// How long a response may take to be taken.
    pub write: Duration,
    /// How long requests under way have to end, once the server is to stop.
    pub drain: Duration,
    /// Whether `GET /hot` shows the hottest keys, to whoever can connect: keys are data.
    pub shows_hot_keys: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 16_384,
            idle: Duration::from_secs(120),
            head: Duration::from_secs(10),
            body: Duration::from_secs(60),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            shows_hot_keys: false,
        }
    }
}
