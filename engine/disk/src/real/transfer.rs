//! Brings one read or write to its end: a short one goes on, an interrupted one is sent again. Knows
//! no files and no ring.

use std::io;

use crate::limits::MAX_RETRIES;

/// Moves `length_bytes` by attempts that each start where the last one ended, and pauses before one
/// that follows an interruption. Returns how much was moved: less, if an attempt moved nothing, or
/// ended within a step, as at the end of a file.
///
/// # Errors
/// An attempt's, or the last of too many interruptions.
pub(super) async fn transfer(
    length_bytes: usize,
    step_bytes: usize,
    mut pause: impl AsyncFnMut(),
    mut attempt: impl AsyncFnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let (mut done_bytes, mut interruptions) = (0, 0);
    while done_bytes < length_bytes {
        match attempt(done_bytes).await {
            Ok(0) => break,
            Ok(moved_bytes) => {
                done_bytes += moved_bytes;
                interruptions = 0;
                if !done_bytes.is_multiple_of(step_bytes) {
                    break;
                }
            }
            Err(error) if is_interruption(&error) && interruptions < MAX_RETRIES => {
                interruptions += 1;
                pause().await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done_bytes)
}

/// Whether the kernel says that nothing is wrong, only not now.
fn is_interruption(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN))
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::io;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::transfer;
    use crate::limits::MAX_RETRIES;

    /// What the kernel answers in turn; returns the outcome, where attempts began, and the pauses.
    fn run(length: usize, answers: &[Result<usize, i32>]) -> (Result<usize, i32>, Vec<usize>, u32) {
        let (mut starts, mut pauses) = (Vec::new(), 0);
        let mut answers = answers.iter();
        let attempt = async |start| {
            starts.push(start);
            let answer = answers.next().expect("no more attempts than answers");
            answer.map_err(io::Error::from_raw_os_error)
        };
        let outcome = {
            let transfer = pin!(transfer(length, 512, async || pauses += 1, attempt));
            match transfer.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => unreachable!("nothing here waits"),
            }
        };
        (outcome.map_err(|error| error.raw_os_error().expect("a number")), starts, pauses)
    }

    #[test]
    fn a_short_transfer_goes_on_where_it_ended() {
        assert_eq!(run(4096, &[Ok(4096)]), (Ok(4096), vec![0], 0));
        assert_eq!(run(4096, &[Ok(512), Ok(3072), Ok(512)]), (Ok(4096), vec![0, 512, 3584], 0));
        assert_eq!(run(4096, &[Ok(512), Err(libc::ENOSPC)]).0, Err(libc::ENOSPC));
    }

    #[test]
    fn a_transfer_ends_where_nothing_more_moves_or_within_a_sector() {
        assert_eq!(run(4096, &[Ok(1024), Ok(0)]), (Ok(1024), vec![0, 1024], 0));
        assert_eq!(run(4096, &[Ok(700)]), (Ok(700), vec![0], 0));
    }

    #[test]
    fn an_interrupted_transfer_is_sent_again_but_not_for_ever() {
        let answers = [Err(libc::EINTR), Ok(512), Err(libc::EAGAIN), Ok(512)];
        assert_eq!(run(1024, &answers), (Ok(1024), vec![0, 0, 512, 512], 2));
        assert_eq!(run(512, &[Err(libc::EIO)]), (Err(libc::EIO), vec![0], 0));
        let endless = vec![Err(libc::EAGAIN); MAX_RETRIES as usize + 1];
        let (outcome, starts, pauses) = run(512, &endless);
        assert_eq!((outcome, pauses), (Err(libc::EAGAIN), MAX_RETRIES));
        assert_eq!(starts.len(), endless.len());
    }
}
