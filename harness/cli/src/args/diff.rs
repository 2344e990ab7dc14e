//! The arguments of `diff`.

use std::path::PathBuf;

use clap::Args;

pub const HELP: &str = "\
Draws cases by seed: a table, then requests to few keys of it, some of them malformed. Each case runs on all endpoints \
in turn, each time on a fresh table. Status, error type, message and response are compared, without identities, times, \
ARNs, sizes, and orders that DynamoDB does not promise. A difference is named after what was answered, told once, and \
shrunk to a short case. The first endpoint is the one under test.

Operations that an endpoint answers with UnknownOperationException are left out unless --only names them. Requests are \
signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or with a made-up key. Tables are named diff-*, and deleted.

Exit codes: 0 no difference; 1 differences; 2 bad input or a fault.

Examples:
  flywheel diff --endpoint http://127.0.0.1:8000 --endpoint dynoxide=http://127.0.0.1:8001 --cases 500
  flywheel diff --endpoint http://127.0.0.1:8000 --endpoint dynalite=http://127.0.0.1:4567 --types-only --seconds 60
  flywheel diff ... --only UpdateItem,PutItem --seed 7 --out diff.json
  flywheel diff ... --known diff.json                   only what is new since";

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Endpoints to compare, the first under test [repeatable, at least two]
    #[arg(long = "endpoint", value_name = "[NAME=]URL", required = true)]
    pub endpoints: Vec<String>,

    /// Seed of all cases
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How many cases [default: 200, unless --seconds is given]
    #[arg(long, value_name = "N")]
    pub cases: Option<u64>,

    /// For how long
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,

    /// Draw these operations only, whether or not all endpoints know them
    #[arg(long, value_delimiter = ',', value_name = "OPERATIONS")]
    pub only: Vec<String>,

    /// Compare errors by type, not by message
    #[arg(long)]
    pub types_only: bool,

    /// Compare consumed capacity, too
    #[arg(long)]
    pub capacity: bool,

    /// Compare the name spaces of error types and the case of `message`, too
    #[arg(long)]
    pub envelopes: bool,

    /// Runs that shrinking one difference may take; 0 tells it as it was found [default: 300]
    #[arg(long, value_name = "N")]
    pub shrink: Option<usize>,

    /// Leave out what an earlier report holds [repeatable]
    #[arg(long, value_name = "FILE")]
    pub known: Vec<PathBuf>,

    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Add what is agreed on to a corpus, a file for each operation
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,

    /// How many others must agree with the first endpoint for that
    #[arg(long, default_value_t = 2, value_name = "N", requires = "record")]
    pub agree: usize,

    /// The region that requests are signed for
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    pub region: String,
}
