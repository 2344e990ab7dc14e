//! The acknowledged counter, alone and shared by threads.
//! What the driver does with it is in `driver`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use flywheel_load::generate::{AcknowledgedCounter, Counter, WindowFull};
use flywheel_load::limits::ACKNOWLEDGE_WINDOW;

#[test]
fn a_counter_counts() {
    let counter = Counter::new(7);
    assert_eq!([counter.next(), counter.next(), counter.next()], [7, 8, 9]);
}

#[test]
fn the_last_number_waits_for_the_oldest() {
    let counter = AcknowledgedCounter::new(10);
    assert_eq!(counter.last(), Some(9));
    let numbers: Vec<u64> = (0..3).map(|_| counter.next().expect("room")).collect();
    assert_eq!(numbers, [10, 11, 12]);
    counter.acknowledge(12);
    counter.acknowledge(11);
    assert_eq!(counter.last(), Some(9), "10 is still out");
    counter.acknowledge(10);
    assert_eq!(counter.last(), Some(12));
    assert_eq!(AcknowledgedCounter::new(0).last(), None);
}

#[test]
fn a_full_window_refuses_and_goes_on_when_the_oldest_returns() {
    let counter = AcknowledgedCounter::new(0);
    for number in 0..ACKNOWLEDGE_WINDOW {
        assert_eq!(counter.next(), Ok(number));
    }
    assert_eq!(counter.next(), Err(WindowFull));
    (1..ACKNOWLEDGE_WINDOW).for_each(|number| counter.acknowledge(number));
    assert_eq!(counter.next(), Err(WindowFull), "0 is still out");
    counter.acknowledge(0);
    assert_eq!(counter.end(), ACKNOWLEDGE_WINDOW);
    assert_eq!(counter.next(), Ok(ACKNOWLEDGE_WINDOW));
}

#[test]
fn threads_lose_no_acknowledgement() {
    const THREADS: u64 = 4;
    const EACH: u64 = 50_000;
    let counter = AcknowledgedCounter::new(0);
    let highest = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let number = counter.next().expect("room for every thread");
                    counter.acknowledge(number);
                    highest.fetch_max(counter.end(), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(counter.end(), THREADS * EACH, "all are acknowledged once all threads are done");
    assert!(highest.into_inner() <= THREADS * EACH);
}
