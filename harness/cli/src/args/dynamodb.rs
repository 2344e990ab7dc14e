//! Flags of `--target dynamodb`. What they mean is resolved in `dynamodb`.

use std::path::PathBuf;

use clap::Args;

/// Where an endpoint is and how it is asked.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "With --target dynamodb")]
pub struct DynamoDbArgs {
    /// The endpoint: http://127.0.0.1:8000, https://dynamodb.us-east-1.amazonaws.com. Property: dynamodb.endpoint
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// The region that requests are signed for [default: us-east-1]. Property: dynamodb.region
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,

    /// The table; made, on demand, unless it is there. Property: table [default: usertable]
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,

    /// The access key: a file as ~/.aws/credentials or as YCSB's [default: AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY]. Property: dynamodb.awsCredentialsFile
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,

    /// Most connections of one generator thread [default: one for each operation in flight]
    #[arg(long, value_name = "N")]
    pub connections: Option<usize>,

    /// Give requests up after so long
    #[arg(long, value_name = "SECONDS")]
    pub request_timeout: Option<u64>,

    /// Compare responses with their x-amz-crc32
    #[arg(long)]
    pub verify_crc32: bool,

    /// Take it that the table is there, and loaded, without asking: for servers that answer everything alike
    #[arg(long)]
    pub assume_table: bool,

    /// Authorities that vouch for the endpoint, PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}
