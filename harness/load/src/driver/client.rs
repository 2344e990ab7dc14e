//! The closed loop: a logical client sends its next operation when the last one is back, or when its
//! pace says so. What an operation is, is `worker`'s; arrivals that wait for nobody are `open`'s.

use std::time::{Duration, Instant};

use super::checked::OwnState;
use super::executor::yield_now;
use super::measure::WorkerFigures;
use super::worker::Worker;
use crate::figures::Phase;
use crate::random::{Random, Stream};
use crate::record::Record;
use crate::target::{Target, TargetError};
use crate::workload::Operation;

/// Drives this worker's clients to their end.
pub(super) fn drive_worker<T: Target>(worker: Worker<'_, T>) -> WorkerFigures {
    let shared = worker.shared;
    let clients = (worker.number as u64..shared.workload.thread_count).step_by(shared.workers);
    let clients = clients.enumerate();
    let abandoned = match shared.feed.map(|feed| feed.outlet(worker.number)) {
        Some(outlet) => worker.drive(clients.map(|(slot, _)| worker.run_fed_client(&outlet, slot))),
        None => worker.drive(clients.map(|(slot, client)| worker.run_client(slot, client))),
    };
    worker.into_figures(abandoned)
}

impl<T: Target> Worker<'_, T> {
    async fn run_client(&self, slot: usize, client: u64) {
        let share = self.shared.share(client);
        let mut key = Vec::with_capacity(64);
        let mut done = 0;
        let mut cycle = 0;
        let mut schedule_is_over = false;
        let mut state = OwnState::default();
        while done < share && !self.has_ended(self.last_ns.get()) {
            let intended_ns = self.shared.intended_ns(client, cycle);
            if let Some(at) = intended_ns {
                schedule_is_over = at >= self.shared.deadline_ns;
                if schedule_is_over || !self.wait_for(slot, at).await {
                    break;
                }
            }
            let measured = match (self.shared.phase, &self.own_keys) {
                (Phase::Load, _) => {
                    self.load_cycle(slot, client, cycle, &mut key, intended_ns).await
                }
                (Phase::Run, None) => self.run_cycle(client, cycle, &mut key, intended_ns).await,
                (Phase::Run, Some(own)) => {
                    self.own_cycle(own, &mut state, client, cycle, &mut key, intended_ns).await
                }
            };
            done += u64::from(measured);
            cycle += 1;
            self.publish();
            self.yield_turn().await;
        }
        let timed_out = schedule_is_over || self.shared.deadline_ns <= self.last_ns.get();
        if done < share && (self.shared.stopped() || !timed_out) {
            self.recorder.borrow_mut().cut_short();
        }
    }

    /// Targets may answer at once; without this the first client would keep all others waiting.
    pub async fn yield_turn(&self) {
        yield_now().await;
    }

    /// Waits for an intended start, which lies before the phase's end. `false` when it ends sooner.
    async fn wait_for(&self, slot: usize, at_ns: u64) -> bool {
        if at_ns > self.last_ns.get() {
            let at = self.epoch + Duration::from_nanos(at_ns);
            self.timers.sleep_until(slot, at, || self.shared.stopped()).await;
        }
        !self.has_ended(self.tick())
    }

    /// Inserts one record of the load phase.
    async fn load_cycle(
        &self,
        slot: usize,
        client: u64,
        cycle: u64,
        key: &mut Vec<u8>,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        let number = workload.insert_start + client + cycle * workload.thread_count;
        let mut random = Stream::new(workload.seed, Stream::LOAD).at(number);
        workload.write_key(number, key);
        let record = self.values.all_fields(key, &mut random);
        self.load_record(slot, key, record, &mut random, intended_ns).await
    }

    /// Inserts one record, again and again as far as the properties say. Returns whether it was measured.
    pub async fn load_record(
        &self,
        slot: usize,
        key: &[u8],
        record: Record,
        random: &mut Random,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        for _ in 0..workload.insertion_retry_limit {
            let (times, result) = self.try_insert(key, record.clone(), intended_ns).await;
            if result.is_ok() || self.shared.stopped() {
                return self.inserted(key, times, result);
            }
            self.insert_again(key, result);
            // YCSB spreads the pause by 20 % either way, so that clients do not retry in step.
            let pause = workload.insertion_retry_interval.mul_f64(0.8 + 0.4 * random.next_f64());
            self.timers.sleep_until(slot, Instant::now() + pause, || self.shared.stopped()).await;
        }
        let (times, result) = self.try_insert(key, record, intended_ns).await;
        self.inserted(key, times, result)
    }

    /// Records a failed insert that will be tried again.
    #[cold]
    fn insert_again(&self, key: &[u8], result: Result<u64, TargetError>) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.retried();
        if let Err(error) = result {
            recorder.note_error(Operation::Insert, key, &error);
        }
    }
}
