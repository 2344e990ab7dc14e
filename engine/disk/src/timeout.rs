//! A bound on how long something is waited for. Not a clock: see `World`.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::world::World;

/// The output of `future`, or `None` if that takes longer than `duration`: then it is dropped, and what
/// it asked of the kernel is given up.
pub async fn timeout<W: World, T>(
    world: &W,
    duration: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut sleep = pin!(world.sleep(duration));
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}
