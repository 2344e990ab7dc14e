//! An endpoint as a target: this project's server, in this process, asked over the loopback; and a server that only
//! says what it is told to. Skipped, aloud, on hosts without io_uring.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flywheel_load::{
    Control, FieldSet, Record, RunOptions, Target, TargetErrorKind, TargetFactory, load, run,
};
use flywheel_server::{Credentials, Node, NodeOptions, ServerOptions, TlsSettings};
use flywheel_shard::EngineOptions;
use flywheel_table::{TableOptions, Wording};
use flywheel_targets::{AccessKey, DynamoDbFactory, DynamoDbOptions, Endpoint};
use futures_executor::block_on;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::conformance::{self, Keys};
use crate::support::workload;
use crate::table::{ORDERED, PLAIN, folder, mapping};

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "a secret";

/// What tables are told.
fn table_options() -> TableOptions {
    TableOptions {
        wording: Wording::Current,
        region: "us-east-1".into(),
        account: "000000000000".into(),
        endpoint: String::new(),
        throttling: flywheel_table::Throttling::Never,
        clock: Arc::new(|| 1_700_000_000_000),
        monotonic_ns: Arc::new(|| 0),
    }
}

/// A server that checks signatures, in a folder of its own.
fn serve(tls: Option<TlsSettings>) -> Option<(Node, tempfile::TempDir)> {
    let folder = folder();
    let mut engine = EngineOptions { shards: 2, ..EngineOptions::default() };
    engine.store.segment_bytes = 1 << 20;
    let credentials = Credentials::one(ACCESS_KEY, SECRET).expect("a key");
    let options = NodeOptions {
        engine,
        tables: table_options(),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        server: Arc::new(ServerOptions { tls, ..ServerOptions::new(credentials) }),
    };
    match Node::start(folder.path(), options, |_| ()) {
        Ok(node) => Some((node, folder)),
        Err(error) if error.to_string().contains("io_uring") => {
            println!("skipped, because {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn options(url: &str) -> DynamoDbOptions {
    DynamoDbOptions {
        endpoint: Endpoint::parse(url).expect("a URL"),
        region: "eu-west-1".into(),
        access: AccessKey::new(ACCESS_KEY, SECRET),
        connections: None,
        patience: Duration::from_secs(30),
        checks_crc32: true,
        assumes_table: false,
        authorities: None,
    }
}

#[test]
fn an_endpoint_conforms_and_its_table_is_found_again() {
    let Some((node, _folder)) = serve(None) else { return };
    let url = format!("http://{}", node.address());
    let factory = DynamoDbFactory::open(options(&url), mapping(&ORDERED)).expect("a table");
    assert!(factory.is_new() && factory.scans_in_order());
    assert_eq!(factory.holds(&[b"nobody".to_vec()]).expect("an answer"), 0);
    conformance::check_with(&factory, Keys::Text);
    let again = DynamoDbFactory::open(options(&url), mapping(&ORDERED)).expect("the same table");
    assert!(!again.is_new());
    let keys = [b"numbered".to_vec(), b"nobody".to_vec()];
    assert_eq!(again.holds(&keys).expect("an answer"), 1);
    let settings = again.settings();
    assert_eq!(settings["endpoint"], url);
    assert!(!format!("{settings:?} {again:?}").contains(SECRET));
    let other = DynamoDbFactory::open(options(&url), mapping(&PLAIN)).expect_err("another key");
    assert!(other.to_string().contains("shared HASH"), "{other}");
    drop((factory, again));
    node.stop().expect("it stops");
}

#[test]
fn a_table_of_partition_keys_conforms_through_tls_on_one_connection_a_worker() {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let server = server.signed_by(&key, &authority).expect("a certificate");
    let tls = TlsSettings::from_pem(server.pem().as_bytes(), key.serialize_pem().as_bytes());
    let Some((node, folder)) = serve(Some(tls.expect("a certificate"))) else { return };
    let file = folder.path().with_extension("pem");
    std::fs::write(&file, authority.pem()).expect("a file");
    let url = format!("https://localhost:{}", node.address().port());
    let options =
        DynamoDbOptions { connections: Some(1), authorities: Some(file.clone()), ..options(&url) };
    let factory = DynamoDbFactory::open(options, mapping(&PLAIN)).expect("a table");
    conformance::check_with(&factory, Keys::Text);
    drop(factory);
    std::fs::remove_file(file).expect("it was there");
    node.stop().expect("it stops");
}

/// Many clients of few workers, each worker with fewer connections than clients.
#[test]
fn clients_share_a_workers_connections() {
    let Some((node, _folder)) = serve(None) else { return };
    let url = format!("http://{}", node.address());
    let workload = workload("a", &[("dataintegrity", "true"), ("threadcount", "24")]);
    for connections in [Some(3), None] {
        let options = DynamoDbOptions { connections, ..options(&url) };
        let factory = DynamoDbFactory::open(options, mapping(&PLAIN)).expect("a table");
        let options = RunOptions { workers: Some(2), ..RunOptions::default() };
        let control = Control::new();
        load(&workload, &factory, &options, &control).expect("it connects");
        let figures = run(&workload, &factory, &options, &control).expect("it connects");
        assert!(figures.is_clean() && !figures.partial, "{:?}", figures.verification);
        assert_eq!(figures.operations_total, 2_000);
    }
    node.stop().expect("it stops");
}

#[test]
fn a_wrong_secret_is_told_with_the_endpoint_and_without_the_secret() {
    let Some((node, _folder)) = serve(None) else { return };
    let url = format!("http://{}", node.address());
    let access = AccessKey::new(ACCESS_KEY, "another secret");
    let wrong = DynamoDbOptions { access, ..options(&url) };
    let error = DynamoDbFactory::open(wrong, mapping(&PLAIN)).expect_err("it is refused");
    let said = format!("{error} {error:?}");
    assert!(said.contains(&url) && said.contains("signature we calculated"), "{said}");
    assert!(!said.contains("another secret"), "{said}");
    node.stop().expect("it stops");
    let error = DynamoDbFactory::open(options(&url), mapping(&PLAIN)).expect_err("nobody listens");
    assert!(error.to_string().contains(&url), "{error}");
}

/// A server that answers each request of a connection with the next of these, then closes it; what it was asked for.
fn scripted(answers: Vec<String>) -> (String, thread::JoinHandle<usize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let mut answers = answers.into_iter();
        let mut connections = 0;
        while answers.len() > 0 {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                connections += usize::from(asked.is_empty());
                asked.extend_from_slice(&buffer[..length]);
                let Some(answer) = answers.next() else { break };
                stream.write_all(answer.as_bytes()).expect("it is read");
                if answer.is_empty() || answer.contains("close") {
                    break;
                }
            }
        }
        connections
    });
    (url, server)
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn refusals_faults_and_closed_connections_are_counted_as_what_they_are() {
    let active = r#"{"Table":{"TableStatus":"ACTIVE","KeySchema":
        [{"AttributeName":"firstname","KeyType":"HASH"}]}}"#;
    let throttled =
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}"#;
    let sum = crc32fast_of("{}");
    let (url, server) = scripted(vec![
        answer("200 OK", "", active),
        answer("400 Bad Request", "", throttled),
        answer("503 Service Unavailable", "", ""),
        answer("500 Internal Server Error", "", "<html>"),
        answer("200 OK", &format!("x-amz-crc32: {sum}\r\n"), "{}"),
        answer("200 OK", "x-amz-crc32: 1\r\n", "{}"),
        answer("200 OK", "connection: close\r\n", "{}"),
        answer("200 OK", "", r#"{"Item":{"field0":{"S":"x"}}}"#),
        String::new(),
    ]);
    let factory = DynamoDbFactory::open(options(&url), mapping(&PLAIN)).expect("a table");
    let target = block_on(factory.connect(0)).expect("it connects");
    let mut kinds = Vec::new();
    for _ in 0..8 {
        let read = block_on(target.read(b"user1", FieldSet::All));
        kinds.push(read.map_err(|error| error.kind));
    }
    let record = Record::from_fields([(0, &b"x"[..])]);
    let expected = [
        Err(TargetErrorKind::Throttled),
        Err(TargetErrorKind::Overloaded),
        Err(TargetErrorKind::Other),
        Ok(None),
        Err(TargetErrorKind::Corruption),
        Ok(None),
        Ok(Some(record)),
        Err(TargetErrorKind::Unavailable),
    ];
    assert_eq!(kinds, expected);
    drop(target);
    // Reaching it and describing the table; then a new one after each that cannot be used again.
    assert!(server.join().expect("no panic") <= 5);
}

fn crc32fast_of(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

#[test]
fn a_request_without_an_answer_ends_in_time() {
    let active = r#"{"Table":{"TableStatus":"ACTIVE","KeySchema":
        [{"AttributeName":"firstname","KeyType":"HASH"}]}}"#;
    let (url, server) = scripted(vec![answer("200 OK", "", active), "HTTP/1.1 200".into()]);
    let patience = Duration::from_millis(200);
    let options = DynamoDbOptions { patience, ..options(&url) };
    let factory = DynamoDbFactory::open(options, mapping(&PLAIN)).expect("a table");
    let target = block_on(factory.connect(0)).expect("it connects");
    let read = block_on(target.read(b"user1", FieldSet::All)).expect_err("no answer");
    assert_eq!(read.kind, TargetErrorKind::Timeout);
    drop(target);
    server.join().expect("no panic");
}
