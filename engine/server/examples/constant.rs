//! A server on a number of cores that answers every request alike: what the server itself can do, the floor
//! that benchmarks of operations are compared with. Not a store.
//!
//! `constant [--listen ADDRESS] [--cores N] [--body-bytes N] [--access-key NAME --secret SECRET]
//! [--tls-certificate FILE --tls-key FILE]`; without an access key any credentials are accepted. Serves until
//! it is ended.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use flywheel_disk::real::{Core, Listener, keep_freed_memory, run_on_core};
use flywheel_server::{
    Answer, Call, Credentials, Drained, ServerOptions, Service, Stop, TlsSettings, serve,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers every request with the same item.
struct Constant {
    body: Vec<u8>,
}

impl Service for Constant {
    fn call(&self, _request: Call) -> impl Future<Output = Answer> {
        let answer = Answer { result: Ok(self.body.clone()) };
        async { answer }
    }
}

struct Options {
    listen: SocketAddr,
    cores: usize,
    body_bytes: usize,
    access_key: Option<String>,
    secret: Option<String>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        listen: "127.0.0.1:8000".parse()?,
        cores: 1,
        body_bytes: 1100,
        access_key: None,
        secret: None,
        tls_certificate: None,
        tls_key: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(flag) = words.next() {
        let value = words.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--listen" => options.listen = value.parse()?,
            "--cores" => options.cores = value.parse::<usize>()?.max(1),
            "--body-bytes" => options.body_bytes = value.parse()?,
            "--access-key" => options.access_key = Some(value),
            "--secret" => options.secret = Some(value),
            "--tls-certificate" => options.tls_certificate = Some(value.into()),
            "--tls-key" => options.tls_key = Some(value.into()),
            _ => return Err(format!("unknown option {flag}").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    keep_freed_memory();
    let options = options()?;
    let Options { listen, cores, body_bytes, .. } = options;
    let credentials = match (options.access_key, options.secret) {
        (Some(access_key), Some(secret)) => Credentials::one(&access_key, &secret)?,
        _ => Credentials::accept_any(listen)?,
    };
    let tls = match (options.tls_certificate, options.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsSettings::from_files(&certificate, &key)?),
        _ => None,
    };
    let options = Arc::new(ServerOptions { tls, ..ServerOptions::new(credentials) });
    let stop = Stop::new();
    let value = "x".repeat(body_bytes.saturating_sub(40));
    let body = format!(r#"{{"Item":{{"id":{{"S":"1"}},"value":{{"S":"{value}"}}}}}}"#).into_bytes();
    let mut address = listen;
    let mut running = Vec::new();
    for core in 0..cores {
        let (told, tell) = channel();
        running.push(start(core, address, body.clone(), options.clone(), stop.clone(), told)?);
        address = tell.recv()??;
    }
    println!("{address} on {cores} cores");
    for core in running {
        core.join()?;
    }
    Ok(())
}

/// Starts one core's server; it tells where it listens.
fn start(
    core: usize,
    address: SocketAddr,
    body: Vec<u8>,
    options: Arc<ServerOptions>,
    stop: Stop,
    tell: Sender<std::io::Result<SocketAddr>>,
) -> Result<Core<Drained>, Box<dyn Error>> {
    let main = move || async move {
        let bound = if core == 0 { Listener::bind(address) } else { Listener::share(address) };
        match bound {
            Ok(listener) => {
                // Nobody listens any more only if the starter has failed.
                let _ = tell.send(Ok(listener.local_address()));
                serve(options, listener, Constant { body }, stop).await
            }
            Err(error) => {
                let _ = tell.send(Err(error));
                Drained { cut: 0 }
            }
        }
    };
    Ok(run_on_core(core, &format!("constant-{core}"), Duration::ZERO, main)?)
}
