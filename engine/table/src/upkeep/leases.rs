//! Capacity that is out on lease to cores which went quiet comes back, to be used by others.

use std::time::Duration;

use super::Sleeper;
use crate::storage::Storage;
use crate::table::Table;
use crate::tables::Tables;
use crate::throughput::Throttling;

/// How often is looked for such.
const LOOK: Duration = Duration::from_secs(1);

/// For ever; for whoever runs it to end it.
pub(super) async fn run<S: Storage>(tables: &Tables<S>, sleeper: &impl Sleeper) {
    if tables.options().throttling == Throttling::Never {
        std::future::pending::<()>().await;
    }
    loop {
        sleeper.sleep(LOOK).await;
        let now_ns = (tables.options().monotonic_ns)();
        for table in tables.catalog().all().by_name().values() {
            hand_in(table, now_ns);
        }
    }
}

fn hand_in(table: &Table, now_ns: u64) {
    let meters = table.globals.iter().map(|index| &index.meters);
    for meters in meters.chain([&table.meters]) {
        for (_, meter) in meters.both() {
            meter.hand_in_idle(now_ns);
        }
    }
}
