//! Classes of workloads: what an operation does beyond YCSB's core, and what must hold of it.
//! Only names and questions; the operations are in `driver`.

use super::{Operation, Workload};

/// The field that holds a record's number in the classes that have one.
pub const NUMBER_FIELD: u16 = 0;

/// What the operations of a workload do, and what is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadClass {
    /// YCSB's core.
    Core,
    /// READMODIFYWRITE adds 1 to a record's number, at once; at the end the numbers must add up to as many as were
    /// acknowledged.
    Counters,
    /// Each client has keys of its own, and must read what it wrote last.
    ReadYourWrites,
    /// READMODIFYWRITE moves 1 from one record's number to another's; at the end the numbers must add up to what they
    /// did at the start. YCSB+T's Closed Economy Workload.
    ClosedEconomy,
}

impl WorkloadClass {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Core, Self::Counters, Self::ReadYourWrites, Self::ClosedEconomy];

    /// Its name as the property `workload` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "site.ycsb.workloads.CoreWorkload",
            Self::Counters => "flywheel.CounterWorkload",
            Self::ReadYourWrites => "flywheel.ReadYourWritesWorkload",
            Self::ClosedEconomy => "flywheel.ClosedEconomyWorkload",
        }
    }

    /// Whether [`NUMBER_FIELD`] of every record is a number.
    pub const fn has_numbers(self) -> bool {
        matches!(self, Self::Counters | Self::ClosedEconomy)
    }
}

impl Workload {
    /// Whether what all numbers come to after a run is known beforehand. Not where they are overwritten.
    pub fn has_a_sum(&self) -> bool {
        self.class.has_numbers()
            && self.share(Operation::ReadModifyWrite) > 0.0
            && self.share(Operation::Update) + self.share(Operation::Insert) == 0.0
    }

    /// Which key client `client` takes for `number`: one of its own near it. Client `c` has every
    /// `threadcount`-th key from the `c`-th on, so that nobody else writes it.
    pub(crate) fn own_key(&self, number: u64, client: u64) -> u64 {
        let own = number - number % self.thread_count + client;
        if own < self.record_count { own } else { own - self.thread_count }
    }
}
