//! Servers, clients and signatures that the other tests share. Shows nothing by itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use flywheel_api::{ApiError, ErrorCode};
use flywheel_disk::real::{Core, Listener, RealWorld, run_on_core};
use flywheel_disk::{Durability, World, host};
use flywheel_server::{
    Answer, Call, Credentials, Drained, OperationName, ServerOptions, Service, Settings, Stop,
    serve,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The moment that it is for servers with [`fixed_clock`]: 2015-08-30T12:36:00Z.
pub const NOW_S: u64 = 1_440_938_160;

/// The same as signatures say it.
pub const NOW: &str = "20150830T123600Z";

pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub fn fixed_clock() -> Duration {
    Duration::from_secs(NOW_S)
}

/// What the tests see of the service, and tell it.
#[derive(Default)]
pub struct Control {
    /// Requests that wait to be let go.
    pub waiting: AtomicUsize,
    /// Requests that wait are let go.
    pub go: AtomicBool,
}

/// Answers by the operation's name.
struct Sample {
    control: Arc<Control>,
}

impl Service for Sample {
    async fn call(&self, request: Call) -> Answer {
        let result = match &*request.operation {
            // The body, and who sent it.
            "Echo" => Ok(request.body.to_vec()),
            "Who" => Ok(request.access_key.as_bytes().to_vec()),
            "Nothing" => Ok(Vec::new()),
            // Asked by the page of that name, which needs no signature.
            "HotKeys" => Ok(b"{\"partitions\":[]}".to_vec()),
            // As many bytes as the body says.
            "Big" => {
                let text = String::from_utf8_lossy(&request.body);
                let bytes = text.trim().parse().expect("the test sends a number");
                Ok((0..bytes).map(|at: usize| b'a' + (at % 23) as u8).collect())
            }
            "Wait" => {
                self.control.waiting.fetch_add(1, Ordering::SeqCst);
                let world = RealWorld::new(Durability::Dsync);
                while !self.control.go.load(Ordering::SeqCst) {
                    world.sleep(Duration::from_millis(1)).await;
                }
                Ok(b"waited".to_vec())
            }
            // The error that the body says.
            "Fail" => Err(ApiError::from_json(400, &request.body)),
            _ => Err(ApiError::new(ErrorCode::ResourceNotFound, "there is no \"such\" table")),
        };
        Answer { result }
    }

    fn knows(&self, operation: &OperationName) -> bool {
        &**operation != "Unknown"
    }

    fn write_metrics(&self, page: &mut String) {
        page.push_str("sample_metric 1\n");
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub options: Arc<ServerOptions>,
    pub control: Arc<Control>,
    pub stop: Stop,
    core: Option<Core<Drained>>,
}

/// Options under which anybody is let in.
pub fn open() -> ServerOptions {
    let loopback = (Ipv4Addr::LOCALHOST, 0).into();
    ServerOptions::new(Credentials::accept_any(loopback).expect("it is loopback"))
}

/// Options under which signatures are checked.
pub fn guarded() -> ServerOptions {
    let credentials = Credentials::one(ACCESS_KEY, SECRET).expect("a key");
    ServerOptions { clock: fixed_clock, ..ServerOptions::new(credentials) }
}

/// Options with these settings.
pub fn with_settings(change: impl FnOnce(&mut Settings)) -> ServerOptions {
    let mut options = open();
    change(&mut options.settings);
    options
}

impl Server {
    /// Starts a server; `None` where there can be none.
    pub fn start(options: ServerOptions) -> Option<Self> {
        if let Err(error) = host::check_kernel(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
            println!("skipped, because {error}");
            return None;
        }
        let bind = || Listener::bind((Ipv4Addr::LOCALHOST, 0).into());
        Some(Self::run(0, Arc::new(options), Stop::new(), bind))
    }

    /// Starts another core of a server.
    pub fn beside(first: &Self) -> Self {
        let address = first.address;
        Self::run(1, first.options.clone(), first.stop.clone(), move || Listener::share(address))
    }

    fn run(
        number: usize,
        options: Arc<ServerOptions>,
        stop: Stop,
        listen: impl FnOnce() -> std::io::Result<Listener> + Send + 'static,
    ) -> Self {
        let (control, (tell, told)) = (Arc::<Control>::default(), channel());
        let service = Sample { control: control.clone() };
        let (of_core, to_stop) = (options.clone(), stop.clone());
        let core = run_on_core(number, "server", Duration::ZERO, move || async move {
            let listener = listen().expect("a port");
            tell.send(listener.local_address()).expect("the test waits");
            serve(of_core, listener, service, to_stop).await
        });
        let core = Some(core.expect("a core starts"));
        let address = told.recv().expect("the server listens");
        Self { address, options, control, stop, core }
    }

    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).expect("a connection"))
    }

    /// Stops it, and says how that went.
    pub fn end(mut self) -> Drained {
        self.stop.stop();
        let core = self.core.take().expect("it is ended once");
        core.join().expect("the server ends well")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(core) = self.core.take() {
            let ended = core.join();
            if !std::thread::panicking() {
                ended.expect("the server ends well");
            }
        }
    }
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':').expect("a header has a colon");
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// A client with one connection, over whatever carries bytes.
pub struct Client<S = TcpStream> {
    pub stream: S,
    /// What has come and was not looked at yet.
    rest: Vec<u8>,
}

impl<S: Read + Write> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, rest: Vec::new() }
    }

    /// Sends bytes; a server that has had enough may not take them all.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// The next response, or `None` if the connection ended.
    pub fn response(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                assert_eq!(self.rest, b"", "the connection ended within a response");
                return None;
            }
        };
        let head: Vec<u8> = self.rest.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head is text").trim_end().to_owned();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        let mut response = Response { status, head, body: Vec::new() };
        let length = response.header("content-length").map_or(0, |text| text.parse().expect("it"));
        while self.rest.len() < length {
            assert!(self.more(), "the connection ended within a body");
        }
        response.body = self.rest.drain(..length).collect();
        Some(response)
    }

    /// Sends a request and returns its response.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.send(bytes);
        self.response().expect("a response")
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        let read = self.stream.read(&mut buffer).unwrap_or(0);
        self.rest.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

/// What a request says of who sends it, where nobody checks.
pub const SOMEBODY: &str = "Authorization: AWS4-HMAC-SHA256 Credential=me/20150830/us-east-1/dynamodb/aws4_request, \
     SignedHeaders=host, Signature=00\r\nX-Amz-Date: 20150830T123600Z\r\n";

/// A request for an operation, with more headers.
pub fn post_with(operation: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.{operation}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A request of somebody.
pub fn post(operation: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    post_with(operation, SOMEBODY, body)
}

pub fn keyed(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A signature made step by step as "Signature Version 4" describes it, from a canonical request.
pub fn sign(canonical: &str, date: &str, secret: &str) -> String {
    let day = &date[..8];
    let scope = format!("{day}/us-east-1/dynamodb/aws4_request");
    let hashed = hex(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    let parts = [day, "us-east-1", "dynamodb", "aws4_request"];
    let first = format!("AWS4{secret}").into_bytes();
    let key = parts.iter().fold(first, |key, part| keyed(&key, part.as_bytes()));
    hex(keyed(&key, to_sign.as_bytes()))
}

/// The headers that sign a request made by [`post_with`] for this moment.
pub fn signature(operation: &str, body: &[u8], date: &str, key: &str, secret: &str) -> String {
    let payload = hex(Sha256::digest(body));
    let names = "content-type;host;x-amz-date;x-amz-target";
    let canonical = format!(
        "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:localhost\nx-amz-date:{date}\n\
         x-amz-target:DynamoDB_20120810.{operation}\n\n{names}\n{payload}"
    );
    let signature = sign(&canonical, date, secret);
    let scope = format!("{}/us-east-1/dynamodb/aws4_request", &date[..8]);
    format!(
        "X-Amz-Date: {date}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key}/{scope}, \
         SignedHeaders={names}, Signature={signature}\r\n"
    )
}
