//! What probes are told: that the server is there, and whether it can answer. Not metrics.

use crate::http::{Head, Reply};

/// `GET /`, as AWS answers it: the host is the one that was asked.
pub(crate) fn root(head: &Head<'_, '_>) -> Reply {
    let host = head.header("host").unwrap_or_default();
    // With a space at the end, as AWS has it.
    Reply::new(200, format!("healthy: {host} ").into_bytes())
}

/// `GET /healthz`: 200 as long as requests are taken, 503 from then on.
pub(crate) fn probe(able: bool, draining: bool) -> Reply {
    match (able, draining) {
        (_, true) => Reply::text(503, "draining\n"),
        (false, false) => Reply::text(503, "unhealthy\n"),
        (true, false) => Reply::text(200, "ok\n"),
    }
}
