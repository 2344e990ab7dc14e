//! What the medium and the machine do to one life of the engine, and so which errors are fair. Not when
//! exactly: rates are drawn by the simulated machine, single faults by `disturbance`.

use flywheel_disk::DiskFault;
use flywheel_disk::sim::{SimOptions, SimRng};
use flywheel_shard::{ShardError, StoreError};

/// The faults that may happen in one life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weather {
    /// Requests fail, so many in a million of each kind.
    pub errors_per_million: u32,
    /// Requests are slow or stuck, and so end far out of order.
    pub slow_per_million: u32,
    /// Reads bring older bytes, or those of another place.
    pub wrong_reads_per_million: u32,
    /// Single requests fail by plan.
    pub planned_errors: bool,
    /// Space runs out for a while.
    pub is_scarce: bool,
    /// Bytes rot at rest.
    pub rots: bool,
}

/// What an error says of the call that got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was done.
    NotDone,
    /// It may have been done.
    Unknown,
    /// It should not have come up: why.
    Unfair(String),
}

impl Weather {
    /// Draws the weather of a life.
    pub fn draw(rng: &mut SimRng, may_rot: bool) -> Self {
        let mut weather = Self::default();
        // A third of all lives is calm, so that what has no excuse is seen for what it is.
        if may_rot && rng.coin() {
            weather.rots = true;
            return weather;
        }
        match rng.below(9) {
            0 => weather.errors_per_million = 200 + rng.below(3_000) as u32,
            1 => weather.planned_errors = true,
            2 => weather.wrong_reads_per_million = 1_000 + rng.below(30_000) as u32,
            3 => weather.is_scarce = true,
            5..=6 => {
                weather.slow_per_million = [2_000, 20_000, 200_000][rng.below(3) as usize];
                weather.is_scarce = rng.below(4) == 0;
            }
            _ => {}
        }
        weather
    }

    /// The simulated machine of this life.
    pub fn machine(&self) -> SimOptions {
        let errors = self.errors_per_million;
        SimOptions {
            slow_per_million: self.slow_per_million,
            stuck_per_million: self.slow_per_million.min(20_000) / 50,
            read_errors_per_million: errors,
            write_errors_per_million: errors / 4,
            sync_errors_per_million: errors / 4,
            metadata_errors_per_million: errors / 4,
            stale_reads_per_million: self.wrong_reads_per_million,
            misdirected_reads_per_million: self.wrong_reads_per_million,
            ..SimOptions::default()
        }
    }

    /// Whether requests may fail.
    fn fails(&self) -> bool {
        self.errors_per_million > 0 || self.planned_errors
    }

    /// Whether bytes may come back wrong. `is_damaged`: bytes of the medium are wrong.
    fn corrupts(&self, is_damaged: bool) -> bool {
        self.rots || is_damaged || self.wrong_reads_per_million > 0
    }

    /// Whether every read that succeeds brings what stands on the medium, and none fails.
    pub fn is_truthful(&self) -> bool {
        !self.fails() && self.wrong_reads_per_million == 0
    }

    /// Whether a write that is tried often enough must succeed, unless the engine has stopped.
    pub fn can_write(&self) -> bool {
        self.errors_per_million == 0 && self.wrong_reads_per_million == 0
    }

    /// Whether a request may fail for what the medium does.
    pub fn may_fail(&self, is_damaged: bool) -> bool {
        self.fails() || self.is_scarce || self.corrupts(is_damaged)
    }

    /// What a client may make of an error.
    pub fn judge(&self, error: &ShardError, is_tight: bool, is_damaged: bool) -> Verdict {
        let only_if = |fair: bool, verdict: Verdict| {
            if fair { verdict } else { Verdict::Unfair(format!("unfair error: {error}")) }
        };
        match error {
            ShardError::Busy(_) => only_if(is_tight, Verdict::NotDone),
            ShardError::BatchSpansPartitions => Verdict::NotDone,
            ShardError::Stranded(_) => only_if(self.fails(), Verdict::NotDone),
            ShardError::Store(error) => match &**error {
                StoreError::Disk(_) => only_if(self.fails(), Verdict::NotDone),
                StoreError::Full(_) => only_if(self.is_scarce, Verdict::NotDone),
                StoreError::Stopped(_) => only_if(self.fails(), Verdict::Unknown),
                StoreError::Corrupt { .. } => only_if(self.corrupts(is_damaged), Verdict::NotDone),
                _ => only_if(false, Verdict::NotDone),
            },
            _ => only_if(false, Verdict::NotDone),
        }
    }

    /// Whether a split, a move or a checkpoint may end like this.
    pub fn is_fair_of_controls(
        &self,
        error: &ShardError,
        is_tight: bool,
        is_damaged: bool,
    ) -> bool {
        match error {
            ShardError::BadSplit { .. }
            | ShardError::Changing(_)
            | ShardError::NoSuchPartition(_)
            | ShardError::NotMoved { .. } => true,
            error => !matches!(self.judge(error, is_tight, is_damaged), Verdict::Unfair(_)),
        }
    }

    /// Whether opening may fail like this.
    pub fn is_fair_of_opening(&self, error: &ShardError, is_damaged: bool) -> bool {
        match error {
            ShardError::Store(error) => match &**error {
                StoreError::Disk(error) if error.fault == DiskFault::NoSpace => self.is_scarce,
                StoreError::Full(_) => self.is_scarce,
                StoreError::Disk(_) | StoreError::Stopped(_) => self.fails(),
                StoreError::Corrupt { .. } | StoreError::Format { .. } => self.corrupts(is_damaged),
                _ => false,
            },
            ShardError::BadDirectory { .. } => self.corrupts(is_damaged),
            _ => false,
        }
    }
}
