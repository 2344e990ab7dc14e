//! What a run leaves behind: its result, the verdict on it, the machine it ran on, the table in the
//! terminal, the page in HTML and the folder on disk. Measures nothing itself, and knows neither engine nor workload.
//!
//! ```no_run
//! use flywheel_report::{Environment, Paint, RunResult, summary, utc_now, write_folder};
//!
//! let mut result = RunResult {
//!     workload: "b".into(),
//!     started_utc: utc_now(),
//!     environment: Environment::gather("/mnt/nvme/flywheel".as_ref()),
//!     // ... the figures ...
//!     ..RunResult::default()
//! };
//! let verdict = result.seal();
//! print!("{}", summary(&result, Paint::for_stdout()));
//! let folder = write_folder("results".as_ref(), &result, &[])?;
//! println!("{}", folder.display());
//! std::process::exit(verdict.exit_code().into());
//! # #[allow(unreachable_code)]
//! # Ok::<(), std::io::Error>(())
//! ```

mod compare;
mod curve;
mod device;
mod environment;
mod folder;
pub mod gate;
mod hdr_log;
mod hot;
mod html;
mod limits;
mod load;
mod overload;
mod peers;
mod plan;
mod ratio_table;
mod ratios;
mod result;
mod search;
mod series;
mod table;
mod throttling;
mod trend;
mod tsv;
mod units;
mod verdict;

pub use compare::{
    Difference, FigureComparison, Runs, RunsComparison, Unlike, compare, comparison_table,
    differences, verdict_word,
};
pub use curve::{CurvePoint, LatencyCurve, RateEstimate};
pub use device::{DeviceBracket, DeviceFigures};
pub use environment::{
    CpuTimes, Disk, Environment, FileSystem, ProcessFigures, ProcessUsage, reset_peak_resident,
    resident_bytes,
};
pub use folder::{utc_now, write_folder};
pub use hdr_log::{LogEntry, hdr_log};
pub use hot::{HotKey, HotPartition, HotReport, hot_summary};
pub use html::{
    Report, Tone, compare_report, peers_report, plan_report, run_report, search_report,
};
pub use limits::{
    DEFAULT_TARGET_P99_US, GATE_SCHEMA_VERSION, MAX_METRICS_BYTES, OVERLOAD_SCHEMA_VERSION,
    PLAN_SCHEMA_VERSION, SCHEMA_VERSION,
};
pub use load::{Floor, Generator, Preparation, ReadBack, Recording, Schedule, Validation};
pub use overload::{
    Mark, MemoryFigures, OfferedFigures, OverloadResult, OverloadSecond, PeakFigures, QueueFigures,
    overload_summary, write_overload_folder,
};
pub use peers::{PeersResult, SystemFigures, SystemRuns, peers_summary, write_peers_folder};
pub use plan::{
    BreakEven, CloudWatchFormat, Fact, Growth, Hot, Machines, Numbers, Origin, Partitions, Pattern,
    Plan, PlanError, PlanInput, PlanOptions, PlanVerdict, Provisioned, Replay, ReplayedSide,
    Scaled, ScaledMinute, Sensitivity, SizeBin, ThrottledSecond, TraceReplay, TraceTally,
    TracedOperation, WayToPay, Yardstick, cloudwatch_input, plan, plan_summary, results_input,
    write_plan_folder, yardstick,
};
pub use ratio_table::{RatioRow, RatioTable};
pub use ratios::Ratios;
pub use result::{
    EngineFigures, LatencyUs, LoadPhase, OperationFigures, OperationKind, ReadError, RunResult,
    Target, Verification,
};
pub use search::{
    BestRate, RateRun, SearchResult, new_search, search_summary, write_search_folder,
};
pub use series::{Event, EventKind, HeatMap, Interval, SpectrumPoint, percentiles, spectrum};
pub use table::{Paint, suite, summary};
pub use throttling::Throttling;
pub use trend::{
    TrendChange, TrendEntry, TrendError, changes, parse_history, series, trend_summary,
};
pub use tsv::tsv;
pub use verdict::Verdict;

pub use flywheel_stats::PairVerdict;
