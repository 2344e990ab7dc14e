//! One connection's timer: a bound on whatever it waits for, at the price of a comparison. Not a timeout of
//! its own for every wait: most end at once, and a timer set and unset for each would be the dearest part.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use flywheel_disk::World;
use flywheel_disk::real::RealWorld;

/// The timer of one task.
pub(crate) struct Patience {
    /// A sleep under way; it may end before the deadline, and is then slept on.
    sleep: Option<Pin<Box<dyn Future<Output = ()>>>>,
    sleeps_until_ns: u64,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { sleep: None, sleeps_until_ns: 0 }
    }

    /// The output of `future`, or `None` if the clock reaches `deadline_ns` first.
    pub(crate) async fn until<T>(
        &mut self,
        world: &RealWorld,
        deadline_ns: u64,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            self.poll(world, deadline_ns, context).map(|()| None)
        })
        .await
    }

    /// The output of `future`, or `None` if it takes longer than `limit`.
    pub(crate) async fn within<T>(
        &mut self,
        world: &RealWorld,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        self.until(world, after(world, limit), future).await
    }

    fn poll(&mut self, world: &RealWorld, deadline_ns: u64, context: &mut Context<'_>) -> Poll<()> {
        if self.sleeps_until_ns > deadline_ns {
            self.sleep = None;
        }
        loop {
            if let Some(sleep) = &mut self.sleep {
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.sleep = None;
            }
            let rest_ns = deadline_ns.saturating_sub(world.now_ns());
            if rest_ns == 0 {
                return Poll::Ready(());
            }
            self.sleeps_until_ns = deadline_ns;
            self.sleep = Some(Box::pin(world.sleep(Duration::from_nanos(rest_ns))));
        }
    }
}

/// The moment after `limit`, by the world's clock.
pub(crate) fn after(world: &RealWorld, limit: Duration) -> u64 {
    let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    world.now_ns().saturating_add(limit_ns)
}
