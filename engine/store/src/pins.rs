//! Who may still be reading what was let go. Not a reference count per segment: readers enter an
//! epoch, and what was let go in an epoch is reused once no reader of it or an older one is left.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The epochs that readers are in.
#[derive(Clone, Default)]
pub(crate) struct Pins {
    shared: Rc<RefCell<Epochs>>,
}

#[derive(Default)]
struct Epochs {
    /// Number of the first epoch in `readers`.
    first: u64,
    /// Readers that entered in each epoch; the last is the current one.
    readers: VecDeque<usize>,
}

/// Keeps everything that was let go since from being reused.
pub(crate) struct Pin {
    pins: Pins,
    epoch: u64,
}

impl Pins {
    /// Enters the current epoch: what an index says now stays readable until the pin is dropped.
    pub(crate) fn pin(&self) -> Pin {
        let mut epochs = self.shared.borrow_mut();
        if epochs.readers.is_empty() {
            epochs.readers.push_back(0);
        }
        *epochs.readers.back_mut().expect("pushed above") += 1;
        let epoch = epochs.first + epochs.readers.len() as u64 - 1;
        Pin { pins: self.clone(), epoch }
    }

    /// Ends the current epoch and returns its number: whatever is unreachable now may be reused once
    /// [`Pins::passed`] says so.
    pub(crate) fn end_epoch(&self) -> u64 {
        let mut epochs = self.shared.borrow_mut();
        if epochs.readers.is_empty() {
            epochs.readers.push_back(0);
        }
        epochs.readers.push_back(0);
        let ended = epochs.first + epochs.readers.len() as u64 - 2;
        epochs.forget_empty();
        ended
    }

    /// Whether no reader of `epoch` or an older one is left.
    pub(crate) fn passed(&self, epoch: u64) -> bool {
        self.shared.borrow().first > epoch
    }
}

impl Epochs {
    fn forget_empty(&mut self) {
        while self.readers.len() > 1 && self.readers.front() == Some(&0) {
            self.readers.pop_front();
            self.first += 1;
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut epochs = self.pins.shared.borrow_mut();
        let at = (self.epoch - epochs.first) as usize;
        epochs.readers[at] -= 1;
        epochs.forget_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_passes_with_its_last_reader() {
        let pins = Pins::default();
        let early = pins.pin();
        let ended = pins.end_epoch();
        let late = pins.pin();
        assert!(!pins.passed(ended), "a reader of the ended epoch is still there");
        drop(early);
        assert!(pins.passed(ended), "only a reader of a later epoch is left");
        let second = pins.end_epoch();
        assert!(!pins.passed(second));
        drop(late);
        assert!(pins.passed(second));
        assert!(pins.passed(pins.end_epoch()), "nobody reads");
    }
}
