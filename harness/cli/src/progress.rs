//! Progress bars for whatever takes long. Silent where nobody watches: bars go to standard error, and
//! only to a terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flywheel_load::Control;
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

/// Runs `work` while a bar follows the phase that `control` watches.
pub fn follow<T>(label: &str, control: &Control, work: impl FnOnce() -> T) -> T {
    let bar = bar(label);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(DRAW_EVERY);
                let progress = control.progress();
                let rate = (progress.operations - last) as f64 / DRAW_EVERY.as_secs_f64();
                last = progress.operations;
                set(&bar, progress.fraction());
                let state = if progress.measuring { "" } else { ", warming up" };
                bar.set_message(format!("{rate:>8.0} ops/s, {} done{state}", progress.operations));
            }
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        bar.finish_and_clear();
        worked
    })
}
