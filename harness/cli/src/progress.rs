//! Progress of whatever takes long, on standard error: a bar on a terminal, and for phases of a run a line now
//! and then elsewhere.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use flywheel_load::{Control, Progress};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Steps of a bar that shows a share.
const STEPS: u64 = 1000;

/// A bar for a share between 0 and 1, with a message.
pub fn bar(label: &str) -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    let style = ProgressStyle::with_template("{prefix:>14} {bar:32} {percent:>3}%  {msg}")
        .expect("the template is well-formed");
    bar.set_style(style);
    bar.set_prefix(label.to_owned());
    bar
}

/// Moves a bar to a share between 0 and 1.
pub fn set(bar: &ProgressBar, share: f64) {
    bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64);
}

/// How often a line is printed where nobody watches a bar: YCSB's `status.interval`.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Runs `work` while a bar follows the phase that `control` watches; where standard error is no terminal, a line
/// now and then.
pub fn follow<T>(label: &str, control: &Control, work: impl FnOnce() -> T) -> T {
    let bar = bar(label);
    let is_seen = std::io::stderr().is_terminal();
    let (ended, end) = channel::<()>();
    let shown = bar.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let every = if is_seen { DRAW_EVERY } else { LINE_EVERY };
            let mut last = 0;
            while end.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let progress = control.progress();
                let rate = (progress.operations - last) as f64 / every.as_secs_f64();
                last = progress.operations;
                let message = message(&progress, rate);
                if is_seen {
                    set(&shown, progress.fraction());
                    shown.set_message(message);
                } else {
                    eprintln!("{label}: {:.0} s, {message}", progress.elapsed.as_secs_f64());
                }
            }
        });
        let worked = work();
        drop(ended);
        bar.finish_and_clear();
        worked
    })
}

fn message(progress: &Progress, rate: f64) -> String {
    let p99 = match progress.p99.as_secs_f64() * 1e3 {
        0.0 => String::new(),
        ms if ms < 1.0 => format!(", p99 {:.0} us", ms * 1e3),
        ms => format!(", p99 {ms:.1} ms"),
    };
    let left = match progress.fraction() {
        share if share > 0.0 && share < 1.0 => {
            let left_s = progress.elapsed.as_secs_f64() * (1.0 / share - 1.0);
            format!(", {left_s:.0} s left")
        }
        _ => String::new(),
    };
    let failed = match progress.errors {
        0 => String::new(),
        errors => format!(", {errors} failed"),
    };
    let state = if progress.measuring { "" } else { ", warming up" };
    format!("{rate:>8.0} ops/s{p99}{left}{failed}{state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_is_known_and_no_more() {
        let start = Progress { measuring: true, ..Progress::default() };
        assert_eq!(message(&start, 0.0), "       0 ops/s");
        let half = Progress {
            measured: 50,
            errors: 2,
            operations_goal: Some(104),
            p99: Duration::from_micros(1500),
            elapsed: Duration::from_secs(7),
            ..start
        };
        assert_eq!(message(&half, 1234.4), "    1234 ops/s, p99 1.5 ms, 7 s left, 2 failed");
        let warm = Progress { measuring: false, ..start };
        assert!(message(&warm, 1.0).ends_with("warming up"));
    }
}
