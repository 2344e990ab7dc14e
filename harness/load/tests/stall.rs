//! A target that freezes for a known time: response times must tell of everyone who would have waited, not of
//! the few who were let in. Bounds are from below only, and follow from the freeze: a slow machine adds to them.

use std::future::poll_fn;
use std::sync::{Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use flywheel_load::figures::Latency;
use flywheel_load::{
    Arrivals, Control, FieldSet, OpenOptions, Operation, Record, Row, RunFigures, RunOptions,
    Target, TargetError, TargetFactory, Updated, Workload, run, run_open,
};

use crate::support::workload;

/// From the first call to the freeze, and to its end.
const FROM: Duration = Duration::from_millis(600);
const TO: Duration = Duration::from_millis(1000);

/// Answers at once, except from `FROM` to `TO` after its first call: all who ask then are answered at `TO`.
#[derive(Default)]
struct Freezing {
    first: OnceLock<Instant>,
    frozen: Mutex<Vec<Waker>>,
}

impl Freezing {
    async fn call(&'static self) {
        let first = *self.first.get_or_init(|| {
            thread::spawn(|| {
                thread::sleep(TO);
                self.frozen.lock().expect("unpoisoned").drain(..).for_each(Waker::wake);
            });
            Instant::now()
        });
        poll_fn(|context| {
            // Under the lock, so that nobody comes to the list after it was emptied.
            let mut frozen = self.frozen.lock().expect("unpoisoned");
            if !(FROM..TO).contains(&first.elapsed()) {
                return Poll::Ready(());
            }
            frozen.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Keeps its worker for 2 ms at a time.
struct Slow;

impl TargetFactory for Slow {
    type Target = Self;

    fn name(&self) -> &str {
        "slow"
    }

    async fn connect(&self, _: usize) -> Result<Self, TargetError> {
        Ok(Self)
    }
}

impl Target for Slow {
    async fn read(&self, _: &[u8], _: FieldSet) -> Result<Option<Record>, TargetError> {
        thread::sleep(Duration::from_millis(2));
        Ok(None)
    }

    async fn scan(&self, _: &[u8], _: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        Ok(Vec::new())
    }

    async fn insert(&self, _: &[u8], _: Record) -> Result<(), TargetError> {
        Ok(())
    }

    async fn update(&self, _: &[u8], _: Record, _: bool) -> Result<Updated, TargetError> {
        Ok(Updated::Applied)
    }
}

struct Frozen(&'static Freezing);

impl Target for Frozen {
    async fn read(&self, _: &[u8], _: FieldSet) -> Result<Option<Record>, TargetError> {
        self.0.call().await;
        Ok(None)
    }

    async fn scan(&self, _: &[u8], _: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        Ok(Vec::new())
    }

    async fn insert(&self, _: &[u8], _: Record) -> Result<(), TargetError> {
        Ok(())
    }

    async fn update(&self, _: &[u8], _: Record, _: bool) -> Result<Updated, TargetError> {
        Ok(Updated::Applied)
    }
}

struct Factory(&'static Freezing);

impl TargetFactory for Factory {
    type Target = Frozen;

    fn name(&self) -> &str {
        "freezing"
    }

    async fn connect(&self, _: usize) -> Result<Frozen, TargetError> {
        Ok(Frozen(self.0))
    }
}

fn reads(more: &[(&str, &str)]) -> Workload {
    let mut all = vec![("recordcount", "100"), ("readproportion", "1"), ("updateproportion", "0")];
    all.extend(more);
    workload(&all)
}

fn frozen() -> Factory {
    Factory(Box::leak(Box::default()))
}

/// 1,000 reads a second for two seconds; 400 of them arrive while nobody is answered.
fn offered(in_flight: usize) -> RunFigures {
    let mut options = OpenOptions::new(1000.0, 2);
    options.arrivals = Arrivals::Constant;
    options.workers = Some(1);
    options.in_flight = in_flight;
    options.late_after = Duration::from_secs(3600);
    run_open(&reads(&[]), &frozen(), &options, &Control::new()).expect("it connects")
}

/// Of 2,000 arrivals the tenth that waited longest came in the first half of the freeze or earlier, and waited
/// for the other half at least. The histogram's three digits are allowed for.
fn check_response(figures: &RunFigures) -> (Latency, Latency) {
    let reads = &figures.operations[&Operation::Read];
    assert_eq!(reads.count, 2000, "nobody is left out");
    assert!(reads.response_us.p90 >= 195_000.0, "{:?}", reads.response_us);
    assert!(reads.response_us.p99 >= 370_000.0, "{:?}", reads.response_us);
    (reads.service_us.expect("an open loop"), reads.wait_us.expect("an open loop"))
}

#[test]
fn a_freeze_shows_in_the_responses_of_all_who_arrived_in_it() {
    let (service, _) = check_response(&offered(4096));
    assert!(service.p90 >= 195_000.0, "there was room for all of them in the target: {service:?}");
}

#[test]
fn and_of_those_who_found_no_room_it_shows_as_waiting() {
    let figures = offered(1);
    let (service, wait) = check_response(&figures);
    // One was inside, and knows of the freeze; the others waited outside.
    assert!(service.max >= 370_000.0 && wait.p90 >= 195_000.0, "{service:?} {wait:?}");
    assert!(service.p99 < wait.p90, "service alone would tell a tale: {service:?} {wait:?}");
    assert!(figures.pace.expect("there was a schedule").sustained, "it caught up again");
}

#[test]
fn a_paced_closed_loop_tells_as_much() {
    let workload = reads(&[("target", "1000"), ("threadcount", "4"), ("operationcount", "2000")]);
    let options = RunOptions { workers: Some(1), ..RunOptions::default() };
    let figures = run(&workload, &frozen(), &options, &Control::new()).expect("it connects");
    check_response(&figures);
}

#[test]
fn arrivals_given_up_in_a_freeze_make_the_rate_unsustained() {
    let mut options = OpenOptions::new(1000.0, 1);
    options.workers = Some(1);
    options.in_flight = 1;
    options.late_after = Duration::from_millis(100);
    let figures = run_open(&reads(&[]), &frozen(), &options, &Control::new()).expect("connects");
    let late = figures.open.as_ref().expect("open").total.late;
    assert!(late > 100 && !figures.pace.expect("a schedule").sustained, "{late} were given up");
}

#[test]
fn a_target_of_half_the_rate_slips_and_is_called_unsustained() {
    let mut options = OpenOptions::new(1000.0, 1);
    options.arrivals = Arrivals::Constant;
    options.workers = Some(1);
    options.in_flight = 1;
    options.late_after = Duration::from_secs(3600);
    let figures = run_open(&reads(&[]), &Slow, &options, &Control::new()).expect("it connects");
    let pace = figures.pace.expect("there was a schedule");
    assert_eq!(figures.open.expect("open").total.late, 0, "each was offered, though late");
    // The thousandth starts two seconds after the first, and was meant to after one; those before it in the
    // last second count too.
    assert!(pace.final_slip_us >= 400_000.0 && !pace.sustained, "{pace:?}");
    assert_eq!(pace.target_ops_per_s, 1000.0);
}
