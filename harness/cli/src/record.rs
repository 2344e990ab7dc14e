//! Recording a run as a trace: the file, and what is said of it in the end. What is noted, and how it is written
//! beside the run, is the driver's.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flywheel_load::limits::TRACE_VALUE_BYTES_MAX;
use flywheel_load::trace::{TraceFormat, TraceWriter};
use flywheel_load::{Operation, RecordTo, RunError, RunFigures, Workload, WorkloadClass};
use flywheel_report::{Recording, RunResult};

use crate::error::CliError;

/// Bytes that go to the file at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Whether a run of `workload` can be recorded there, before anything is opened.
pub fn check(path: &Path, workload: &Workload) -> Result<(), CliError> {
    TraceFormat::of_path(path)?;
    if path.exists() {
        let problem = format!("--record: {} exists, and is not written over", path.display());
        return Err(CliError::Flag(problem));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(CliError::Flag(format!("--record: {} is no folder", folder.display())));
    }
    let fields = if workload.write_all_fields || workload.share(Operation::Insert) > 0.0 {
        u64::from(workload.field_count())
    } else {
        1
    };
    let largest = workload.field_length_max.saturating_mul(fields);
    if workload.trace.is_none() && largest > TRACE_VALUE_BYTES_MAX {
        let problem = format!(
            "--record: a trace's values have at most {TRACE_VALUE_BYTES_MAX} bytes, and this workload writes {largest}"
        );
        return Err(CliError::Flag(problem));
    }
    match workload.class {
        WorkloadClass::Core => Ok(()),
        class => Err(RunError::Record(class.name()).into()),
    }
}

/// Begins the trace.
pub fn create(path: &Path) -> Result<RecordTo, CliError> {
    let format = TraceFormat::of_path(path)?;
    let name = path.display().to_string();
    let file = File::create_new(path).map_err(CliError::file(path))?;
    let output: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(BUFFER_BYTES, file));
    let writer = TraceWriter::new(output, format, name);
    Ok(RecordTo::new(writer?))
}

/// What a result says of it.
pub fn figures(path: &Path, figures: &RunFigures) -> Option<Recording> {
    let recorded = figures.recorded.as_ref()?;
    Some(Recording {
        file: path.display().to_string(),
        operations: recorded.operations,
        dropped: recorded.dropped,
        error: recorded.error.clone(),
    })
}

/// Whether everything was recorded that was to be.
pub fn is_whole(result: &RunResult) -> bool {
    result.recording.as_ref().is_none_or(Recording::is_whole)
}

/// Says on standard error how much was recorded, and what was not.
pub fn tell(result: &RunResult) {
    let Some(Recording { file, operations, dropped, error }) = &result.recording else { return };
    eprintln!("flywheel: {operations} operations were recorded in {file}");
    if *dropped > 0 {
        let why = error.as_deref().unwrap_or("the writing fell behind");
        eprintln!("flywheel: {dropped} operations were not recorded: {why}");
    } else if let Some(error) = error {
        eprintln!("flywheel: what was recorded may not be whole: {error}");
    }
}
