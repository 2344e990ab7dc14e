//! Prints a probe's figures as JSON: `cargo run --release -p flywheel-device --example probe -- DIR [full]`.
//! Not the command that people use, which is `flywheel device`.

use std::time::Instant;

use flywheel_device::{Probe, ProbeOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap_or_else(|| ".".into());
    let full = arguments.next().is_some_and(|word| word == "full");
    let options = if full { ProbeOptions::full(dir) } else { ProbeOptions::brief(dir) };
    let start = Instant::now();
    let probe = Probe::prepare(options, &mut |_| {})?;
    eprintln!("prepared in {:.2} s", start.elapsed().as_secs_f64());
    let figures = probe
        .measure(&mut |progress| eprintln!("{:3.0} % {}", progress.done * 100.0, progress.step))?;
    println!("{}", serde_json::to_string_pretty(&figures)?);
    Ok(())
}
