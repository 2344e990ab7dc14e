//! Processes that take turns on the machine, while they all run: one goes on and the others are frozen. What is different
//! from one second to the next on a shared machine (its clock, its neighbours, its disk) is then the same for all.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::child::Running;
use crate::error::CliError;

/// One turn: short beside what changes on a machine, long beside what a switch costs.
const TURN: Duration = Duration::from_millis(100);

/// Processes that wait for their turns. By handles, for the number of a process that has ended may be another's by then.
struct Turns(Vec<OwnedFd>);

impl Turns {
    /// Freezes all of them.
    fn begin(of: &[Running<'_>]) -> Result<Self, CliError> {
        let handle = |running: &Running<'_>| {
            let id = Pid::from_raw(running.id().cast_signed()).ok_or(Errno::SRCH)?;
            pidfd_open(id, PidfdFlags::empty())
        };
        let handles: Result<Vec<OwnedFd>, Errno> = of.iter().map(handle).collect();
        let refused =
            |error| CliError::Child(format!("a process cannot be frozen and woken: {error}"));
        let turns = Self(handles.map_err(refused)?);
        turns.tell_all(Signal::STOP);
        Ok(turns)
    }

    fn tell_all(&self, signal: Signal) {
        self.0.iter().for_each(|handle| tell(handle, signal));
    }
}

impl Drop for Turns {
    /// Nobody is left frozen, whatever happens.
    fn drop(&mut self) {
        self.tell_all(Signal::CONT);
    }
}

fn tell(handle: &OwnedFd, signal: Signal) {
    // One that has ended needs nothing.
    let _ = pidfd_send_signal(handle, signal);
}

/// Waits for all of them, each by `wait`, while they take turns. One that has ended leaves its turns unused: the others get no
/// more of the machine than before.
pub fn take<'a, T: Send>(
    running: Vec<Running<'a>>,
    wait: impl Fn(Running<'a>) -> T + Sync,
) -> Result<Vec<T>, CliError> {
    let turns = Turns::begin(&running)?;
    let wait = &wait;
    Ok(thread::scope(|scope| {
        let waiting: Vec<_> =
            running.into_iter().map(|one| scope.spawn(move || wait(one))).collect();
        'turns: loop {
            for handle in &turns.0 {
                if waiting.iter().all(thread::ScopedJoinHandle::is_finished) {
                    break 'turns;
                }
                tell(handle, Signal::CONT);
                thread::sleep(TURN);
                tell(handle, Signal::STOP);
            }
        }
        let joined = waiting.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    }))
}
