//! `flywheel load`: fills an empty directory with a workload's records, and nothing more. `run` does so too where
//! it finds an empty one; this is for loading once and running often.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_report::LoadPhase;

use crate::args::{Chosen, LoadCommandArgs};
use crate::dynamodb::DynamoDb;
use crate::error::CliError;
use crate::phases::Bench;
use crate::run;
use crate::settings;
use crate::systems::{Flywheel, Table};

/// Loads; says so where there was nothing to do.
pub fn command(args: &LoadCommandArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let trace = args.trace.as_deref();
    let named = settings::resolve_traced(&args.files, &args.common, trace, None)?;
    let partitions = args.partitions.resolve(args.target.0).map_err(CliError::Flag)?;
    let bench = Bench { common: &args.common, stop, probe: None };
    let loaded = match args.target.0 {
        Chosen::Engine => run::load_if_empty(&Flywheel(partitions), &bench, &named, false)?,
        Chosen::Table => run::load_if_empty(&Table(partitions), &bench, &named, false)?,
        Chosen::DynamoDb => run::load_if_empty(&DynamoDb(&args.dynamodb), &bench, &named, false)?,
        Chosen::Peer(peer) => {
            peer.available()?;
            run::load_if_empty(&peer, &bench, &named, false)?
        }
        Chosen::Null => return Err(CliError::Flag("--target: null keeps nothing".into())),
    };
    let dir = match args.target.0 {
        Chosen::DynamoDb => "the table".to_owned(),
        _ => args.common.dir.display().to_string(),
    };
    match loaded {
        Some(LoadPhase { records, elapsed_s, throughput_ops_per_s }) => {
            println!("{dir}: {records} records in {elapsed_s:.1} s, {throughput_ops_per_s:.0}/s");
        }
        None => println!("{dir}: holds these records already"),
    }
    Ok(0)
}
