//! One worker's connections: requests out, responses in, on the worker's own thread and its executor. Each connection
//! has one request at a time, and is used again. Not what requests say.
//!
//! A worker that knows of it turns it ([`flywheel_load::Reactor`]). Under any other executor, futures block until they
//! are done.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use flywheel_disk::real::unix_time;
use flywheel_load::{TargetError, TargetErrorKind};
use slab::Slab;

use super::reactor::Reactor;
use super::response::Response;
use super::sign::Signer;
use super::stream::{Received, Stream, TlsSettings};
use crate::items::Failure;
use crate::limits::{DEADLINES_EVERY, SCRATCH_BYTES, SPARE_INCOMING_BYTES};

/// How one worker connects.
#[derive(Debug, Clone)]
pub struct Connecting {
    pub address: SocketAddr,
    pub tls: Option<TlsSettings>,
    /// Most connections; requests beyond these wait for one.
    pub connections: usize,
    /// How long a request may take.
    pub patience: Duration,
    /// Whether bodies are compared with their checksums.
    pub checks_crc32: bool,
}

/// One worker's connections.
pub struct Client {
    connecting: Arc<Connecting>,
    is_driven: Cell<bool>,
    state: RefCell<State>,
}

struct State {
    reactor: Reactor,
    signer: Signer,
    connections: Slab<Connection>,
    /// Those that nobody uses; the last is the one used last.
    idle: Vec<usize>,
    /// Those who wait for one.
    waiting: VecDeque<Waker>,
    scratch: Box<[u8]>,
    body: Vec<u8>,
    /// Connections so far: numbers are used again, and what is told of one must not be taken as told of another.
    opened: u32,
    look_at: Instant,
}

struct Connection {
    stream: Stream,
    life: u32,
    out: Vec<u8>,
    sent: usize,
    incoming: Vec<u8>,
    response: Response,
    /// What became of the request.
    outcome: Option<Result<(), TargetError>>,
    waker: Option<Waker>,
    deadline: Instant,
    is_idle: bool,
}

/// A connection while it has a request.
struct Lease<'a> {
    client: &'a Client,
    number: usize,
    is_open: bool,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.client.state.borrow_mut().give_back(self.number, self.is_open);
    }
}

impl Client {
    /// Without any connections yet.
    pub fn new(connecting: Arc<Connecting>, signer: Signer) -> std::io::Result<Self> {
        let state = State {
            reactor: Reactor::new()?,
            signer,
            connections: Slab::new(),
            idle: Vec::new(),
            waiting: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into(),
            body: Vec::new(),
            opened: 0,
            look_at: Instant::now(),
        };
        Ok(Self { connecting, is_driven: Cell::new(false), state: RefCell::new(state) })
    }

    /// Sends a request whose body `fill` writes, and has `read` read the response's status and body.
    pub async fn exchange<T>(
        &self,
        operation: &str,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), TargetError>,
        read: impl FnOnce(u16, &[u8]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let number = poll_fn(|context| self.poll_lease(context)).await?;
        let mut lease = Lease { client: self, number, is_open: false };
        self.state.borrow_mut().send(number, operation, fill, self.connecting.patience)?;
        poll_fn(|context| self.poll_outcome(number, context)).await?;
        let state = self.state.borrow();
        let Connection { incoming, response, .. } = &state.connections[number];
        if self.connecting.checks_crc32 {
            response.check_crc32(incoming)?;
        }
        lease.is_open = response.leaves_open(incoming);
        let result = read(response.status(), response.body(incoming));
        drop(state);
        result
    }

    fn poll_lease(&self, context: &mut Context<'_>) -> Poll<Result<usize, TargetError>> {
        loop {
            let mut state = self.state.borrow_mut();
            if let Some(number) = state.idle.pop() {
                state.connections[number].is_idle = false;
                return Poll::Ready(Ok(number));
            }
            if state.connections.len() < self.connecting.connections {
                return Poll::Ready(state.open(&self.connecting));
            }
            if self.is_driven.get() {
                state.waiting.push_back(context.waker().clone());
                return Poll::Pending;
            }
            drop(state);
            self.wait(DEADLINES_EVERY);
        }
    }

    fn poll_outcome(
        &self,
        number: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), TargetError>> {
        loop {
            let mut state = self.state.borrow_mut();
            let connection = &mut state.connections[number];
            if let Some(outcome) = connection.outcome.take() {
                return Poll::Ready(outcome);
            }
            if self.is_driven.get() {
                connection.wait(context.waker());
                return Poll::Pending;
            }
            drop(state);
            self.wait(DEADLINES_EVERY);
        }
    }

    /// Does what is ready, waiting for it if nothing is.
    fn wait(&self, longest: Duration) {
        self.state.borrow_mut().turn(longest);
    }
}

impl flywheel_load::Reactor for Client {
    fn begin(&self) {
        self.is_driven.set(true);
    }

    fn turn(&self, longest: Duration) {
        self.wait(longest);
    }

    fn interrupter(&self) -> Waker {
        self.state.borrow().reactor.interrupter()
    }
}

impl State {
    fn open(&mut self, connecting: &Connecting) -> Result<usize, TargetError> {
        let opened = Stream::open(connecting.address, connecting.tls.as_ref());
        let stream = opened.map_err(|error| unreachable(&error))?;
        self.opened = self.opened.wrapping_add(1);
        let life = self.opened;
        let entry = self.connections.vacant_entry();
        let number = entry.key();
        let told = u64::from(life) << 32 | number as u64;
        self.reactor.watch(stream.socket(), told).map_err(|error| unreachable(&error))?;
        entry.insert(Connection {
            stream,
            life,
            out: Vec::new(),
            sent: 0,
            incoming: Vec::new(),
            response: Response::default(),
            outcome: None,
            waker: None,
            deadline: Instant::now(),
            is_idle: false,
        });
        Ok(number)
    }

    fn send(
        &mut self,
        number: usize,
        operation: &str,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), TargetError>,
        patience: Duration,
    ) -> Result<(), TargetError> {
        let Self { connections, signer, body, .. } = self;
        body.clear();
        fill(body)?;
        let connection = &mut connections[number];
        connection.out.clear();
        signer.write(unix_time().as_secs(), operation, body, &mut connection.out);
        connection.sent = 0;
        connection.response = Response::default();
        connection.deadline = Instant::now() + patience;
        connection.go_on_sending().map_err(|error| unreachable(&error))
    }

    /// Takes a connection back, or closes it.
    fn give_back(&mut self, number: usize, is_open: bool) {
        let connection = &mut self.connections[number];
        if is_open {
            connection.incoming.clear();
            connection.incoming.shrink_to(SPARE_INCOMING_BYTES);
            connection.waker = None;
            connection.is_idle = true;
            self.idle.push(number);
        } else {
            self.connections.remove(number);
        }
        if let Some(waiting) = self.waiting.pop_front() {
            waiting.wake();
        }
    }

    fn turn(&mut self, longest: Duration) {
        let Self { reactor, connections, scratch, idle, .. } = self;
        reactor.wait(longest, |told| {
            let (life, number) = ((told >> 32) as u32, told as u32 as usize);
            let connection = connections.get_mut(number).filter(|found| found.life == life);
            let Some(connection) = connection else { return };
            if connection.go_on(scratch) {
                idle.retain(|other| *other != number);
                connections.remove(number);
            }
        });
        let now = Instant::now();
        if now >= self.look_at {
            self.look_at = now + DEADLINES_EVERY;
            for (_, connection) in &mut self.connections {
                if !connection.is_idle && connection.outcome.is_none() && connection.deadline < now
                {
                    let late = TargetError::new(TargetErrorKind::Timeout, "no answer in time");
                    connection.end(Err(late));
                }
            }
        }
    }
}

impl Connection {
    fn wait(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    fn go_on_sending(&mut self) -> std::io::Result<()> {
        if self.sent < self.out.len() {
            self.sent += self.stream.send(&self.out[self.sent..])?;
        }
        Ok(())
    }

    /// Something has changed. Whether it is idle and of no more use.
    fn go_on(&mut self, scratch: &mut [u8]) -> bool {
        let sending = if self.is_idle { Ok(()) } else { self.go_on_sending() };
        let received = sending.and_then(|()| self.stream.receive(scratch, &mut self.incoming));
        if self.is_idle {
            return !matches!(received, Ok(Received::AllForNow)) || !self.incoming.is_empty();
        }
        if self.outcome.is_some() {
            return false;
        }
        let is_closed = match received {
            Ok(received) => received == Received::Closed,
            Err(error) => {
                self.end(Err(unreachable(&error)));
                return false;
            }
        };
        // A connection that was just made says nothing yet, and is not asked.
        if self.incoming.is_empty() && !is_closed {
            return false;
        }
        match self.response.advance(&self.incoming, is_closed) {
            Ok(false) => {}
            Ok(true) => self.end(Ok(())),
            Err(error) => self.end(Err(error)),
        }
        false
    }

    fn end(&mut self, outcome: Result<(), TargetError>) {
        self.outcome = Some(outcome);
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

fn unreachable(error: &std::io::Error) -> TargetError {
    TargetError::from_display(TargetErrorKind::Unavailable, error)
}
