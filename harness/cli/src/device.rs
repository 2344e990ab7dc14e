//! `flywheel device`: the raw probe on its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_device::{DeviceFigures, Probe, ProbeError, ProbeOptions, Progress};

use crate::args::DeviceArgs;
use crate::error::CliError;
use crate::progress;

/// Probes, and prints a table or JSON.
pub fn command(args: &DeviceArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let mut options =
        if args.quick { ProbeOptions::brief(&args.dir) } else { ProbeOptions::full(&args.dir) };
    options.stop = Some(stop.clone());
    let probe = prepare(options)?;
    let figures = measure(&probe, "probing")?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures).expect("figures make JSON"));
    } else {
        print(&figures);
    }
    Ok(0)
}

/// Writes the probe's file, under a bar.
pub fn prepare(options: ProbeOptions) -> Result<Probe, CliError> {
    let bar = progress::bar("preparing probe");
    let probe = Probe::prepare(options, &mut |at: Progress| progress::set(&bar, at.done));
    bar.finish_and_clear();
    probe.map_err(told)
}

/// Measures once, under a bar.
pub fn measure(probe: &Probe, label: &str) -> Result<DeviceFigures, CliError> {
    let bar = progress::bar(label);
    let figures = probe.measure(&mut |at: Progress| {
        progress::set(&bar, at.done);
        bar.set_message(at.step);
    });
    bar.finish_and_clear();
    figures.map_err(told)
}

/// A probe that a Ctrl-C ended is no fault of the disk's.
fn told(error: ProbeError) -> CliError {
    match error {
        ProbeError::Stopped => CliError::Interrupted,
        error => error.into(),
    }
}

fn print(figures: &DeviceFigures) {
    println!("random 4 KiB reads        IOPS      p50        p99      p99.9");
    for read in &figures.random_reads {
        println!(
            "  {:>3} in flight, {} thr {:>9.0} {:>8.0} us {:>7.0} us {:>7.0} us",
            read.queue_depth,
            read.threads,
            read.iops,
            read.latency_us.p50,
            read.latency_us.p99,
            read.latency_us.p999,
        );
    }
    println!("durable writes at QD1                p50        p99");
    for write in &figures.durable_writes {
        println!(
            "  {:>3} KiB, {:<17} {:>8.0} us {:>7.0} us",
            write.size_bytes >> 10,
            format!("{:?}", write.method),
            write.latency_us.p50,
            write.latency_us.p99,
        );
    }
    println!("sequential read  {:>8.2} GB/s", figures.sequential_read_bytes_per_s / 1e9);
    println!("sequential write {:>8.2} GB/s", figures.sequential_write_bytes_per_s / 1e9);
    println!("saturated reads  {:>8.0} IOPS", figures.read_iops_max);
}
