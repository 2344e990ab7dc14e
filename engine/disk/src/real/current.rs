//! The machine of the current thread: how a world finds it. Set for as long as a core runs.

use std::cell::RefCell;
use std::rc::Rc;

use super::executor::Machine;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Machine>>> = const { RefCell::new(None) };
}

/// While it lives, [`machine`] finds the machine it was made for.
pub(super) struct Current;

pub(super) fn enter(machine: &Rc<Machine>) -> Current {
    CURRENT.set(Some(machine.clone()));
    Current
}

/// The machine of this thread.
///
/// # Panics
/// On a thread that is not a core: a world cannot be used there.
pub(super) fn machine() -> Rc<Machine> {
    CURRENT.with_borrow(|current| {
        current.clone().expect("a real world is made and used on a core, see `run_on_core`")
    })
}

impl Drop for Current {
    fn drop(&mut self) {
        drop(CURRENT.take());
    }
}
