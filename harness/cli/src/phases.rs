//! What comes before and after a run: open, load, probe. Shared by `run` and `suite`; the run itself is
//! `measure`, and what is printed and written is theirs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_device::Probe;
use flywheel_load::trace::LoadPlan;
use flywheel_load::{Control, RunError, RunFigures, RunOptions, TargetFactory, Trace, Workload};
use flywheel_report::{DeviceFigures, Environment, LoadPhase, RunResult, Target, utc_now};
use flywheel_shard::{Engine, EngineOptions};

use crate::args::Common;
use crate::convert;
use crate::device;
use crate::error::CliError;
use crate::interrupt;
use crate::loaded;
use crate::progress;
use crate::settings::Named;
use crate::systems::{Manners, Open};

/// Everything one result needs beyond its workload.
pub struct Bench<'a> {
    /// Flags.
    pub common: &'a Common,
    /// Set by Ctrl-C.
    pub stop: &'a Arc<AtomicBool>,
    /// The yardstick, unless it was refused.
    pub probe: Option<&'a Probe>,
}

impl Bench<'_> {
    /// Opens the engine in the data directory; shows recovery if it takes long.
    pub fn open_engine(&self, options: EngineOptions) -> Result<Engine, CliError> {
        let bar = progress::bar("opening");
        let shown = bar.clone();
        let opened = Engine::open_with_progress(&self.common.dir, options, move |at| {
            let recovery = at.recovery;
            if recovery.replay_bytes > 0 {
                let share = recovery.replayed_bytes as f64 / recovery.replay_bytes as f64;
                progress::set(&shown, share);
            }
            shown.set_message(format!(
                "{} entries, {} MiB of log",
                recovery.loaded_entries,
                recovery.replayed_bytes >> 20
            ));
        });
        bar.finish_and_clear();
        Ok(opened?)
    }

    /// Loads the workload's records into an empty directory, checks that all went in, and notes it there.
    pub fn load<O: Open>(&self, open: &O, workload: &Workload) -> Result<LoadPhase, CliError> {
        let figures = self.fill(open, workload)?;
        loaded::note(&self.common.dir, workload, figures.operations_total)?;
        Ok(convert::load_phase(&figures))
    }

    /// The same of what has no directory.
    pub fn load_remote<O: Open>(
        &self,
        open: &O,
        workload: &Workload,
    ) -> Result<LoadPhase, CliError> {
        Ok(convert::load_phase(&self.fill(open, workload)?))
    }

    fn fill<O: Open>(&self, open: &O, workload: &Workload) -> Result<RunFigures, CliError> {
        let control = Control::with_stop_flag(self.stop.clone());
        let Manners { workers, calls_block, .. } = open.manners(self.common, workload);
        let options = RunOptions { workers, calls_block, ..RunOptions::default() };
        let factory = open.factory();
        let figures = progress::follow("loading", &control, || match &workload.trace {
            None => flywheel_load::load(workload, factory, &options, &control),
            Some(trace) => load_trace(trace, workload, factory, &options, &control),
        })?;
        if figures.partial || interrupt::is_set(self.stop) {
            return Err(CliError::Interrupted);
        }
        if let Some(error) = figures.errors.first() {
            let sample = error.samples.first().map_or("", String::as_str);
            let problem = format!("loading failed {} times: {sample}", error.count);
            return Err(CliError::Data { directory: open.place(self.common), problem });
        }
        open.settle()?;
        Ok(figures)
    }

    /// Probes the device, unless that was refused or a stop asked for.
    pub fn probe(&self, label: &str) -> Result<Option<DeviceFigures>, CliError> {
        match self.probe {
            Some(probe) if !interrupt::is_set(self.stop) => {
                let figures = device::measure(probe, label)?;
                let converted = DeviceFigures::from_probe(&figures);
                Ok(Some(converted.expect("the probe's figures are a JSON object")))
            }
            _ => Ok(None),
        }
    }
}

/// Loads what a trace needs, in two passes over it.
fn load_trace<F: TargetFactory>(
    trace: &Trace,
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    control: &Control,
) -> Result<RunFigures, RunError> {
    let name = trace.file.path().display().to_string();
    let plan = LoadPlan::of(&name, trace.file.open()?)?;
    let records = plan.records();
    let inserts = Box::new(plan.inserts(trace.file.open()?));
    flywheel_load::load_entries(workload, factory, options, inserts, records, control)
}

/// A result with all that is known before anything is measured.
pub fn begin(named: &Named, system: &str, common: &Common, dir: &Path) -> RunResult {
    RunResult {
        workload: named.name.clone(),
        system: system.to_owned(),
        properties: properties(&named.workload),
        seed: named.workload.seed,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(dir),
        target: Target { p99_us: common.p99_ms * 1e3, met: false },
        ..RunResult::default()
    }
}

/// As they were resolved; a trace not only by its name, for what is compared must be the same trace.
fn properties(workload: &Workload) -> BTreeMap<String, String> {
    let mut properties = workload.properties().clone();
    if let Some(trace) = &workload.trace {
        properties.insert("trace".to_owned(), loaded::identity(trace));
    }
    properties
}
