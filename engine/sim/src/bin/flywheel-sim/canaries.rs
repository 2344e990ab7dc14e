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
    use flywheel_disk::canary::Canary;
    use flywheel_sim::shape::Shape;
    use flywheel_sim::tables::shape::TableShape;

    // All of them, also if one is not found.
    let shards = Canary::OF_SHARDS.map(|canary| is_found::<Shape>(canary, from, within, jobs));
    let tables = Canary::OF_TABLES.map(|canary| is_found::<TableShape>(canary, from, within, jobs));
    Ok(shards.into_iter().chain(tables).all(|found| found))
}

/// Lets one canary sing in simulations of the kind that must find it; whether one did.
#[cfg(feature = "canaries")]
fn is_found<W: flywheel_sim::workload::Workload>(
    canary: flywheel_disk::canary::Canary,
    from: u64,
    within: u64,
    jobs: usize,
) -> bool {
    let how = std::sync::Mutex::new(std::collections::BTreeMap::new());
    let found = crate::seeds::for_each_with::<W>(
        from,
        within,
        jobs,
        || flywheel_disk::canary::sing(Some(canary)),
        |seed, report| {
            if let Some(breach) = &report.breach {
                let line = breach.lines().next().unwrap_or_default().to_owned();
                how.lock().expect("no holder panics").insert(seed, line);
            }
        },
    );
    let Some(seed) = found else {
        println!("{canary:?}: LIVES after {within} seeds");
        return false;
    };
    let how = how.into_inner().expect("no holder panics").remove(&seed).unwrap_or_default();
    let nth = seed - from + 1;
    println!("{canary:?}: found by seed {seed}, the {nth}. of {within}: {how}");
    true
}
