//! The look at sizes and loads, every second or so, and the splits that follow from it. Not
//! compaction or checkpoints: the store sees to those itself.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::{TaskClass, World};
use flywheel_store::PartitionInfo;
use futures_util::future::{Either, select};

use super::partition::Partition;
use super::{Shard, count};
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
            let Ok(partition) = self.partition(info.spec.id) else { continue };
            let hot = partition.traffic.look(elapsed, &self.split);
            if self.split.automatic {
                self.split_if_due(&info, &partition, hot).await;
            }
        }
    }

    async fn split_if_due(&self, info: &PartitionInfo, partition: &Partition, hot: bool) {
        let at = if info.record_bytes >= self.split.size_bytes {
            self.cut_for_size(partition)
        } else if hot {
            partition.traffic.cool_down();
            let at = self.cut_for_load(partition);
            if at.is_none() {
                count(&self.counters.splits_vetoed);
            }
            at
        } else {
            None
        };
        if let Some(at) = at
            && !self.fleet().is_closing()
        {
            // A split that fails leaves all as it was, and the next look tries again.
            let _ = self.split(info.spec.id, at).await;
        }
    }
}
