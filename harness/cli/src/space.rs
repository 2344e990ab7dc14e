//! How much disk the engine takes while a run goes on. Not what a run measures of its operations: see
//! `phases`.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use flywheel_shard::{Engine, StoreStats};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Runs `work` and says what the files took for each live byte when it was most; `None` if nothing was
/// live.
pub fn peak_during<T>(engine: &Engine, work: impl FnOnce() -> T) -> (T, Option<f64>) {
    std::thread::scope(|scope| {
        let (ended, end) = channel::<()>();
        let watch = scope.spawn(move || {
            let mut peak: Option<f64> = None;
            loop {
                // An engine that gives no figures any more fails the run itself.
                let now = engine.stats().ok().and_then(|stats| per_live_byte(&stats.store));
                peak = peak.into_iter().chain(now).reduce(f64::max);
                if end.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        let result = work();
        drop(ended);
        (result, watch.join().expect("looking at figures does not panic"))
    })
}

fn per_live_byte(stats: &StoreStats) -> Option<f64> {
    let file_bytes = stats.file_bytes + stats.index_file_bytes;
    (stats.live_bytes > 0).then(|| file_bytes as f64 / stats.live_bytes as f64)
}
