//! Processes that take turns on the machine, while they all run: one goes on and the others are frozen. What is different
//! from one second to the next on a shared machine (its clock, its neighbours, its disk) is then the same for all.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::error::CliError;

/// One turn: short beside what changes on a machine, long beside what a switch costs.
const TURN: Duration = Duration::from_millis(100);

/// Processes that wait for their turns. By handles, for the number of a process that has ended may be another's by then.
struct Turns(Vec<OwnedFd>);

impl Turns {
    /// Freezes the processes of these numbers.
    fn begin(ids: impl Iterator<Item = u32>) -> Result<Self, CliError> {
        let handle = |id: u32| {
            let id = Pid::from_raw(id.cast_signed()).ok_or(Errno::SRCH)?;
            pidfd_open(id, PidfdFlags::empty())
        };
        let handles: Result<Vec<OwnedFd>, Errno> = ids.map(handle).collect();
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

/// Waits for all of `running`, each by `wait`, while their processes, none of which was waited for, take turns. One that has ended
/// leaves its turns unused: the others get no more of the machine than before.
pub fn take<R: Send, T: Send>(
    running: Vec<R>,
    id: impl Fn(&R) -> u32,
    wait: impl Fn(R) -> T + Sync,
) -> Result<Vec<T>, CliError> {
    let turns = Turns::begin(running.iter().map(id))?;
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Child, Command};

    use super::*;

    fn shell(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).spawn().expect("there is a shell")
    }

    /// Whether the kernel has it stopped, once that is as it should be, or after a while.
    fn is_frozen(child: &Child, wanted: bool) -> bool {
        let look = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
            stat.rsplit(')').next().expect("a state").trim_start().starts_with('T')
        };
        for _ in 0..1_000 {
            if look() == wanted {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        look()
    }

    #[test]
    fn all_are_frozen_but_whose_turn_it_is_and_none_is_left_so() {
        let mut children = [shell("exec sleep 1000"), shell("exec sleep 1000")];
        let turns = Turns::begin(children.iter().map(Child::id)).expect("handles");
        assert!(children.iter().all(|child| is_frozen(child, true)));
        tell(&turns.0[1], Signal::CONT);
        assert!(is_frozen(&children[0], true) && !is_frozen(&children[1], false));
        drop(turns);
        assert!(!children.iter().any(|child| is_frozen(child, false)));
        for child in &mut children {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
    }

    #[test]
    fn each_is_waited_for_to_its_end_also_after_the_others() {
        let children = vec![shell("sleep 0.4; exit 3"), shell("exit 4"), shell("kill -9 $$")];
        let wait = |mut child: Child| child.wait().expect("it ends").code();
        let codes = take(children, Child::id, wait).expect("handles");
        assert_eq!(codes, [Some(3), Some(4), None]);
        assert!(Turns::begin([0].into_iter()).is_err(), "no such process");
    }
}
