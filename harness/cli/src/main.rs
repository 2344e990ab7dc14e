//! `flywheel`: the one binary. Parses the command line and hands over; what the commands do stands in
//! their rooms, and what they measure with in crates of their own.

mod args;
mod check;
mod child;
mod compare;
mod convert;
mod device;
mod diff;
mod drive;
mod dynamodb;
mod error;
mod gate;
mod hot;
mod interrupt;
mod load;
mod loaded;
mod measure;
mod memory_limit;
mod overload;
mod peers;
mod phases;
mod plan;
mod progress;
mod record;
mod render;
mod repair;
mod run;
mod search;
mod serve;
mod settings;
mod shell;
mod suite;
mod systems;
mod trend;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

/// Values are made on the clients' threads and freed on the shards': see the workspace's Cargo.toml.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad input or a fault; 0 is the target met, 1 missed.
const EXIT_FAULT: u8 = 2;

fn main() -> ExitCode {
    interrupt::end_with_parent();
    flywheel_shard::keep_freed_memory();
    let cli = Cli::parse();
    let stop = interrupt::stop_flag();
    let outcome = match &cli.command {
        Command::Load(args) => load::command(args, &stop),
        Command::Peers(args) => peers::command(args, &stop),
        Command::Run(args) => run::command(args, &stop),
        Command::Suite(args) => suite::command(args, &stop),
        Command::Compare(args) => compare::command(args),
        Command::Gate(args) => gate::command(args, &stop),
        Command::Plan(args) => plan::command(args),
        Command::Report(args) => render::command(args),
        Command::Trend(args) => trend::command(args),
        Command::Search(args) => search::command(args, &stop),
        Command::Overload(args) => overload::command(args, &stop),
        Command::Serve(args) => serve::command(args, &stop),
        Command::Hot(args) => hot::command(args),
        Command::Diff(args) => diff::command(args, &stop),
        Command::Device(args) => device::command(args, &stop),
        Command::Check(args) => check::command(args, &stop),
        Command::Completions(args) => Ok(shell::completions(args)),
        Command::Man(args) => shell::man(args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("flywheel: {error}");
            ExitCode::from(EXIT_FAULT)
        }
    }
}
