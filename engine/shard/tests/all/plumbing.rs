//! Mailboxes and replies between threads: nothing lost, nothing twice, nobody left asleep.

use std::sync::Arc;
use std::thread;

use flywheel_shard::mailbox::{Bell, Mailbox, Refused};
use flywheel_shard::reply::{NoReply, reply};
use futures_executor::block_on;

#[test]
fn every_message_of_many_threads_is_taken_once_and_none_is_slept_over() {
    const SENDERS: u64 = 3;
    const EACH: u64 = 20_000;
    const ALL: u64 = SENDERS * EACH;
    let bell = Arc::new(Bell::default());
    let mailbox = Mailbox::new(16, Arc::clone(&bell));
    let sum = thread::scope(|scope| {
        for sender in 0..SENDERS {
            let mailbox = &mailbox;
            scope.spawn(move || {
                for n in 0..EACH {
                    let mut message = sender * EACH + n;
                    while let Err(Refused::Full(back)) = mailbox.send(message) {
                        message = back;
                        thread::yield_now();
                    }
                }
            });
        }
        block_on(async {
            let (mut taken, mut sum) = (0, 0);
            while taken < ALL {
                while let Some(message) = mailbox.take() {
                    taken += 1;
                    sum += message;
                }
                bell.wait(|| !mailbox.is_empty() || taken == ALL).await;
            }
            sum
        })
    });
    assert_eq!(sum, ALL * (ALL - 1) / 2);
}

#[test]
fn a_message_sent_while_the_mailbox_ends_is_dropped_and_never_kept() {
    for _ in 0..500 {
        let mailbox = Mailbox::new(64, Arc::default());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let (sender, receiver) = reply::<()>();
                // Taken or refused: either way nobody will ever answer.
                let _ = mailbox.send(sender);
                block_on(receiver)
            });
            mailbox.end();
            assert_eq!(waiting.join().expect("not hung"), Err(NoReply));
        });
    }
}

#[test]
fn answers_cross_threads() {
    thread::scope(|scope| {
        for n in 0..500 {
            let (sender, receiver) = reply();
            scope.spawn(move || sender.send(n));
            assert_eq!(block_on(receiver), Ok(n));
        }
    });
}
