//! `flywheel serve`: a directory behind DynamoDB's API, until it is told to end. Not the serving: see
//! `flywheel-server`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use flywheel_server::{Credentials, Node, NodeOptions, ServerOptions, Settings, TlsSettings};
use flywheel_shard::{EngineOptions, OpenProgress, RecoveryProgress, StoreOptions};
use flywheel_table::TableOptions;

use crate::args::{ServeArgs, WordingName};
use crate::error::CliError;
use crate::{interrupt, progress};

/// How often is looked whether to end.
const LOOK: Duration = Duration::from_millis(50);

/// Serves until `stop`.
pub fn command(args: &ServeArgs, stop: &AtomicBool) -> Result<u8, CliError> {
    let options = options(args)?;
    let bar = progress::bar("opening");
    let shown = bar.clone();
    let node = Node::start(&args.dir, options, move |opening| show(&shown, opening))?;
    bar.finish_and_clear();
    banner(args, &node);
    while !interrupt::is_set(stop) {
        std::thread::sleep(LOOK);
    }
    eprintln!("draining: requests under way are answered");
    let cut = node.stop()?;
    if cut > 0 {
        eprintln!("{cut} connections took too long and were cut");
    }
    Ok(0)
}

fn options(args: &ServeArgs) -> Result<NodeOptions, CliError> {
    let is_account = args.account.len() == 12 && args.account.bytes().all(|b| b.is_ascii_digit());
    if !is_account {
        let message = format!("--account: expected twelve digits, found {:?}", args.account);
        return Err(CliError::Flag(message));
    }
    let mut server = ServerOptions::new(credentials(args)?);
    if let (Some(certificates), Some(key)) = (&args.tls_cert, &args.tls_key) {
        server.tls = Some(TlsSettings::from_files(certificates, key)?);
    }
    let (connections, shows_hot_keys) = (args.connections, args.show_hot_keys);
    server.settings = Settings { connections, shows_hot_keys, ..server.settings };
    let defaults = EngineOptions::default();
    let store = StoreOptions {
        cache_bytes: args.cache_mib.saturating_mul(1 << 20),
        index_bytes: args.index_mib.map_or(u64::MAX, |mib| mib.saturating_mul(1 << 20)),
        ..StoreOptions::default()
    };
    let clock = server.clock;
    Ok(NodeOptions {
        engine: EngineOptions { shards: args.shards.unwrap_or(0), store, ..defaults },
        tables: TableOptions {
            wording: match args.wording {
                WordingName::Current => flywheel_table::Wording::Current,
                WordingName::Former => flywheel_table::Wording::Former,
            },
            region: args.region.clone(),
            account: args.account.clone(),
            endpoint: args.listen.to_string(),
            throttling: args.throttling.resolved().0,
            clock: Arc::new(move || clock().as_millis() as u64),
            monotonic_ns: Arc::new(flywheel_shard::monotonic_ns),
        },
        listen: args.listen,
        server: Arc::new(server),
    })
}

fn credentials(args: &ServeArgs) -> Result<Credentials, CliError> {
    if args.insecure_any_credentials {
        return Ok(Credentials::accept_any(args.listen)?);
    }
    let from_environment = Credentials::from_environment()?;
    let from_file = args.credentials.as_deref().map(Credentials::from_file).transpose()?;
    match (from_file, from_environment) {
        (Some(file), Some(environment)) => Ok(file.and(environment)?),
        (Some(known), None) | (None, Some(known)) => Ok(known),
        (None, None) => Err(CliError::Flag(
            "nobody could sign in: give --credentials FILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or accept any with --insecure-any-credentials"
                .into(),
        )),
    }
}

fn show(bar: &indicatif::ProgressBar, opening: OpenProgress) {
    let RecoveryProgress { replayed_bytes, replay_bytes, .. } = opening.recovery;
    progress::set(bar, replayed_bytes as f64 / replay_bytes.max(1) as f64);
    bar.set_message(format!("shard {}: replaying the log", opening.shard));
}

/// Says where it listens and how to get there.
fn banner(args: &ServeArgs, node: &Node) {
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", node.endpoint());
    let (region, shards) = (&args.region, node.engine().shards());
    let directory: &Path = &args.dir;
    println!("flywheel serves {} on {url} ({shards} shards)", directory.display());
    if args.listen.ip().is_unspecified() {
        println!("(and on every other address of this machine, port {})", node.address().port());
    }
    println!();
    println!("  aws dynamodb list-tables --endpoint-url {url} --region {region}");
    println!("  boto3.resource('dynamodb', endpoint_url='{url}', region_name='{region}')");
    println!("  new DynamoDBClient({{ endpoint: '{url}', region: '{region}' }})");
    println!("  AWS_ENDPOINT_URL_DYNAMODB={url}     for any recent SDK, with nothing changed");
    if args.insecure_any_credentials {
        println!();
        println!("Any credentials are accepted. End with Ctrl-C.");
    }
}
