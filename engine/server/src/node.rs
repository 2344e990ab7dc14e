//! A directory that is served: the engine, its tables and a listener on every core, from start to stop. Not
//! the command line.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use flywheel_disk::real::{Listener, RealWorld};
use flywheel_disk::{Durability, World};
use flywheel_shard::{Admin, Engine, EngineOptions, OpenProgress, ShardError};
use flywheel_table::{Shards, Sleeper, StorageError, TableOptions, Tables};
use futures_executor::block_on;

use crate::options::ServerOptions;
use crate::serve::{Drained, serve};
use crate::stop::Stop;
use crate::tables::TableService;

/// How a directory is served.
#[derive(Clone)]
pub struct NodeOptions {
    /// Of the engine; what tables need of it is set.
    pub engine: EngineOptions,
    /// Of the tables.
    pub tables: TableOptions,
    /// Where to listen; port 0 for any that is free.
    pub listen: SocketAddr,
    /// Of the connections.
    pub server: Arc<ServerOptions>,
}

/// Why a directory is not served.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine's.
    #[error(transparent)]
    Engine(#[from] ShardError),
    /// The tables'.
    #[error(transparent)]
    Tables(#[from] StorageError),
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
}

/// A directory that is served. Dropped without [`Node::stop`], it ends as a crash would.
pub struct Node {
    engine: Engine,
    address: SocketAddr,
    stop: Stop,
    drained: Receiver<Drained>,
}

/// How work in the background waits on a core.
struct CoreSleeper(RealWorld);

impl Sleeper for CoreSleeper {
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

impl Node {
    /// Opens or creates `directory` and serves it. `progress` is told how far recovery is, from several
    /// threads.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn start(
        directory: &Path,
        options: NodeOptions,
        progress: impl Fn(OpenProgress) + Send + Sync + 'static,
    ) -> Result<Self, NodeError> {
        let NodeOptions { engine, tables, listen, server } = options;
        let engine = Engine::open_with_progress(
            directory,
            Shards::options(engine, tables.throttling),
            progress,
        )?;
        let admin = engine.admin();
        let shards = Shards::new(engine.handle(), admin.clone())?;
        let tables = block_on(Tables::open(shards, tables))?;
        let upkeep = tables.clone();
        block_on(admin.run_on_shard(0, move || {
            // It writes no files itself: how writes are made durable does not matter.
            Box::pin(upkeep.upkeep(CoreSleeper(RealWorld::new(Durability::Dsync))))
        }))?;
        let stop = Stop::new();
        let (drained_to, drained) = channel();
        let mut address = listen;
        for shard in 0..engine.shards() {
            let core = CoreServer {
                shard,
                address,
                server: Arc::clone(&server),
                tables: tables.clone(),
                stop: stop.clone(),
                drained: drained_to.clone(),
            };
            address = core.start(&admin)?;
        }
        // With the port that was found.
        tables.is_at(reachable(address).to_string());
        Ok(Self { engine, address, stop, drained })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a client on this machine finds it.
    pub fn endpoint(&self) -> SocketAddr {
        reachable(self.address)
    }

    /// The engine beneath.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes no more connections, ends the requests under way, and closes the directory. Answers with the
    /// connections that took too long.
    ///
    /// # Errors
    /// The engine's.
    pub fn stop(self) -> Result<usize, NodeError> {
        self.stop.stop();
        // Ends once every core has told, or is gone.
        let cut = self.drained.iter().map(|drained| drained.cut).sum();
        self.engine.close()?;
        Ok(cut)
    }
}

/// An address at which a listener answers: nobody can connect to "every address of this machine".
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(loopback, address.port())
}

/// The server of one core, before it starts.
struct CoreServer {
    shard: u16,
    address: SocketAddr,
    server: Arc<ServerOptions>,
    tables: Tables<Shards>,
    stop: Stop,
    drained: Sender<Drained>,
}

impl CoreServer {
    /// Starts it on its core; where it listens.
    fn start(self, admin: &Admin) -> Result<SocketAddr, NodeError> {
        let Self { shard, address, server, tables, stop, drained } = self;
        let (told, tell) = channel();
        let main = move || -> futures_util::future::LocalBoxFuture<'static, ()> {
            let bound = if shard == 0 { Listener::bind(address) } else { Listener::share(address) };
            let listener = match bound {
                Ok(listener) => listener,
                Err(error) => {
                    // Who started this waits for it.
                    let _ = told.send(Err(error));
                    return Box::pin(async {});
                }
            };
            let _ = told.send(Ok(listener.local_address()));
            Box::pin(async move {
                let ended = serve(server, listener, TableService::new(tables), stop).await;
                // Nobody listens if the node was dropped.
                let _ = drained.send(ended);
            })
        };
        block_on(admin.run_on_shard(shard, main))?;
        let closed = || io::Error::other("the core ended");
        let bound = tell.recv().unwrap_or_else(|_| Err(closed()));
        bound.map_err(|error| NodeError::Listen { address, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_that_can_be_connected_to() {
        for (listens, endpoint) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("192.0.2.7:8000", "192.0.2.7:8000"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ] {
            let address: SocketAddr = listens.parse().expect("an address");
            assert_eq!(reachable(address).to_string(), endpoint);
        }
    }
}
