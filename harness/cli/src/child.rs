//! This program, or another build of it, in a process of its own: its memory bounded if need be, its errors told, its result
//! read back. What it is told to do is the caller's, and so is what else runs meanwhile.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{io, thread};

use flywheel_report::RunResult;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::args::Common;
use crate::error::CliError;
use crate::interrupt;
use crate::memory_limit::MemoryLimit;

/// The signal that nobody survives.
const SIGKILL: i32 = 9;

/// How often it is looked whether a child has ended or is to end: seldom beside what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How `flywheel` is run.
pub struct Child<'a> {
    /// The binary.
    pub program: PathBuf,
    /// The memory that each process may have.
    pub limit: Option<&'a MemoryLimit>,
    /// Workload files.
    pub files: &'a [PathBuf],
    /// Flags that are handed on, but for its folders and `--seconds`.
    pub common: &'a Common,
    /// Where its result folders go.
    pub out: &'a Path,
    /// Raised by Ctrl-C.
    pub stop: &'a Arc<AtomicBool>,
}

impl Child<'_> {
    /// The binary that runs now.
    pub fn this_program() -> Result<PathBuf, CliError> {
        std::env::current_exe().map_err(CliError::file("flywheel"))
    }

    /// The whole path of a binary, or a name without a slash would be looked for in PATH.
    pub fn binary(path: &Path) -> Result<PathBuf, CliError> {
        match path.canonicalize() {
            Ok(binary) if binary.is_file() => Ok(binary),
            _ => {
                let problem =
                    "no such binary: give the path of a flywheel, such as target/release/flywheel";
                Err(CliError::Data { directory: path.to_owned(), problem: problem.into() })
            }
        }
    }

    /// Starts `flywheel run` for so long: in an open loop at a rate, or, whatever the workload says, in a closed one without.
    pub fn measure(
        &self,
        system: &str,
        dir: &Path,
        seconds: u64,
        rate: Option<f64>,
        more: &[String],
    ) -> Result<Running<'_>, CliError> {
        let mut flags = vec!["--seconds".to_owned(), seconds.to_string()];
        match rate {
            Some(rate) => flags.extend(["--rate".to_owned(), rate.to_string()]),
            None => flags.extend(
                ["-p", "arrivals=closed", "-p", "targetshape=flat", "-p", "target=0"]
                    .map(str::to_owned),
            ),
        }
        flags.extend_from_slice(more);
        self.start("run", system, dir, &flags)
    }

    /// Runs one command on one system. Returns what it printed.
    pub fn flywheel(
        &self,
        command: &str,
        system: &str,
        dir: &Path,
        more: &[String],
    ) -> Result<String, CliError> {
        self.start(command, system, dir, more)?.printed()
    }

    fn start(
        &self,
        command: &str,
        system: &str,
        dir: &Path,
        more: &[String],
    ) -> Result<Running<'_>, CliError> {
        if interrupt::is_set(self.stop) {
            return Err(CliError::Interrupted);
        }
        let common = self.common;
        let mut child = match self.limit {
            Some(limit) => limit.command(&self.program),
            None => Command::new(&self.program),
        };
        child.arg(command).args(["--target", system]);
        for file in self.files {
            child.arg("-P").arg(file);
        }
        for property in &common.properties {
            child.args(["-p", property]);
        }
        child.arg("--dir").arg(dir).arg("--out").arg(self.out);
        child.args(["--cache-mib", &common.cache_mib.to_string()]);
        child.args(["--p99-ms", &common.p99_ms.to_string()]);
        let numbers = [
            ("--seed", common.seed),
            ("--shards", common.shards.map(|n| n as u64)),
            ("--workers", common.workers.map(|n| n as u64)),
            ("--index-mib", common.index_mib),
        ];
        for (flag, number) in numbers {
            if let Some(number) = number {
                child.args([flag, &number.to_string()]);
            }
        }
        if common.no_probe {
            child.arg("--no-probe");
        }
        child.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        child.env(interrupt::ENDS_WITH_PARENT, "1");
        let process = child.spawn().map_err(CliError::file(&self.program))?;
        let (id, what) = (process.id(), format!("{command} of {system}"));
        Ok(Running { of: self, process: Some(process), id, what })
    }
}

/// One that was started. Dropped before its end was waited for, it is killed: whoever started it has failed, and takes its
/// files away.
pub struct Running<'a> {
    of: &'a Child<'a>,
    /// `None` once its end is waited for.
    process: Option<process::Child>,
    id: u32,
    /// What it does, for errors.
    what: String,
}

impl Running<'_> {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for the result of a run. Returns it and the name of its folder.
    pub fn result(self) -> Result<(RunResult, String), CliError> {
        let program = self.of.program.display();
        let printed = self.printed()?;
        let folder = PathBuf::from(printed.lines().last().unwrap_or_default());
        let path = folder.join("result.json");
        if !path.is_file() {
            let problem =
                format!("{program}: its run ended without a result folder: is it a flywheel?");
            return Err(CliError::Child(problem));
        }
        let json = std::fs::read_to_string(&path).map_err(CliError::file(&path))?;
        let result = RunResult::from_json(&json)
            .map_err(|error| CliError::Child(format!("{}: {error}", path.display())))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((result, name))
    }

    /// Waits for its end. Returns what it printed.
    fn printed(mut self) -> Result<String, CliError> {
        let (of, what) = (self.of, &self.what);
        let process = self.process.take().expect("waited for once, by value");
        let output = wait(process, of.stop).map_err(CliError::file(&of.program))?;
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match output.status.code() {
            // What a Ctrl-C cut short says nothing beside runs that went on to their end.
            _ if interrupt::is_set(of.stop) => Err(CliError::Interrupted),
            // 1 is a verdict, not a failure; and a run that ended with a fault has left its result.
            Some(0 | 1) => Ok(printed),
            Some(2) if Path::new(printed.lines().last().unwrap_or_default()).is_dir() => {
                Ok(printed)
            }
            _ => {
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                let last = errors.lines().last().unwrap_or_default();
                let memory = match (output.status.signal(), of.limit) {
                    (Some(SIGKILL), Some(_)) => {
                        " (as the kernel does for want of memory: --memory-mib)"
                    }
                    _ => "",
                };
                let status = output.status;
                let program = of.program.display();
                Err(CliError::Child(format!(
                    "{program}: {what} ended with {status}{memory}: {last}"
                )))
            }
        }
    }
}

/// Waits for its end. A signal that this process alone was sent is handed on, as a terminal sends it to both.
fn wait(process: process::Child, stop: &AtomicBool) -> io::Result<process::Output> {
    // Where there are no such handles it hears only what the terminal tells it.
    let id = Pid::from_raw(process.id().cast_signed());
    let handle = id.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| process.wait_with_output());
        let mut is_told = false;
        while !waiting.is_finished() {
            if interrupt::is_set(stop) && !is_told {
                is_told = true;
                // One that has ended needs nothing; one that is frozen hears it when its turn comes.
                let _ = handle.as_ref().map(|handle| pidfd_send_signal(handle, Signal::TERM));
            }
            thread::sleep(LOOK_EVERY);
        }
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // One that has ended by itself is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
