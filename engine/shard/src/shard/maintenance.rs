//! The look at sizes and loads, every second or so, and the splits and moves that follow from it. Not
//! compaction or checkpoints: the store sees to those itself.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::{TaskClass, World};
use futures_util::future::{Either, select};

use super::Shard;
use super::balancer::Balancer;
use crate::reply::{ReplyReceiver, reply};

impl<W: World> Shard<W> {
    /// Starts looking, until the shard drops its end of the reply.
    pub(super) fn start_maintenance(self: &Rc<Self>) {
        let (stop, stopped) = reply();
        self.maintenance.replace(Some(stop));
        let shard = Rc::clone(self);
        self.world.spawn(TaskClass::Background, async move { shard.maintain(stopped).await });
        // One shard balances all, beside its own looks: a move may take long.
        if self.number == 0 && self.split.automatic {
            let (stop, stopped) = reply();
            self.balancing.replace(Some(stop));
            let shard = Rc::clone(self);
            self.world.spawn(TaskClass::Background, async move { shard.balance(stopped).await });
        }
    }

    async fn balance(&self, mut stopped: ReplyReceiver<()>) {
        let mut balancer = Balancer::default();
        loop {
            let pause = pin!(self.world.sleep(self.split.look_every));
            match select(pause, &mut stopped).await {
                Either::Left(_) => balancer.look(self.fleet(), &self.split).await,
                Either::Right(_) => return,
            }
        }
    }

    async fn maintain(&self, mut stopped: ReplyReceiver<()>) {
        let mut looked_ns = self.world.now_ns();
        loop {
            let pause = pin!(self.world.sleep(self.split.look_every));
            match select(pause, &mut stopped).await {
                Either::Left(_) => {}
                Either::Right(_) => return,
            }
            let now_ns = self.world.now_ns();
            self.look(Duration::from_nanos(now_ns - looked_ns)).await;
            looked_ns = now_ns;
        }
    }

    async fn look(&self, elapsed: Duration) {
        for info in self.store.partitions() {
            let id = info.spec.id;
            let Ok(partition) = self.partition(id) else { continue };
            let Some(served) = self.fleet().routes.now().consumption_of(id).cloned() else {
                continue;
            };
            let asked = served.asked();
            let is_hot = partition.traffic.look(elapsed, &asked, &self.split.rules);
            if !self.split.automatic {
                continue;
            }
            if self.split.rules.is_too_large(info.record_bytes) {
                self.split_for_size(&partition).await;
            } else if is_hot {
                self.split_for_load(&partition, &served).await;
            }
        }
    }
}
