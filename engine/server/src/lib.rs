//! DynamoDB over HTTP: connections, signatures, TLS, metrics. Not what operations do: see `flywheel-table`.
