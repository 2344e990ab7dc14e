//! What `flywheel gate` leaves behind: whether a build may pass. Two tiers, each of which may be missing: what an
//! operation takes, counted, against budgets (`counters`, `budgets`); and this build against another, measured in pairs
//! (`paired`). Measures nothing and starts nothing.
//!
//! `self_test` says what the second tier's verdicts are worth; `table`, `markdown` and `junit` show them.

mod budgets;
mod counters;
mod junit;
mod markdown;
mod paired;
mod self_test;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use budgets::{BudgetError, Budgets};
pub use counters::{Counter, CounterCheck, CounterRow, CounterVerdict, Counts};
pub use paired::{
    Build, GateFigure, PairFigures, PairedCheck, PairedFigure, SideFigures, Thresholds,
};
pub use self_test::{GateRates, SelfTest, SelfTestFigure, SelfTestLevel, self_test_summary};
pub use table::gate_summary;

use crate::folder::{Named, write_files};
use crate::limits::GATE_SCHEMA_VERSION;
use crate::result::{ReadError, read_versioned};
use crate::{Environment, PairVerdict};

/// Everything known of one gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GateResult {
    /// [`GATE_SCHEMA_VERSION`] of the build that wrote it.
    pub schema_version: u32,
    /// The exact command, one argument each.
    pub command: Vec<String>,
    /// When it began: RFC 3339 in UTC, to the second.
    pub started_utc: String,
    /// The machine and the build.
    pub environment: Environment,
    /// The first tier, if it was asked for.
    pub counters: Option<CounterCheck>,
    /// The second tier, if there was another build.
    pub paired: Option<PairedCheck>,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Nothing got worse.
    Passed,
    /// Something did.
    Regressed,
    /// It cannot be said.
    Inconclusive,
}

impl GateVerdict {
    /// 0, 1 and 3; 2 is bad input.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Regressed => 1,
            Self::Inconclusive => 3,
        }
    }

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl GateResult {
    /// The worst of both tiers. A regression outweighs what cannot be said.
    pub fn verdict(&self) -> GateVerdict {
        let over = self.counters.as_ref().is_some_and(CounterCheck::is_over);
        let undecided = self.counters.as_ref().is_some_and(CounterCheck::is_undecided);
        match (over, self.paired.as_ref().map(PairedCheck::verdict)) {
            (true, _) | (_, Some(PairVerdict::Regressed)) => GateVerdict::Regressed,
            (_, Some(PairVerdict::Inconclusive)) => GateVerdict::Inconclusive,
            _ if undecided => GateVerdict::Inconclusive,
            _ => GateVerdict::Passed,
        }
    }

    /// Reads a `gate.json` of this schema version or an older one.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        read_versioned(json, GATE_SCHEMA_VERSION)
    }
}

/// Writes `gate.json`, `summary.txt`, `summary.md` and `junit.xml` into a new folder, as [`crate::write_folder`] does.
pub fn write_gate_folder(root: &Path, result: &GateResult) -> std::io::Result<PathBuf> {
    let named =
        Named { started_utc: &result.started_utc, workload: "gate", command: &result.command };
    let json = serde_json::to_string_pretty(result);
    let json = json.expect("plain figures and text keys always make JSON") + "\n";
    write_files(
        root,
        &named,
        &[
            ("gate.json", json),
            ("summary.txt", gate_summary(result)),
            ("summary.md", markdown::summary(result)),
            ("junit.xml", junit::report(result)),
        ],
    )
}

/// Writes `self-test.json` and `summary.txt` into a new folder.
pub fn write_self_test_folder(root: &Path, result: &SelfTest) -> std::io::Result<PathBuf> {
    let named = Named {
        started_utc: &result.started_utc,
        workload: "gate-self-test",
        command: &result.command,
    };
    let json = serde_json::to_string_pretty(result);
    let json = json.expect("plain figures and text keys always make JSON") + "\n";
    write_files(
        root,
        &named,
        &[("self-test.json", json), ("summary.txt", self_test_summary(result))],
    )
}
