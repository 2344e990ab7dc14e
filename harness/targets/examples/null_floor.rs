//! Prints the harness's own floor: a workload file against the null target, one thread and all.
//! Not a benchmark of anything but the generator: `cargo run --release --example null_floor -- FILE`.

use std::error::Error;
use std::path::Path;

use flywheel_load::{
    Control, FieldSet, OpenOptions, Properties, Record, Row, RunOptions, Target, TargetError,
    TargetErrorKind, TargetFactory, Updated, Workload, load, run, run_open,
};
use flywheel_targets::NullFactory;

/// Refuses everything: what is left is what an arrival costs that is refused.
struct Busy;

fn busy<T>() -> Result<T, TargetError> {
    Err(TargetError::new(TargetErrorKind::Overloaded, "everything"))
}

impl TargetFactory for Busy {
    type Target = Self;

    fn name(&self) -> &str {
        "busy"
    }

    async fn connect(&self, _worker: usize) -> Result<Self, TargetError> {
        Ok(Self)
    }
}

impl Target for Busy {
    async fn read(&self, _key: &[u8], _fields: FieldSet) -> Result<Option<Record>, TargetError> {
        busy()
    }

    async fn scan(&self, _: &[u8], _: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        busy()
    }

    async fn insert(&self, _key: &[u8], _record: Record) -> Result<(), TargetError> {
        busy()
    }

    async fn update(&self, _: &[u8], _: Record, _: bool) -> Result<Updated, TargetError> {
        busy()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut properties = Properties::new();
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: null_floor FILE [name=value]...")?;
    properties.load_file(Path::new(&file))?;
    for argument in arguments {
        properties.set_argument(&argument)?;
    }
    let workload = Workload::resolve(&properties)?.workload;
    let null = NullFactory::new(&workload);
    // More than any processor can offer: what it does offer is the floor.
    let mut arrivals = OpenOptions::new(2e6, 1);
    arrivals.workers = Some(1);
    let answered = run_open(&workload, &null, &arrivals, &Control::new())?;
    let refused = run_open(&workload, &Busy, &arrivals, &Control::new())?;
    for (name, figures) in [("answered", answered), ("refused", refused)] {
        let offered = figures.open.map_or(0, |open| open.total.offered);
        let ns = 1e9 * figures.runtime_s / offered as f64;
        println!("open loop, 1 worker: {ns:.0} ns of a worker per arrival that is {name}");
    }
    for workers in [1, 2] {
        let options = RunOptions { workers: Some(workers), ..RunOptions::default() };
        let control = Control::new();
        for figures in [
            load(&workload, &null, &options, &control)?,
            run(&workload, &null, &options, &control)?,
        ] {
            println!(
                "{:?}, {} workers, {} clients: {:.0} ops/s, {:.0} ns of a worker per operation",
                figures.phase,
                figures.workers,
                figures.clients,
                figures.throughput_ops_per_s,
                1e9 * figures.workers as f64 / figures.throughput_ops_per_s,
            );
            for (operation, of) in &figures.operations {
                let times = of.response_us;
                println!(
                    "  {operation:15} {:9} p50 {} us, p99 {} us",
                    of.count, times.p50, times.p99
                );
            }
        }
    }
    Ok(())
}
