//! What an idle connection costs, in a process of its own: memory is counted for all threads at once. Not
//! a test of requests.

#![allow(
    clippy::disallowed_methods,
    reason = "this test reads what the kernel says of the process"
)]

use std::future::{Future, ready};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use flywheel_disk::host;
use flywheel_disk::real::{Listener, run_on_core};
use flywheel_server::{Answer, Call, Credentials, ServerOptions, Service, Stop, serve};

/// What one may cost; see the crate's figures.
const BUDGET_BYTES: u64 = 8 << 10;

struct Echo;

impl Service for Echo {
    fn call(&self, request: Call) -> impl Future<Output = Answer> {
        ready(Answer { result: Ok(request.body.to_vec()) })
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

/// A connection that was used once.
fn used(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                   X-Amz-Target: DynamoDB_20120810.Echo\r\nX-Amz-Date: 20150830T123600Z\r\n\
                   Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0\r\n\
                   Content-Length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).expect("an answer");
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200 OK\r\n"));
    stream
}

#[test]
fn idle_connections_are_held_by_the_thousand_and_cost_little() {
    let here = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if let Err(error) = host::check_kernel(here) {
        println!("skipped, because {error}");
        return;
    }
    // Both ends are ours; where so many may not be open, fewer show the same.
    let fits = |count: &usize| host::allow_open_files(here, 2 * *count as u64 + 200).is_ok();
    let count = [10_000, 9_500, 2_000, 400].into_iter().find(fits).expect("some files");
    let loopback = (Ipv4Addr::LOCALHOST, 0).into();
    let credentials = Credentials::accept_any(loopback).expect("it is loopback");
    let options = Arc::new(ServerOptions::new(credentials));
    let (stop, (tell, told)) = (Stop::new(), channel());
    let (of_core, to_stop) = (options.clone(), stop.clone());
    let core = run_on_core(0, "server", Duration::ZERO, move || async move {
        let listener = Listener::bind(loopback).expect("a free port");
        tell.send(listener.local_address()).expect("the test waits");
        serve(of_core, listener, Echo, to_stop).await
    });
    let core = core.expect("a core starts");
    let address = told.recv().expect("the server listens");
    // What the first ones take is shared by all.
    let first: Vec<TcpStream> = (0..50).map(|_| used(address)).collect();
    let mut idle = Vec::with_capacity(count);
    let before_bytes = resident_bytes();
    idle.extend((0..count).map(|_| used(address)));
    let took_bytes = resident_bytes().saturating_sub(before_bytes);
    println!("{count} idle connections: {} bytes each", took_bytes / count as u64);
    assert!(took_bytes < count as u64 * BUDGET_BYTES, "{took_bytes} bytes for {count}");
    assert_eq!(options.metrics.open_connections(), (first.len() + count) as u64);
    stop.stop();
    assert_eq!(core.join().expect("the server ends well").cut, 0);
    for mut stream in idle {
        assert_eq!(stream.read(&mut [0]).expect("an orderly end"), 0);
    }
}
