//! Writes the first inputs of every target: `seeds DIRECTORY` makes `DIRECTORY/TARGET/seed-N`. A
//! target itself in form only, since instrumented code links with libFuzzer or not at all.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: main(), |_input: &[u8]| {});

fn main() {
    let written = seeds();
    if let Err(problem) = &written {
        eprintln!("seeds: {problem}");
    }
    std::process::exit(if written.is_ok() { 0 } else { 2 })
}

fn seeds() -> Result<(), String> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or("expected a directory to write to")?;
    for (target, seeds) in flywheel_fuzz::seeds::all() {
        let folder = directory.join(target);
        write(&folder, &seeds).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

fn write(folder: &Path, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
