//! Tasks of others on this shard's core: a server's, most of all. Not requests: a shard knows nothing of what
//! they do, and only sees to it that they end with it.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;

use flywheel_disk::{TaskClass, World};
use futures_util::FutureExt;
use futures_util::future::{Shared, select};

use super::Shard;
use super::gauge::Gauge;
use crate::error::ShardError;
use crate::limits::MAX_GUEST_TASKS;
use crate::reply::{ReplyReceiver, ReplySender, reply};
use crate::request::StartTask;

/// The tasks of others that run here.
pub(super) struct Guests {
    running: Gauge,
    /// Dropped to end them all.
    stay: RefCell<Option<ReplySender<()>>>,
    over: Shared<ReplyReceiver<()>>,
}

impl Default for Guests {
    fn default() -> Self {
        let (stay, over) = reply();
        let over = over.shared();
        Self { running: Gauge::default(), stay: RefCell::new(Some(stay)), over }
    }
}

impl Guests {
    /// Has all of them dropped, each by its own task.
    pub fn end(&self) {
        self.stay.take();
    }
}

impl<W: World> Shard<W> {
    /// Starts a task that runs until it ends, panics, or the shard ends.
    pub(super) fn start_guest(self: &Rc<Self>, start: StartTask) -> Result<(), ShardError> {
        self.check_open()?;
        if self.guests.running.count() >= MAX_GUEST_TASKS {
            return Err(ShardError::Busy("a shard's list of tasks"));
        }
        self.guests.running.enter();
        let (shard, over) = (Rc::clone(self), self.guests.over.clone());
        self.world.spawn(TaskClass::Foreground, async move {
            {
                // A guest's mistake must not take the core's requests down.
                let task = AssertUnwindSafe(async move { start().await }).catch_unwind();
                let (task, over) = (pin!(task), pin!(over));
                select(task, over).await;
            }
            shard.guests.running.leave();
        });
        Ok(())
    }
}
