//! One core's server from its first connection to its last: accepting, refusing, draining. Not what is said
//! on a connection: see `http`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use flywheel_disk::real::{Listener, Outgoing, RealWorld, Socket};
use flywheel_disk::{Durability, TaskClass, World, timeout};

use crate::core::Core;
use crate::http::connection::Connection;
use crate::http::response::TOO_MANY;
use crate::limits::MAX_REFUSING;
use crate::options::ServerOptions;
use crate::service::Service;
use crate::stop::Stop;
use crate::tls::TlsStream;

/// How long is waited when no connection can be accepted, for want of descriptors most likely.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(20);

/// How long a client may take to be told that there are too many.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose requests did not end within the time for it.
    pub cut: usize,
}

/// Serves connections of this core's listener until `stop`, and then until the requests under way have
/// been answered, within [`Settings::drain`](crate::Settings::drain).
///
/// # Panics
/// On a thread that is not a core.
pub async fn serve<S: Service>(
    options: Arc<ServerOptions>,
    listener: Listener,
    service: S,
    stop: Stop,
) -> Drained {
    // No file is written here: how writes are made durable does not matter.
    let world = RealWorld::new(Durability::Dsync);
    let core = Core::new(world.clone(), options, service);
    accept_until(&core, &listener, &stop).await;
    drop(listener);
    core.drain();
    if timeout(&world, core.options.settings.drain, all_ended(&core)).await.is_some() {
        return Drained { cut: 0 };
    }
    let cut = core.connections();
    core.cut();
    all_ended(&core).await;
    Drained { cut }
}

async fn accept_until<S: Service>(core: &Rc<Core<S>>, listener: &Listener, stop: &Stop) {
    let mut stopped = pin!(stop.stopped());
    let refusing = Rc::new(());
    loop {
        let mut accept = pin!(listener.accept());
        let accepted = poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            accept.as_mut().poll(context).map(Some)
        });
        match accepted.await {
            None => return,
            Some(Ok(socket)) if core.connections() < core.options.settings.connections => {
                admit(core, socket);
            }
            Some(Ok(socket)) => refuse(core, socket, &refusing),
            Some(Err(_)) => core.world.sleep(SHORTAGE_PAUSE).await,
        }
    }
}

/// Starts the task of a connection.
fn admit<S: Service>(core: &Rc<Core<S>>, socket: Socket) {
    let entry = core.enter();
    let core = core.clone();
    core.world.clone().spawn(TaskClass::Foreground, async move {
        let connection = connection(core.clone(), socket);
        let mut connection = pin!(connection);
        poll_fn(|context| {
            entry.note(context.waker());
            if core.is_cut() {
                return Poll::Ready(());
            }
            connection.as_mut().poll(context)
        })
        .await;
    });
}

async fn connection<S: Service>(core: Rc<Core<S>>, socket: Socket) {
    let Some(tls) = &core.options.tls else {
        return Connection::new(core, socket).run().await;
    };
    let limit = core.options.settings.head;
    // Boxed: what a handshake takes is not needed afterwards.
    let accepted = Box::pin(timeout(&core.world, limit, TlsStream::accept(tls, socket))).await;
    match accepted {
        Some(Ok(stream)) => Connection::new(core, stream).run().await,
        _ => core.metrics.failed_handshake(),
    }
}

/// Tells a client that there are too many, as long as not too many have to be told.
fn refuse<S: Service>(core: &Rc<Core<S>>, socket: Socket, refusing: &Rc<()>) {
    core.metrics.refused();
    if core.options.tls.is_some() || Rc::strong_count(refusing) > MAX_REFUSING {
        return;
    }
    let (world, refusing) = (core.world.clone(), refusing.clone());
    core.world.spawn(TaskClass::Foreground, async move {
        let outgoing = Outgoing { head: TOO_MANY.to_vec(), body: Vec::new() };
        let told = async {
            let sent = socket.send(outgoing).await;
            socket.shutdown_write();
            // Its request is read, or closing would take back what we said.
            while sent.is_ok() && socket.recv().await.is_ok_and(|received| !received.is_empty()) {}
        };
        timeout(&world, REFUSAL_TIME, told).await;
        drop(refusing);
    });
}

/// Waits for the last connection.
async fn all_ended<S: Service>(core: &Rc<Core<S>>) {
    poll_fn(|context| {
        if core.connections() == 0 {
            return Poll::Ready(());
        }
        core.wait_for_end(context.waker());
        Poll::Pending
    })
    .await;
}
