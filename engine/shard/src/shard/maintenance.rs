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
    }

    async fn maintain(&self, mut stopped: ReplyReceiver<()>) {
        let mut looked_ns = self.world.now_ns();
        // One shard looks at all.
        let mut balancer = (self.number == 0 && self.split.automatic).then(Balancer::default);
        loop {
            let pause = pin!(self.world.sleep(self.split.look_every));
            match select(pause, &mut stopped).await {
                Either::Left(_) => {}
                Either::Right(_) => return,
            }
            let now_ns = self.world.now_ns();
            self.look(Duration::from_nanos(now_ns - looked_ns)).await;
            looked_ns = now_ns;
            if let Some(balancer) = &mut balancer {
                balancer.look(self.fleet(), &self.split).await;
            }
        }
    }

    async fn look(&self, elapsed: Duration) {
        for info in self.store.partitions() {
            let id = info.spec.id;
            let Ok(partition) = self.partition(id) else { continue };
            let consumption = self.fleet().routes.now().consumption_of(id).cloned();
            let asked = consumption.map(|of| {
                of.hand_in_idle(self.world.now_ns());
                of.asked()
            });
            let asked = asked.unwrap_or_default();
            let is_hot = partition.traffic.look(elapsed, &asked, &self.split.rules);
            if !self.split.automatic {
                continue;
            }
            if self.split.rules.is_too_large(info.record_bytes) {
                self.split_for_size(&partition).await;
            } else if is_hot {
                self.split_for_load(&partition).await;
            }
        }
    }
}
