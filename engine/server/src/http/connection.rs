//! One connection from its first byte to its last: requests one after the other, answered in their order.
//! Not what a request means: see `dispatch`.
//!
//! A connection that waits for a request holds nothing but its task: what it reads lies in a buffer that
//! the core's connections share, what it writes in one that goes back to the core. The state that a request
//! takes is made with its first byte, and ends with its response.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use flywheel_disk::World;
use flywheel_disk::real::Outgoing;

use super::body::Incoming;
use super::head::{Framing, Head, Refusal, room};
use super::response::{CONTINUE, Reply, ResponseHead, Shape};
use futures_util::future::join;

use crate::content::gzip;
use crate::core::Core;
use crate::dispatch::{Decision, Request, decide, error_reply};
use crate::limits::{
    COMPRESSED_FROM_BYTES, MAX_BATCH_BYTES, MAX_COPIED_BODY_BYTES, MAX_LINGER_BYTES,
};
use crate::metrics::Row;
use crate::patience::{Patience, after};
use crate::service::{Call, Service};
use crate::stream::{Chunk, Stream};

/// How long a client that was refused may take to stop sending.
const LINGER: Duration = Duration::from_secs(2);

/// A connection under way.
pub(crate) struct Connection<S, T> {
    core: Rc<Core<S>>,
    stream: T,
    patience: Patience,
    /// Answers that were not sent yet.
    out: Outgoing,
}

/// The connection is to be closed: whatever there was to say has been said, or cannot be.
struct Closing;

/// Bytes that came and were not used yet.
enum Input {
    /// As they came, in memory that is not ours to keep.
    Fresh(Chunk),
    /// Kept for when more has come.
    Kept(Vec<u8>),
}

/// What the bytes that have come hold.
enum Step {
    /// Not even a head.
    More,
    /// No request.
    Refuse(Refusal),
    /// A request, and how many bytes it took.
    Whole(Box<Request>, usize),
    /// A head whose body is still coming, or comes in chunks.
    Body(Framing, usize, bool),
}

impl<S: Service, T: Stream> Connection<S, T> {
    pub(crate) fn new(core: Rc<Core<S>>, stream: T) -> Self {
        Self { core, stream, patience: Patience::new(), out: Outgoing::default() }
    }

    /// Serves until either side closes.
    pub(crate) async fn run(mut self) {
        while let Some(chunk) = self.idle().await {
            // Boxed: while the connection waits for the next request, this takes no memory.
            if Box::pin(self.burst(chunk)).await.is_err() {
                break;
            }
        }
        self.finish().await;
    }

    /// Says that nothing more will be sent.
    async fn finish(&mut self) {
        let Self { core, stream, patience, .. } = self;
        patience.within(&core.world, core.options.settings.write, stream.finish()).await;
    }

    /// Waits for the first bytes of a request; `None` if there will be none.
    async fn idle(&mut self) -> Option<Chunk> {
        let Self { core, stream, patience, .. } = self;
        let mut recv = pin!(stream.recv());
        let first = poll_fn(|context| match recv.as_mut().poll(context) {
            Poll::Ready(received) => Poll::Ready(received.ok()),
            Poll::Pending if core.is_draining() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let first = patience.within(&core.world, core.options.settings.idle, first).await.flatten();
        let chunk = first.filter(|chunk| !chunk.is_empty())?;
        core.metrics.received(chunk.len());
        Some(chunk)
    }

    /// Serves the request that `chunk` begins, and all that were sent with it.
    async fn burst(&mut self, chunk: Chunk) -> Result<(), Closing> {
        let mut input = Input::Fresh(chunk);
        let mut deadline_ns = None;
        loop {
            let request = match examine(&self.core, input.bytes()) {
                Step::More if input.bytes().is_empty() => return self.flush().await,
                Step::More => {
                    let limit = self.core.options.settings.head;
                    let until_ns =
                        *deadline_ns.get_or_insert_with(|| after(&self.core.world, limit));
                    let mut kept = input.keep();
                    self.flush().await?;
                    let more = self.recv(until_ns).await?;
                    kept.extend_from_slice(&more);
                    input = Input::Kept(kept);
                    continue;
                }
                Step::Refuse(refusal) => return self.refuse(refusal).await,
                Step::Whole(request, used) => {
                    input = input.without(used);
                    request
                }
                Step::Body(framing, head_bytes, expects_continue) => {
                    let (head, first) = input.split(head_bytes);
                    let read = self.body(framing, first, expects_continue).await?;
                    let (body, rest) = match read {
                        Ok(read) => read,
                        Err(refusal) => return self.refuse(refusal).await,
                    };
                    input = Input::Kept(rest);
                    match examine_with_body(&self.core, &head, body) {
                        Ok(request) => request,
                        Err(refusal) => return self.refuse(refusal).await,
                    }
                }
            };
            deadline_ns = None;
            self.answer(*request).await?;
        }
    }

    /// Reads a body to its end: the body, and what came behind it.
    async fn body(
        &mut self,
        framing: Framing,
        first: Vec<u8>,
        expects_continue: bool,
    ) -> Result<Result<(Vec<u8>, Vec<u8>), Refusal>, Closing> {
        let limit = self.core.options.settings.body;
        let until_ns = after(&self.core.world, limit);
        let mut reserved = self.core.reserve();
        let mut incoming = Incoming::new(framing);
        if expects_continue && first.is_empty() {
            self.begin_answer().extend_from_slice(CONTINUE);
        }
        self.flush().await?;
        let mut piece = Chunk::Own(first);
        loop {
            if !reserved.grow(piece.len()) {
                return Ok(Err(Refusal::Busy));
            }
            let used = match incoming.feed(&piece) {
                Ok(used) => used,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if incoming.is_whole() {
                return Ok(Ok((incoming.into_bytes(), piece[used..].to_vec())));
            }
            drop(piece);
            piece = self.recv(until_ns).await?;
        }
    }

    /// Waits for more of a request.
    async fn recv(&mut self, until_ns: u64) -> Result<Chunk, Closing> {
        let Self { core, stream, patience, .. } = self;
        match patience.until(&core.world, until_ns, stream.recv()).await {
            Some(Ok(chunk)) if !chunk.is_empty() => {
                core.metrics.received(chunk.len());
                Ok(chunk)
            }
            Some(_) => Err(Closing),
            None => {
                core.metrics.timed_out();
                Err(Closing)
            }
        }
    }

    /// Answers a request; the answer is sent with those of the requests that came with it.
    async fn answer(&mut self, request: Request) -> Result<(), Closing> {
        let Request { decision, mut shape, row } = request;
        let began_ns = self.core.world.now_ns();
        let reply = match decision {
            Decision::Reply(reply) => reply,
            Decision::Call(call) => self.ask(call, shape).await?,
        };
        shape.keep_alive &= !self.core.is_draining();
        let took_ns = self.core.world.now_ns().saturating_sub(began_ns);
        self.core.metrics.answered(row, reply.status, took_ns);
        self.write(reply, shape);
        if !shape.keep_alive {
            self.flush().await?;
            return Err(Closing);
        }
        // A body of its own is behind all heads: nothing may come between.
        if self.out.len() >= MAX_BATCH_BYTES || !self.out.body.is_empty() {
            self.flush().await?;
        }
        Ok(())
    }

    /// Asks the service. Answers to earlier requests go out first if it has to wait.
    async fn ask(&mut self, call: Call, shape: Shape) -> Result<Reply, Closing> {
        let core = self.core.clone();
        let mut asked = pin!(core.service.call(call));
        let at_once = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await;
        let answer = match at_once {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                // The call to its end, whatever becomes of the connection: it may be halfway through a write.
                let (flushed, answer) = join(self.flush(), asked).await;
                flushed?;
                answer
            }
        };
        Ok(match answer.result {
            Ok(body) => Reply { content_type: shape.json_type(), ..Reply::new(200, body) },
            Err(error) => error_reply(&error, shape),
        })
    }

    /// Puts a response behind those that were not sent yet.
    fn write(&mut self, reply: Reply, shape: Shape) {
        let is_gzip = shape.takes_gzip && reply.body.len() >= COMPRESSED_FROM_BYTES;
        let body = if is_gzip { Cow::Owned(gzip(&reply.body)) } else { reply.body };
        let Reply { status, content_type, extra, .. } = reply;
        let head = ResponseHead { status, content_type, is_gzip, extra: &extra };
        let core = self.core.clone();
        let out = self.begin_answer();
        head.write(&core, shape, &body, out);
        match body {
            Cow::Owned(body) if body.len() > MAX_COPIED_BODY_BYTES => self.out.body = body,
            body => out.extend_from_slice(&body),
        }
    }

    /// Memory for answers, borrowed from the core until they are sent.
    fn begin_answer(&mut self) -> &mut Vec<u8> {
        if self.out.head.capacity() == 0 {
            self.out.head = self.core.take_buffer();
        }
        &mut self.out.head
    }

    /// Sends what there is to send.
    async fn flush(&mut self) -> Result<(), Closing> {
        if self.out.is_empty() {
            return Ok(());
        }
        let Self { core, stream, patience, out } = self;
        let outgoing = std::mem::take(out);
        let bytes = outgoing.len();
        let limit = core.options.settings.write;
        match patience.within(&core.world, limit, stream.send(outgoing)).await {
            Some(Ok(memory)) => {
                core.metrics.sent(bytes);
                core.give_back(memory);
                Ok(())
            }
            Some(Err(_)) => Err(Closing),
            None => {
                core.metrics.timed_out();
                Err(Closing)
            }
        }
    }

    /// Says why there is no answer. What the client still sends is read for a while: were the
    /// connection closed upon it, the system would take back what we said.
    async fn refuse(&mut self, refusal: Refusal) -> Result<(), Closing> {
        let status = refusal.status();
        let shape = Shape {
            request_id: self.core.request_id(),
            amz_json: false,
            has_origin: false,
            takes_gzip: false,
            keep_alive: false,
            is_old: false,
        };
        self.core.metrics.answered(Row::NONE, status, 0);
        self.write(Reply::new(status, &b""[..]), shape);
        self.flush().await?;
        self.finish().await;
        let Self { core, stream, patience, .. } = self;
        let rest = async {
            let mut left_bytes = MAX_LINGER_BYTES;
            while let Ok(chunk) = stream.recv().await {
                if chunk.is_empty() || chunk.len() > left_bytes {
                    break;
                }
                left_bytes -= chunk.len();
            }
        };
        patience.within(&core.world, LINGER, rest).await;
        Err(Closing)
    }
}

impl Input {
    fn bytes(&self) -> &[u8] {
        match self {
            Input::Fresh(chunk) => chunk,
            Input::Kept(bytes) => bytes,
        }
    }

    /// The bytes in memory of our own.
    fn keep(self) -> Vec<u8> {
        match self {
            Input::Kept(bytes) => bytes,
            Input::Fresh(chunk) => chunk.to_vec(),
        }
    }

    /// What is behind the first `used` bytes, most often nothing.
    fn without(self, used: usize) -> Self {
        Input::Kept(self.bytes()[used..].to_vec())
    }

    /// The first `at` bytes, and the others.
    fn split(self, at: usize) -> (Vec<u8>, Vec<u8>) {
        let mut first = self.keep();
        let rest = first.split_off(at);
        (first, rest)
    }
}

/// Looks at the bytes that have come.
fn examine<S: Service>(core: &Core<S>, input: &[u8]) -> Step {
    if input.is_empty() {
        return Step::More;
    }
    let mut room = room();
    match Head::parse(input, &mut room) {
        Ok(None) => Step::More,
        Err(refusal) => Step::Refuse(refusal),
        Ok(Some(head)) => {
            let begins = head.length_bytes;
            match head.framing {
                Framing::Length(length) if length <= input.len() - begins => {
                    let ends = begins + length;
                    let body = Cow::Borrowed(&input[begins..ends]);
                    Step::Whole(Box::new(decide(core, &head, body)), ends)
                }
                framing => Step::Body(framing, begins, head.expects_continue),
            }
        }
    }
}

/// The request of a head that was read before and a body that has come since.
fn examine_with_body<S: Service>(
    core: &Core<S>,
    head: &[u8],
    body: Vec<u8>,
) -> Result<Box<Request>, Refusal> {
    let mut room = room();
    let head = Head::parse(head, &mut room)?.ok_or(Refusal::BadRequest)?;
    Ok(Box::new(decide(core, &head, Cow::Owned(body))))
}
