//! One core: a thread that opens its shard, waits for what all shards agree on, and runs it. Not the
//! agreeing: see `engine`.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use flywheel_disk::Durability;
use flywheel_disk::real::{Core, RealWorld, run_on_core};
use flywheel_store::{PartitionSpec, RecoveryProgress, StoreOptions};

use crate::error::ShardError;
use crate::fleet::{Fleet, Inbox};
use crate::options::{EngineOptions, ShardSettings};
use crate::reply::{ReplyReceiver, ReplySender, reply};
use crate::shard::{Orders, Shard};

/// Called from every core while it recovers.
pub(super) type Progress = Arc<dyn Fn(OpenProgress) + Send + Sync>;

/// How far one shard's recovery has come.
#[derive(Debug, Clone)]
pub struct OpenProgress {
    /// The shard.
    pub shard: u16,
    /// How far it is.
    pub recovery: RecoveryProgress,
}

/// A core with a shard on it; joining it says how the shard ended.
pub(super) type ShardCore = Core<Result<(), ShardError>>;

/// The opener's ends of a core that is starting: the shard's answers come, and orders go, in this
/// order.
pub(super) struct Starting {
    pub core: ShardCore,
    pub inbox: Arc<Inbox>,
    pub claims: ReplyReceiver<Vec<PartitionSpec>>,
    pub orders: ReplySender<Orders>,
    pub settled: ReplyReceiver<()>,
    pub fleet: ReplySender<Arc<Fleet>>,
}

/// What a core takes along to its thread.
struct Plan {
    directory: PathBuf,
    durability: Durability,
    store: StoreOptions,
    settings: ShardSettings,
    progress: Option<Progress>,
    inbox: Arc<Inbox>,
    claims: ReplySender<Vec<PartitionSpec>>,
    orders: ReplyReceiver<Orders>,
    settled: ReplySender<()>,
    fleet: ReplyReceiver<Arc<Fleet>>,
}

/// Starts the core of shard `number` of `shards`.
pub(super) fn start(
    number: u16,
    shards: u16,
    directory: &Path,
    durability: Durability,
    options: &EngineOptions,
    progress: Option<Progress>,
) -> Result<Starting, ShardError> {
    let inbox = Arc::new(Inbox::new(options.mailbox_requests));
    let (claims_to, claims) = reply();
    let (orders, orders_from) = reply();
    let (settled_to, settled) = reply();
    let (fleet, fleet_from) = reply();
    let plan = Plan {
        directory: crate::directory::shard_path(directory, number),
        durability,
        store: options.store_of(number, shards),
        settings: options.shard_settings(),
        progress,
        inbox: Arc::clone(&inbox),
        claims: claims_to,
        orders: orders_from,
        settled: settled_to,
        fleet: fleet_from,
    };
    let name = format!("flywheel-{number}");
    let core = run_on_core(usize::from(number), &name, options.spin, move || run(plan))?;
    Ok(Starting { core, inbox, claims, orders, settled, fleet })
}

/// The whole life of a core. An error here is why the opener's wait for this core was in vain.
async fn run(plan: Plan) -> Result<(), ShardError> {
    let world = RealWorld::new(plan.durability);
    let number = plan.store.shard;
    let progress = plan.progress.map(|progress| {
        let report = move |recovery| progress(OpenProgress { shard: number, recovery });
        Rc::new(report) as Rc<dyn Fn(RecoveryProgress)>
    });
    let shard =
        Shard::open(world, &plan.directory, plan.store, plan.settings, plan.inbox, progress)
            .await?;
    plan.claims.send(shard.claims());
    // Without orders, or without a fleet, another shard could not be opened: nothing was changed.
    let Ok(orders) = plan.orders.await else { return shard.close_unused().await };
    shard.settle(orders).await?;
    plan.settled.send(());
    let Ok(fleet) = plan.fleet.await else { return shard.close_unused().await };
    shard.run(fleet).await;
    Ok(())
}
