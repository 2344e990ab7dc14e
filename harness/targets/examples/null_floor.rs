//! Prints the harness's own floor: a workload file against the null target, one thread and all.
//! Not a benchmark of anything but the generator: `cargo run --release --example null_floor -- FILE`.

use std::error::Error;
use std::path::Path;

use flywheel_load::{Control, Properties, RunOptions, Workload, load, run};
use flywheel_targets::NullFactory;

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
