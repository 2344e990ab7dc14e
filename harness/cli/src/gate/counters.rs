//! What an operation takes, counted by `flywheel-count`, which lies beside this binary: what it counts itself, and what
//! callgrind and strace count of it. Those see a whole process, so it is run twice, for few operations and for more; the
//! difference is that of the operations alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_report::gate::{Counter, Counts};
use serde::Deserialize;

use crate::args::GateArgs;
use crate::child::Child;
use crate::error::CliError;
use crate::{interrupt, progress};

/// What counts.
const COUNT: &str = "flywheel-count";

/// How it ends where the engine cannot be opened at all, as where there is no io_uring.
const EXIT_UNFIT_HOST: i32 = 3;

/// Operations of the shorter and the longer run under callgrind, which is slow and exact.
const INSTRUCTION_RUNS: [u64; 2] = [500, 1_500];

/// The same under strace, where what is counted varies a little.
const SYSTEM_CALL_RUNS: [u64; 2] = [200, 2_000];

/// Operations whose allocations and I/Os are counted.
const OPERATIONS: u64 = 2_000;

/// What was counted, and what could not be.
pub struct Counted {
    /// Per operation.
    pub counts: Counts,
    /// Why the rest is missing.
    pub not_counted: Vec<String>,
}

/// What `flywheel-count` prints. Not that crate's own: linking it would count, and slow, every allocation of this program.
#[derive(Debug, Deserialize)]
struct Line {
    operations: u64,
    allocations: u64,
    allocated_bytes: u64,
    reads: u64,
    read_bytes: u64,
    writes: u64,
    written_bytes: u64,
    syncs: u64,
}

/// What is to be counted, and by what: known before anything takes long.
pub struct Plan {
    /// `flywheel-count`.
    program: PathBuf,
    /// The operations that it has.
    all: Vec<String>,
    /// Those that are asked for.
    operations: Vec<String>,
    /// Those whose system calls are counted.
    alone: Vec<String>,
}

/// Finds what counts and asks it for its operations.
pub fn plan(args: &GateArgs, stop: &Arc<AtomicBool>) -> Result<Plan, CliError> {
    let candidate = match &args.candidate {
        Some(candidate) => Child::binary(candidate)?,
        None => Child::this_program()?,
    };
    let program = candidate.with_file_name(COUNT);
    if !program.is_file() {
        let problem = "not there: it is built with flywheel (cargo build --release) and counts for it; or leave \
                       the budgets out with --no-counters";
        return Err(CliError::Data { directory: program, problem: problem.into() });
    }
    let list = |more: &[&str]| -> Result<Vec<String>, CliError> {
        let printed = output(Command::new(&program).arg("list").args(more), stop)?;
        Ok(printed.lines().map(str::to_owned).collect())
    };
    let (all, alone) = (list(&[])?, list(&["--dir", "."])?);
    if let Some(unknown) = args.operations.iter().find(|name| !all.contains(name)) {
        let problem =
            format!("--operations: {unknown:?} is none: expected some of {}", all.join(", "));
        return Err(CliError::Flag(problem));
    }
    let mut operations = all.clone();
    if !args.operations.is_empty() {
        operations.retain(|name| args.operations.contains(name));
    }
    Ok(Plan { program, all, operations, alone })
}

impl Plan {
    /// Whether anything is counted of an operation by that name.
    pub fn counts(&self, operation: &str, counter: Counter) -> bool {
        match counter {
            Counter::SystemCalls => self.alone.iter().any(|name| name == operation),
            _ => self.all.iter().any(|name| name == operation),
        }
    }
}

/// Counts operations, under a bar. Directories for the real disk are made in the one for data and removed.
pub fn count(args: &GateArgs, plan: &Plan, stop: &Arc<AtomicBool>) -> Result<Counted, CliError> {
    let Plan { program, operations, alone, .. } = plan;
    let callgrind = available("valgrind", &["--tool=none"], program, "instructions");
    let mut strace = available("strace", &["-f", "-c", "-o", "/dev/null"], program, "system calls");
    let scratch = Scratch::new(&args.common.dir)?;
    let bar = progress::bar("counting");
    let mut counts = Counts::new();
    for (done, operation) in operations.iter().enumerate() {
        progress::set(&bar, done as f64 / operations.len() as f64);
        bar.set_message(operation.clone());
        let counter = Program { program, operation, scratch: &scratch, stop };
        let mut of = counter.itself()?;
        if callgrind.is_ok() {
            let instructions = counter.difference(INSTRUCTION_RUNS, Program::instructions)?;
            of.insert(Counter::Instructions, instructions);
        }
        if strace.is_ok() && alone.contains(operation) {
            match counter.difference(SYSTEM_CALL_RUNS, Program::system_calls) {
                Ok(system_calls) => drop(of.insert(Counter::SystemCalls, system_calls)),
                Err(CliError::UnfitHost(reason)) => {
                    strace = Err(format!("system calls, because {reason}"));
                }
                Err(error) => return Err(error),
            }
        }
        counts.insert(operation.clone(), of);
    }
    bar.finish_and_clear();
    let not_counted = [callgrind, strace].into_iter().filter_map(Result::err).collect();
    Ok(Counted { counts, not_counted })
}

/// Whether a tool can be run on the program, which it cannot where nobody may trace; if not, what cannot be counted. Whatever
/// fails after this is a fault.
fn available(tool: &str, flags: &[&str], program: &Path, what: &str) -> Result<(), String> {
    let mut command = Command::new(tool);
    let ran = command.args(flags).arg(program).arg("list").stdin(Stdio::null()).output();
    match ran {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{what}, because {tool} ended with {}", output.status)),
        Err(error) => Err(format!("{what}, because {tool} cannot be run: {error}")),
    }
}

/// A directory that goes away, and the one for data with it if that was not there either.
struct Scratch {
    path: PathBuf,
    made_parent: bool,
}

impl Scratch {
    fn new(dir: &Path) -> Result<Self, CliError> {
        let path = dir.join(format!("count-{}", std::process::id()));
        let made_parent = !dir.exists();
        std::fs::create_dir_all(&path).map_err(CliError::file(&path))?;
        Ok(Self { path, made_parent })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.path);
        if let Some(parent) = self.path.parent().filter(|_| self.made_parent) {
            let _ = std::fs::remove_dir(parent);
        }
    }
}

struct Program<'a> {
    program: &'a Path,
    operation: &'a str,
    scratch: &'a Scratch,
    stop: &'a Arc<AtomicBool>,
}

impl Program<'_> {
    /// What it counts of itself.
    fn itself(&self) -> Result<BTreeMap<Counter, f64>, CliError> {
        let mut command = Command::new(self.program);
        command.arg(self.operation).args(["--operations", &OPERATIONS.to_string()]);
        let line = line(&output(&mut command, self.stop)?)?;
        let of = |count: u64| count as f64 / line.operations as f64;
        Ok([
            (Counter::Allocations, line.allocations),
            (Counter::AllocatedBytes, line.allocated_bytes),
            (Counter::Reads, line.reads),
            (Counter::ReadBytes, line.read_bytes),
            (Counter::Writes, line.writes),
            (Counter::WrittenBytes, line.written_bytes),
            (Counter::Syncs, line.syncs),
        ]
        .map(|(counter, count)| (counter, of(count)))
        .into())
    }

    /// What each operation adds between a run of few and a run of more.
    fn difference(
        &self,
        [few, more]: [u64; 2],
        count: impl Fn(&Self, u64) -> Result<(u64, u64), CliError>,
    ) -> Result<f64, CliError> {
        let ((few, least), (more, most)) = (count(self, few)?, count(self, more)?);
        match (more.checked_sub(few), most.checked_sub(least)) {
            (Some(operations @ 1..), Some(counted)) => Ok(counted as f64 / operations as f64),
            _ => Err(CliError::Child(format!(
                "{more} times {} counted {most}, and {few} times {least}",
                self.operation
            ))),
        }
    }

    /// How many operations there were, and the instructions of the whole process.
    fn instructions(&self, operations: u64) -> Result<(u64, u64), CliError> {
        let path = self.scratch.path.join("callgrind.out");
        let mut command = Command::new("valgrind");
        command.arg("--tool=callgrind");
        // It has a meaning for a % of its own.
        let out = path.display().to_string().replace('%', "%%");
        command.arg(format!("--callgrind-out-file={out}"));
        command.arg(self.program).arg(self.operation);
        command.args(["--operations", &operations.to_string()]);
        let done = line(&output(&mut command, self.stop)?)?.operations;
        let text = std::fs::read_to_string(&path).map_err(CliError::file(&path))?;
        let total = callgrind_total(&text);
        total
            .map(|total| (done, total))
            .ok_or_else(|| CliError::Child("valgrind: its output has no total".into()))
    }

    /// How many operations there were, and the system calls of the whole process.
    fn system_calls(&self, operations: u64) -> Result<(u64, u64), CliError> {
        let path = self.scratch.path.join("strace.out");
        let dir = self.scratch.path.join("data");
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(&path).arg(self.program).arg(self.operation);
        command.args(["--operations", &operations.to_string(), "--dir"]).arg(&dir);
        let done = output(&mut command, self.stop);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(CliError::file(&dir))?;
        }
        let done = line(&done?)?.operations;
        let text = std::fs::read_to_string(&path).map_err(CliError::file(&path))?;
        let total = strace_total(&text);
        total
            .map(|total| (done, total))
            .ok_or_else(|| CliError::Child("strace: its output has no table".into()))
    }
}

/// The cost of everything, from callgrind's file.
fn callgrind_total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
}

/// The calls of everything, from strace's table: the sum of its rows, `% seconds usecs/call calls [errors] syscall`. Its last
/// line has them too, but some versions leave out the average there.
fn strace_total(text: &str) -> Option<u64> {
    let is_rule = |line: &&str| line.starts_with("------");
    let rows =
        text.lines().skip_while(|line| !is_rule(line)).skip(1).take_while(|line| !is_rule(line));
    let calls = rows.map(|row| row.split_whitespace().nth(3)?.parse().ok());
    calls.collect::<Option<Vec<u64>>>().filter(|all| !all.is_empty()).map(|all| all.iter().sum())
}

/// What `flywheel-count` printed.
fn line(printed: &str) -> Result<Line, CliError> {
    serde_json::from_str(printed)
        .map_err(|error| CliError::Child(format!("{COUNT} printed {printed:?}: {error}")))
}

/// Runs it, and returns what it printed.
fn output(command: &mut Command, stop: &Arc<AtomicBool>) -> Result<String, CliError> {
    if interrupt::is_set(stop) {
        return Err(CliError::Interrupted);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(CliError::file(&program))?;
    if interrupt::is_set(stop) {
        return Err(CliError::Interrupted);
    }
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = errors.lines().last().unwrap_or_default();
        let problem = format!("{program} ended with {}: {last}", output.status);
        return Err(match output.status.code() {
            Some(EXIT_UNFIT_HOST) => CliError::UnfitHost(problem),
            _ => CliError::Child(problem),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found_in_what_the_tools_print() {
        let callgrind = "version: 1\nsummary: 7\nfn=(1) main\n1 57675932\ntotals: 57675932\n";
        assert_eq!(callgrind_total(callgrind), Some(57_675_932));
        assert_eq!(callgrind_total("summary: 1\n"), None);
        let strace = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.19    0.150347          56      2682       135 futex
 33.13    0.082760          28      2896           io_uring_enter
------ ----------- ----------- --------- --------- ----------------
100.00    0.233107                  5578       135 total
";
        assert_eq!(strace_total(strace), Some(5578), "whatever the last line looks like");
        assert_eq!(strace_total("strace: no\n"), None);
    }
}
