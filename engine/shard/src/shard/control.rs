//! Control messages, each answered by a task of its own so that none holds up requests. Not what
//! they do: see `split`, `mover`, `import`.

use std::future::Future;
use std::rc::Rc;

use flywheel_disk::{TaskClass, World};
use flywheel_store::PartitionInfo;

use super::{Shard, yield_now};
use crate::error::ShardError;
use crate::request::{Control, ControlReply};
use crate::stats::{EngineStats, PartitionStats, ShardStats};

impl<W: World> Shard<W> {
    /// Does as told.
    pub(super) fn command(self: &Rc<Self>, message: Control) {
        let shard = Rc::clone(self);
        match message {
            Control::Partitions { reply } => reply.send(Ok(self.served())),
            Control::Stats { reply } => reply.send(Ok(self.stats())),
            Control::Split { id, at, reply } => {
                self.answer(reply, async move { shard.check_open()?.split(id, at).await });
            }
            Control::Move { id, to, reply } => {
                self.answer(reply, async move { shard.check_open()?.move_to(id, to).await });
            }
            Control::Import { step, reply } => {
                self.answer(reply, async move { shard.import(step).await });
            }
            Control::Checkpoint { reply } => {
                self.answer(reply, async move { Ok(shard.store.checkpoint().await?) });
            }
            Control::Scrub { reply } => {
                self.answer(reply, async move { Ok(shard.store.scrub().await?) });
            }
            Control::Appended { after, reply } => self.wait_for_append(after, reply),
            Control::Run { start, reply } => reply.send(self.start_guest(start)),
            Control::Quiesce { reply } => {
                self.answer(reply, async move {
                    shard.quiesce().await;
                    Ok(())
                });
            }
            Control::Close { reply } => {
                self.answer(reply, async move {
                    let closed = shard.store.close().await;
                    shard.end();
                    Ok(closed?)
                });
            }
        }
    }

    /// Runs a task and sends what it returns. In the foreground even where nobody is in a hurry:
    /// moves wait for other cores, and that queue alone learns quickly of their wakes.
    fn answer<T: 'static>(
        self: &Rc<Self>,
        reply: ControlReply<T>,
        task: impl Future<Output = Result<T, ShardError>> + 'static,
    ) {
        self.commands.enter();
        let shard = Rc::clone(self);
        self.world.spawn(TaskClass::Foreground, async move {
            reply.send(task.await);
            shard.commands.leave();
        });
    }

    /// Waits until nothing is under way. The mailbox is closed by now, so nothing new comes.
    async fn quiesce(&self) {
        self.maintenance.take();
        self.balancing.take();
        self.feed.close();
        while self.changes.count() + self.active.count() > 0 || !self.inbox.requests.is_empty() {
            self.changes.idle().await;
            self.active.idle().await;
            yield_now().await;
        }
    }

    pub(super) fn check_open(self: &Rc<Self>) -> Result<&Rc<Self>, ShardError> {
        if self.fleet().is_closing() { Err(ShardError::Closed) } else { Ok(self) }
    }

    /// The partitions that are served here: those on their way are nobody's to see yet.
    fn served(&self) -> Vec<PartitionInfo> {
        let table = self.table.borrow();
        let mut infos = self.store.partitions();
        infos.retain(|info| table.by_id(info.spec.id).is_some());
        infos
    }

    fn stats(&self) -> EngineStats {
        let infos = self.served();
        let table = self.table.borrow();
        let partition = |info: PartitionInfo| {
            let load = table.by_id(info.spec.id)?.traffic.load();
            Some(PartitionStats { shard: self.number, info, load })
        };
        EngineStats {
            store: self.store.stats(),
            shards: vec![self.shard_stats()],
            partitions: infos.into_iter().filter_map(partition).collect(),
            refused_by_handles: 0,
        }
    }

    fn shard_stats(&self) -> ShardStats {
        let counters = &self.counters;
        ShardStats {
            shard: self.number,
            gets: counters.gets.get(),
            gets_from_memory: counters.gets_from_memory.get(),
            writes: counters.writes.get(),
            modifies: counters.modifies.get(),
            scans: counters.scans.get(),
            sent_on: counters.sent_on.get(),
            fenced: counters.fenced.get(),
            refused: self.inbox.requests.refused(),
            turned_away: self.inbox.door.turned_away(),
            admitted: self.inbox.door.limit(),
            waiting: self.inbox.requests.len(),
            waiting_most: counters.waiting_most.get(),
            active: self.active.count(),
            active_most: counters.active_most.get(),
            turns: counters.turns.get(),
            splits: counters.splits.get(),
            splits_vetoed: counters.splits_vetoed.get(),
            moves: counters.moves.get(),
            scrub: self.store.stats().scrub,
        }
    }
}
