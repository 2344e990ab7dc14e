//! An engine in this process that the tests ask, and how they reach it.

use std::path::Path;
use std::sync::Arc;

use flywheel_diff::{Bench, Endpoint, STRICT, Signer};
use flywheel_disk::host;
use flywheel_server::{Credentials, Node, NodeOptions, ServerOptions};
use flywheel_shard::{EngineOptions, StoreOptions};
use flywheel_table::{TableOptions, Wording};

/// An engine with a directory of its own, which goes with it.
pub struct Server {
    pub node: Node,
    _directory: tempfile::TempDir,
}

impl Server {
    /// `None`, with the reason printed, where the host cannot run one.
    pub fn start(test: &str) -> Option<Self> {
        let within = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let directory = tempfile::Builder::new().prefix(test).tempdir_in(within).expect("made");
        let node = node(directory.path())?;
        Some(Self { node, _directory: directory })
    }

    /// It alone, to be asked.
    pub fn bench(&self) -> Bench {
        let signer = Signer {
            access_key: "AKIDEXAMPLE".into(),
            secret: "secret".into(),
            region: "us-east-1".into(),
        };
        let url = format!("http://{}", self.node.address());
        let endpoint = Endpoint::parse(&url, 0, signer).expect("an address");
        Bench::new(vec![endpoint], STRICT, 0)
    }
}

/// A small engine on a free port; `None` where the host cannot run it.
fn node(directory: &Path) -> Option<Node> {
    if let Err(error) = host::check(directory) {
        println!("skipped, because {error}");
        return None;
    }
    let listen = ([127, 0, 0, 1], 0).into();
    let server = ServerOptions::new(Credentials::accept_any(listen).expect("it is loopback"));
    let clock = server.clock;
    let store = StoreOptions { cache_bytes: 8 << 20, ..StoreOptions::default() };
    let options = NodeOptions {
        engine: EngineOptions { shards: 1, store, ..EngineOptions::default() },
        tables: TableOptions {
            wording: Wording::Current,
            region: "us-east-1".into(),
            account: "000000000000".into(),
            endpoint: listen.to_string(),
            throttling: flywheel_table::Throttling::Never,
            clock: Arc::new(move || clock().as_millis() as u64),
            monotonic_ns: Arc::new(|| 0),
        },
        listen,
        server: Arc::new(server),
    };
    Some(Node::start(&directory.join("engine"), options, |_| {}).expect("started"))
}
