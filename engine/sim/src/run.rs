//! One run: a plan's lives, one after the other on one disk, and the judgement at the end: healed,
//! calm, everything must be there. Not many runs: see the binary.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::time::Duration;

use flywheel_disk::sim::{SimDisk, SimExecutor, SimFaults};
use flywheel_shard::{Audit, Finding, LocalEngine, ScrubReport, ShardError, StoreStats};

use crate::disturbance::{Damage, Disturbance};
use crate::history::Counts;
use crate::life::{self, Ended};
use crate::plan::{Ending, Life, Plan};
use crate::shape::Shape;
use crate::weather::{Verdict, Weather};
use crate::workload::Workload;

/// What the parts of a run share.
pub struct Run<W: Workload = Shape> {
    /// The medium.
    pub disk: SimDisk,
    /// The engine and the workload.
    pub shape: W,
    /// What was asked and told.
    pub record: W::Record,
    weather: RefCell<Weather>,
    damage: RefCell<Damage>,
    engine: RefCell<Weak<LocalEngine>>,
    breach: RefCell<Option<String>>,
    steps: Cell<u64>,
    trace: Cell<u64>,
    reached: RefCell<StoreStats>,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Which promise was broken, and how it showed; `None` if none was.
    pub breach: Option<String>,
    /// A hash of everything that happened: the same for the same plan, always.
    pub trace: u64,
    /// Steps of the executor.
    pub steps: u64,
    /// Calls made by clients.
    pub calls: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Stretches of history that were too tangled to decide.
    pub undecided: u64,
    /// Faults of the medium that happened.
    pub faults: SimFaults,
    /// What the stores did.
    pub reached: StoreStats,
}

/// Runs a plan.
pub fn run<W: Workload>(plan: &Plan<W>) -> Report {
    let run = Rc::new(Run {
        disk: SimDisk::new(),
        shape: plan.shape.clone(),
        record: plan.shape.record(),
        weather: RefCell::default(),
        damage: RefCell::default(),
        engine: RefCell::default(),
        breach: RefCell::default(),
        steps: Cell::new(0),
        trace: Cell::new(0),
        reached: RefCell::default(),
    });
    // Nothing of the run is looked at after a panic but what it counted.
    let ended = catch_unwind(AssertUnwindSafe(|| run.all(plan)));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        run.fail(format!("panic: {}", text.unwrap_or("without a message")));
    }
    let Counts { calls, answered, undecided } = W::counts(&run.record);
    Report {
        breach: run.breach.take(),
        trace: run.trace.get(),
        steps: run.steps.get(),
        calls,
        answered,
        undecided,
        faults: run.disk.counters().faults,
        reached: run.reached.take(),
    }
}

impl<W: Workload> Run<W> {
    fn all(self: &Rc<Self>, plan: &Plan<W>) {
        for life in &plan.lives {
            self.one(life);
            if self.is_broken() {
                return;
            }
        }
        self.damage.borrow_mut().heal(&self.disk);
        // Twice: what the first leaves when it closes is looked at, too.
        for seed in [plan.seed, !plan.seed] {
            if self.one(&judgement(seed)) != Ended::Closed && !self.is_broken() {
                self.fail(
                    "on a sound and calm disk the engine did not open and close well".to_owned(),
                );
            }
            if self.is_broken() {
                return;
            }
        }
    }

    fn one(self: &Rc<Self>, life: &Life<W::Operation>) -> Ended {
        self.weather.replace(life.weather.clone());
        self.disk.set_capacity_bytes(None);
        self.disk.forget_planned_faults();
        if life.weather.rots {
            self.damage.borrow_mut().note_beginning(&self.disk);
        }
        let ended = life::live(self, life);
        if let Ending::PowerLoss(_) = life.ending {
            self.disk.power_loss(life.seed);
        }
        let mut damage = self.damage.borrow_mut();
        if ended == Ended::NotOpened {
            // Nothing more would come of a disk that cannot be opened.
            damage.heal(&self.disk);
        }
        damage.forget_sound();
        if ended == Ended::Closed {
            damage.note_sound(&self.disk);
        }
        ended
    }

    /// Notes a breach, the first one only.
    pub fn fail(&self, what: String) {
        self.breach.borrow_mut().get_or_insert(what);
    }

    /// Notes a breach, if there is one.
    pub fn heed(&self, checked: Result<(), String>) {
        if let Err(problem) = checked {
            self.fail(problem);
        }
    }

    /// Whether a promise was broken: nothing more needs to be done.
    pub fn is_broken(&self) -> bool {
        self.breach.borrow().is_some()
    }

    /// Makes something happen to the medium.
    pub fn disturb(&self, disturbance: &Disturbance) {
        match disturbance {
            Disturbance::Fail(op, path) => {
                self.disk.plan(flywheel_disk::sim::Fault::Error(*op), path);
            }
            Disturbance::Fill(bytes) => {
                self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + bytes));
            }
            Disturbance::Free => self.disk.set_capacity_bytes(None),
            Disturbance::Rot(draw) => self.damage.borrow_mut().rot(&self.disk, *draw),
        }
    }

    /// Flips one bit of anything: nothing is in flight, and the logs are confirmed.
    pub fn rot_at_rest(&self, draw: u64) {
        self.damage.borrow_mut().rot_at_rest(&self.disk, draw);
    }

    /// The clients of a life have ended.
    pub fn note_end(&self) {
        if self.weather.borrow().rots {
            self.damage.borrow_mut().note_end(&self.disk);
        }
    }

    /// An engine is open from now on.
    pub fn opened(&self, engine: &Rc<LocalEngine>) {
        self.engine.replace(Rc::downgrade(engine));
    }

    /// The engine could not be opened.
    pub fn not_opened(&self, error: &ShardError) {
        if !self.weather.borrow().is_fair_of_opening(error, self.is_damaged()) {
            self.fail(format!("unfair error of opening: {error}"));
        }
    }

    /// Not everything could be read.
    pub fn not_found(&self, error: &ShardError) {
        if let Verdict::Unfair(why) = self.judge(error) {
            self.fail(why);
        }
    }

    /// What a client may make of an error.
    pub fn judge(&self, error: &ShardError) -> Verdict {
        self.weather.borrow().judge(error, self.shape.is_tight(), self.is_damaged())
    }

    /// Whether a request may fail for what the medium does.
    pub fn may_fail(&self) -> bool {
        self.weather.borrow().may_fail(self.is_damaged())
    }

    /// Whether a control may end like this.
    pub fn is_fair_of_controls(&self, error: &ShardError) -> bool {
        let weather = self.weather.borrow();
        weather.is_fair_of_controls(error, self.shape.is_tight(), self.is_damaged())
    }

    /// Whether a write may be expected to succeed after some tries.
    pub fn is_calm_enough_to_write(&self) -> bool {
        !self.is_damaged() && self.weather.borrow().can_write()
    }

    /// How long to wait before a write is tried again that was refused: where requests are stuck for
    /// minutes, so is what waits for them.
    pub fn patience(&self) -> Duration {
        let is_slow = self.weather.borrow().slow_per_million > 0;
        Duration::from_millis(if is_slow { 5_000 } else { 100 })
    }

    /// Looks at the engine's tables.
    pub fn audit(&self, audit: Audit) {
        let Some(engine) = self.engine.borrow().upgrade() else { return };
        if let Err(problem) = engine.audit(audit) {
            self.fail(problem);
        }
    }

    /// A scrub finds nothing on a sound disk, and what keeps anything from being read.
    pub fn heed_scrub(&self, reports: &[ScrubReport], all_was_read: bool) {
        let findings: Vec<&Finding> = reports.iter().flat_map(|report| &report.findings).collect();
        let weather = self.weather.borrow();
        if !self.is_damaged() && weather.is_truthful() && !findings.is_empty() {
            self.fail(format!("the scrub found damage on a sound disk: {findings:?}"));
        }
        if self.is_damaged() && weather.is_truthful() && !all_was_read && findings.is_empty() {
            self.fail("the scrub found nothing, and not everything can be read".to_owned());
        }
    }

    /// Adds what the stores did in a life.
    pub fn note_reached(&self, stats: &StoreStats) {
        self.reached.borrow_mut().merge(stats);
    }

    /// Adds up what a life did.
    pub fn end_life(&self, executor: &SimExecutor) {
        self.engine.replace(Weak::new());
        W::end_life(&self.record, Duration::from_nanos(executor.now_ns()));
        self.steps.set(self.steps.get() + executor.steps());
        self.trace.set(self.trace.get().rotate_left(7) ^ executor.trace());
    }

    /// Where every byte comes back as written, compaction empties what it takes on.
    pub fn heed_compaction(&self, stats: &StoreStats) {
        let faults = stats.compaction_faults;
        if faults > 0 && !self.is_damaged() && self.weather.borrow().is_truthful() {
            self.fail(format!("compaction met {faults} faults on a disk without any"));
        }
    }

    fn is_damaged(&self) -> bool {
        self.damage.borrow().is_damaged()
    }
}

/// A calm life without clients: it opens, looks at everything, and closes.
fn judgement<O>(seed: u64) -> Life<O> {
    Life {
        id: u32::MAX,
        seed,
        weather_id: u32::MAX,
        weather: Weather::default(),
        clients: Vec::new(),
        disturbances: Vec::new(),
        ending: Ending::Close,
    }
}
