//! Canaries: each deliberate fault of the engine is made, and the simulator must find it. One that lives
//! shows that a promise is not being watched.

/// Every canary must be found within so many seeds.
pub const SEEDS: u64 = 1_000;

/// Lets every canary sing. Whether all were found.
///
/// # Errors
/// If this was built without them.
#[cfg(not(feature = "canaries"))]
pub fn run(_from: u64, _within: u64, _jobs: usize) -> Result<bool, String> {
    Err("built without canaries: cargo run --release -p flywheel-sim --features canaries -- ..."
        .into())
}

/// Lets every canary sing. Whether all were found.
///
/// # Errors
/// If this was built without them.
#[cfg(feature = "canaries")]
pub fn run(from: u64, within: u64, jobs: usize) -> Result<bool, String> {
    use crate::seeds;
    use flywheel_disk::canary::{self, Canary};
    use flywheel_sim::shape::Shape;

    let mut all_found = true;
    for canary in Canary::ALL {
        let how = std::sync::Mutex::new(std::collections::BTreeMap::new());
        let found = seeds::for_each_with::<Shape>(
            from,
            within,
            jobs,
            || canary::sing(Some(canary)),
            |seed, report| {
                if let Some(breach) = &report.breach {
                    let line = breach.lines().next().unwrap_or_default().to_owned();
                    how.lock().expect("no holder panics").insert(seed, line);
                }
            },
        );
        match found {
            Some(seed) => {
                let how = how.into_inner().expect("no holder panics").remove(&seed);
                let nth = seed - from + 1;
                println!(
                    "{canary:?}: found by seed {seed}, the {nth}. of {within}: {}",
                    how.unwrap_or_default()
                );
            }
            None => {
                println!("{canary:?}: LIVES after {within} seeds");
                all_found = false;
            }
        }
    }
    Ok(all_found)
}
