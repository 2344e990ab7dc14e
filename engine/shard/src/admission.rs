//! How many requests a shard may have waiting and under way before handles turn new ones away: as many as it
//! answers within a set time, once a queue stands. Not the hard bounds: those are the mailbox's and the
//! handle's, and hold whatever this decides.
//!
//! A queue that comes and goes is good: it evens out bursts. One that stands only makes everybody wait. So
//! nothing is turned away until more requests than the shard answers in that time have been there for several
//! looks on end, and did not grow fewer; then just that many are let in (Little's law) until the queue has
//! drained. The rate is the best of the last seconds: a disk that stalls for a moment is not taken for a slow
//! one, and a queue that a stall has left and that drains by itself turns nobody away.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a shard looks at its queue: long enough to count answers by the hundred.
const LOOK_EVERY_NS: u64 = 20_000_000;

/// Looks at which a queue must be found too long and no shorter than before, over those that found it short
/// enough, before anyone is turned away: 100 ms, as CoDel waits, for bursts and for stalls.
const LOOKS_TO_CLOSE: u32 = 5;

/// What the best rate loses at each look at which it is not reached: half of it in 3.5 s.
const FADING: f64 = 0.996;

/// No limit is in force.
const OPEN: usize = usize::MAX;

/// What handles see of a shard's limit, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Door {
    limit: AtomicUsize,
    active: AtomicUsize,
    turned_away: AtomicU64,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(OPEN),
            active: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
        }
    }
}

impl Door {
    /// Whether one more request may come while `waiting` are in the mailbox; counts those that may not. Two
    /// threads may both take the last place: the mailbox has room for them.
    pub fn admits(&self, waiting: impl FnOnce() -> usize) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == OPEN || self.active.load(Ordering::Relaxed) + waiting() < limit {
            return true;
        }
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Tells handles how many requests are under way. For the shard.
    pub fn publish(&self, active: usize) {
        self.active.store(active, Ordering::Relaxed);
    }

    /// Requests turned away so far.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Requests that may wait and be under way right now; `None` while none are turned away.
    pub fn limit(&self) -> Option<usize> {
        Some(self.limit.load(Ordering::Relaxed)).filter(|limit| *limit != OPEN)
    }
}

/// What decides about the door: the shard's own view of its queue. Time is an argument.
#[derive(Debug)]
pub(crate) struct Doorman {
    /// How long a queue may stand; `None` for ever.
    queue_time: Option<Duration>,
    /// Requests that are always let in.
    least: usize,
    looked_ns: u64,
    answered: u64,
    best_per_s: f64,
    /// The fewest requests seen since the last look, and between the two looks before.
    standing: usize,
    stood: usize,
    /// Looks that found too many.
    too_many: u32,
}

impl Doorman {
    pub fn new(queue_time: Option<Duration>, least: usize, now_ns: u64) -> Self {
        Self {
            queue_time,
            least,
            looked_ns: now_ns,
            answered: 0,
            best_per_s: 0.0,
            standing: 0,
            stood: 0,
            too_many: 0,
        }
    }

    /// `requests` wait or are under way, and `answered` have been answered so far.
    pub fn look(&mut self, door: &Door, now_ns: u64, requests: usize, answered: u64) {
        let Some(queue_time) = self.queue_time else { return };
        self.standing = self.standing.min(requests);
        let elapsed_ns = now_ns.saturating_sub(self.looked_ns);
        if elapsed_ns < LOOK_EVERY_NS {
            return;
        }
        let looks = elapsed_ns as f64 / LOOK_EVERY_NS as f64;
        let rate_per_s = (answered - self.answered) as f64 * 1e9 / elapsed_ns as f64;
        self.best_per_s = rate_per_s.max(self.best_per_s * FADING.powf(looks));
        let in_time = (self.best_per_s * queue_time.as_secs_f64()) as usize;
        let allowed = in_time.max(self.least);
        // Once closed, the door follows the rate until the queue has all but drained: a queue held at its
        // limit must not count as gone. Opened, it closes again sooner than at first, and forgets
        // that look by look: the load that closed it may still be there.
        let stands = match door.limit() {
            None => {
                if self.standing <= allowed {
                    self.too_many = self.too_many.saturating_sub(1);
                } else if self.standing >= self.stood {
                    self.too_many += 1;
                }
                self.too_many >= LOOKS_TO_CLOSE
            }
            Some(_) => self.standing > allowed / 4,
        };
        if !stands && door.limit().is_some() {
            self.too_many = LOOKS_TO_CLOSE - 1;
        }
        self.stood = self.standing;
        door.limit.store(if stands { allowed } else { OPEN }, Ordering::Relaxed);
        (self.looked_ns, self.answered, self.standing) = (now_ns, answered, requests);
    }

    /// Nothing waits. With nothing under way either, the next burst is as welcome as the first was.
    pub fn rest(&mut self, door: &Door, active: usize) {
        self.standing = self.standing.min(active);
        if active == 0 && door.limit().is_some() {
            door.limit.store(OPEN, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE_TIME: Duration = Duration::from_millis(10);
    const LEAST: usize = 16;

    struct Shard {
        door: Door,
        doorman: Doorman,
        now_ns: u64,
        answered: u64,
    }

    impl Shard {
        fn new() -> Self {
            let doorman = Doorman::new(Some(QUEUE_TIME), LEAST, 0);
            Self { door: Door::default(), doorman, now_ns: 0, answered: 0 }
        }

        /// One look later, with `requests` there at all times and `rate` answered a second meanwhile.
        fn look(&mut self, requests: usize, rate: u64) -> Option<usize> {
            for _ in 0..10 {
                self.now_ns += LOOK_EVERY_NS / 10;
                self.answered += rate * LOOK_EVERY_NS / 10 / 1_000_000_000;
                self.doorman.look(&self.door, self.now_ns, requests, self.answered);
            }
            self.door.limit()
        }
    }

    #[test]
    fn a_standing_queue_closes_the_door_to_what_is_answered_in_time() {
        let mut shard = Shard::new();
        assert_eq!(shard.look(0, 50_000), None);
        assert_eq!(shard.look(450, 50_000), None, "9 ms of queue");
        // The first look still saw the shorter queue before.
        for _ in 0..LOOKS_TO_CLOSE {
            assert_eq!(shard.look(900, 50_000), None, "it only just came");
        }
        assert_eq!(shard.look(900, 50_000), Some(500));
        assert!(shard.door.admits(|| 499) && !shard.door.admits(|| 500));
        shard.door.publish(100);
        assert!(shard.door.admits(|| 399) && !shard.door.admits(|| 400));
        assert_eq!(shard.door.turned_away(), 2);
    }

    #[test]
    fn a_door_that_just_opened_closes_sooner_than_one_that_has_long_been_open() {
        let looks_until_closed = |shard: &mut Shard| {
            (1..20).find(|_| shard.look(900, 50_000).is_some()).expect("it closes")
        };
        let mut shard = Shard::new();
        shard.look(0, 50_000);
        let at_first = looks_until_closed(&mut shard);
        assert_eq!(shard.look(0, 50_000), None);
        // One look that still sees the empty queue before, and two that see the new one.
        assert_eq!(looks_until_closed(&mut shard), 3);
        (0..=LOOKS_TO_CLOSE).for_each(|_| assert_eq!(shard.look(0, 50_000), None));
        assert_eq!(looks_until_closed(&mut shard), at_first);
    }

    #[test]
    fn a_queue_that_drains_by_itself_closes_no_door() {
        let mut shard = Shard::new();
        (0..3).for_each(|_| _ = shard.look(100, 50_000));
        for requests in (600..4000).rev().step_by(50) {
            assert_eq!(shard.look(requests, 50_000), None, "{requests}");
        }
    }

    #[test]
    fn the_door_stays_closed_while_the_queue_is_at_its_limit_and_opens_when_it_drains() {
        let mut shard = Shard::new();
        (0..=LOOKS_TO_CLOSE).for_each(|_| _ = shard.look(900, 50_000));
        for _ in 0..100 {
            assert_eq!(shard.look(490, 50_000), Some(500));
        }
        assert_eq!(shard.look(120, 50_000), None);
        (0..=LOOKS_TO_CLOSE).for_each(|_| _ = shard.look(900, 50_000));
        assert!(shard.door.limit().is_some());
        shard.doorman.rest(&shard.door, 1);
        assert!(shard.door.limit().is_some(), "one is still under way");
        shard.doorman.rest(&shard.door, 0);
        assert_eq!(shard.door.limit(), None);
    }

    #[test]
    fn a_short_stall_closes_no_door_and_a_slower_disk_moves_it_in_time() {
        let mut shard = Shard::new();
        (0..3).for_each(|_| _ = shard.look(400, 50_000));
        (0..LOOKS_TO_CLOSE).for_each(|_| assert_eq!(shard.look(3000, 0), None));
        assert_eq!(shard.look(0, 200_000), None, "gone again");
        let mut shard = Shard::new();
        (0..3).for_each(|_| _ = shard.look(400, 50_000));
        assert!((0..10).all(|_| shard.look(400, 0).is_none_or(|limit| limit > 400)), "0.2 s");
        (0..=LOOKS_TO_CLOSE).for_each(|_| _ = shard.look(900, 50_000));
        let limits: Vec<usize> = (0..1000).filter_map(|_| shard.look(900, 5_000)).collect();
        assert!(limits.len() == 1000 && limits.is_sorted_by(|before, after| before >= after));
        assert_eq!(limits.last(), Some(&50));
    }

    #[test]
    fn some_are_always_let_in_and_without_a_time_everybody_is() {
        let mut shard = Shard::new();
        (0..=LOOKS_TO_CLOSE).for_each(|_| _ = shard.look(900, 0));
        assert_eq!(shard.door.limit(), Some(LEAST));
        let mut shard = Shard::new();
        shard.doorman.queue_time = None;
        (0..=LOOKS_TO_CLOSE).for_each(|_| _ = shard.look(900, 0));
        assert_eq!(shard.door.limit(), None);
    }
}
