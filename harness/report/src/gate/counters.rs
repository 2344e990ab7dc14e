//! What one operation takes, counted, and whether that is within its budget. Counts depend on the build and hardly on the
//! machine: that is why they are looked at before any time is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::budgets::Budgets;

/// Differences below this are none: once in 2,000 operations.
const LEAST_DIFFERENCE: f64 = 0.0005;

/// What is counted, each per operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Instructions of the whole process, as callgrind counts them, the simulated disk's included.
    Instructions,
    /// Blocks of memory allocated.
    Allocations,
    /// Their bytes.
    AllocatedBytes,
    /// Reads of the disk.
    Reads,
    /// Their bytes.
    ReadBytes,
    /// Writes to the disk, durable ones included.
    Writes,
    /// Their bytes.
    WrittenBytes,
    /// Flushes of the disk's cache.
    Syncs,
    /// System calls of the whole process on a real disk, as strace counts them.
    SystemCalls,
}

impl Counter {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 9] = [
        Self::Instructions,
        Self::Allocations,
        Self::AllocatedBytes,
        Self::Reads,
        Self::ReadBytes,
        Self::Writes,
        Self::WrittenBytes,
        Self::Syncs,
        Self::SystemCalls,
    ];

    /// Its name in budgets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::AllocatedBytes => "allocated_bytes",
            Self::Reads => "reads",
            Self::ReadBytes => "read_bytes",
            Self::Writes => "writes",
            Self::WrittenBytes => "written_bytes",
            Self::Syncs => "syncs",
            Self::SystemCalls => "system_calls",
        }
    }

    /// How far above its budget a count may be, in percent, unless the file says otherwise: instructions vary with the
    /// compiler's version, system calls with the machine's speed.
    pub fn usual_allowance_percent(self) -> f64 {
        match self {
            Self::Instructions => 3.0,
            Self::SystemCalls => 50.0,
            _ => 1.0,
        }
    }
}

/// Counts per operation: by the operation's name, then by counter.
pub type Counts = BTreeMap<String, BTreeMap<Counter, f64>>;

/// How a count stands to its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterVerdict {
    /// Within.
    Within,
    /// Above it by more than the allowance.
    Over,
    /// Below it by more than the allowance: the budget could be smaller.
    Under,
    /// There is none.
    NoBudget,
}

/// One count against its budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterRow {
    /// The operation.
    pub operation: String,
    /// What was counted.
    pub counter: Counter,
    /// What one operation took.
    pub measured: f64,
    /// What it may take.
    pub budget: Option<f64>,
    /// How far above that it may be.
    pub allowance_percent: f64,
    /// How it stands.
    pub verdict: CounterVerdict,
}

/// All counts against their budgets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CounterCheck {
    /// The file of budgets.
    pub budgets: String,
    /// The counts.
    pub rows: Vec<CounterRow>,
    /// What could not be counted on this machine, and why; such budgets are not checked.
    pub not_counted: Vec<String>,
    /// Whether that leaves the gate undecided.
    pub is_strict: bool,
}

impl CounterCheck {
    /// Holds counts against budgets.
    pub fn new(budgets_path: &str, budgets: &Budgets, counts: &Counts) -> Self {
        let rows = counts.iter().flat_map(|(operation, counts)| {
            counts.iter().map(move |(&counter, &measured)| {
                let budget = budgets.of(operation, counter);
                let allowance_percent = budgets.allowance_percent(counter);
                let verdict = judge(measured, budget, allowance_percent);
                let operation = operation.clone();
                CounterRow { operation, counter, measured, budget, allowance_percent, verdict }
            })
        });
        let rows = rows.collect();
        Self { budgets: budgets_path.to_owned(), rows, ..Self::default() }
    }

    /// Whether something has no budget, or was not counted where it must be.
    pub fn is_undecided(&self) -> bool {
        let without = self.rows.iter().any(|row| row.verdict == CounterVerdict::NoBudget);
        without || (self.is_strict && !self.not_counted.is_empty())
    }

    /// Whether anything is above its budget.
    pub fn is_over(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == CounterVerdict::Over)
    }
}

fn judge(measured: f64, budget: Option<f64>, allowance_percent: f64) -> CounterVerdict {
    let Some(budget) = budget else { return CounterVerdict::NoBudget };
    let allowed = budget * allowance_percent / 100.0 + LEAST_DIFFERENCE;
    if measured > budget + allowed {
        CounterVerdict::Over
    } else if measured < budget - allowed {
        CounterVerdict::Under
    } else {
        CounterVerdict::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_edges_of_an_allowance_are_within_and_what_is_beyond_is_not() {
        assert_eq!(judge(103.0, Some(100.0), 3.0), CounterVerdict::Within);
        assert_eq!(judge(103.001, Some(100.0), 3.0), CounterVerdict::Over);
        assert_eq!(judge(97.0, Some(100.0), 3.0), CounterVerdict::Within);
        assert_eq!(judge(96.999, Some(100.0), 3.0), CounterVerdict::Under);
        assert_eq!(judge(0.0, Some(0.0), 3.0), CounterVerdict::Within);
        assert_eq!(judge(0.001, Some(0.0), 50.0), CounterVerdict::Over, "nothing stays nothing");
        assert_eq!(
            judge(1.0 / 25.0, Some(1.0 / 32.0), 1.0),
            CounterVerdict::Over,
            "smaller groups"
        );
        assert_eq!(judge(1.0, None, 3.0), CounterVerdict::NoBudget);
    }
}
