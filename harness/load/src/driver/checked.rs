//! The operations of the classes that check themselves: additions, transfers, and reads of what was written.
//! YCSB's own operations are `worker`'s; what all numbers come to in the end is `validate`'s.

use std::cell::RefCell;
use std::collections::HashMap;

use super::measure::{Outcome, Times};
use super::worker::Worker;
use crate::random::{Random, Stream};
use crate::record::{Added, Addition, FieldSet, NUMBER_BYTES, Record, VersionCheck};
use crate::target::{Target, TargetError, Updated};
use crate::workload::{NUMBER_FIELD, Operation, Workload, WorkloadClass};

/// Which versions a key may be found in: one, or those of writes of which nobody knows what became.
#[derive(Debug, Clone, Copy)]
struct Versions {
    least: u64,
    most: u64,
}

/// What the clients of one worker know of their own keys.
pub(super) struct OwnKeys {
    check: RefCell<VersionCheck>,
    versions: RefCell<HashMap<u64, Versions>>,
}

/// What one client remembers between operations.
#[derive(Debug, Default)]
pub(super) struct OwnState {
    /// The version of its last write; they count up over all its keys.
    sequence: u64,
    /// The key that it wrote last, while it has not read it since.
    unread: Option<u64>,
}

impl OwnKeys {
    /// `None` for workloads that do not ask for it.
    pub fn new(workload: &Workload) -> Option<Self> {
        (workload.class == WorkloadClass::ReadYourWrites).then(|| Self {
            check: RefCell::new(VersionCheck::new(workload)),
            versions: RefCell::default(),
        })
    }

    /// A write of `version` was acknowledged, or nobody knows what became of it.
    fn wrote(&self, number: u64, version: u64, is_known: bool) {
        let mut versions = self.versions.borrow_mut();
        if is_known {
            versions.insert(number, Versions { least: version, most: version });
        } else if let Some(known) = versions.get_mut(&number) {
            known.least = known.least.min(version);
            known.most = known.most.max(version);
        }
    }

    /// Whether what was read is whole, and no other than what this client left. A key that it has not touched in
    /// this run may have any version, which is then kept.
    fn check(
        &self,
        key: &[u8],
        number: u64,
        fields: FieldSet,
        record: Option<&Record>,
    ) -> Result<(), String> {
        let record = record.ok_or("the record is missing")?;
        let found = self.check.borrow_mut().version(key, fields, record)?;
        let mut versions = self.versions.borrow_mut();
        match versions.get(&number) {
            Some(Versions { least, most }) if (*least..=*most).contains(&found) => {}
            Some(Versions { least, most }) if least == most => {
                return Err(format!("version {found} was read, and {most} had been acknowledged"));
            }
            Some(Versions { least, most }) => {
                return Err(format!(
                    "version {found} was read, and {least} to {most} are possible"
                ));
            }
            None => {}
        }
        // Once seen, nothing older may come.
        versions.insert(number, Versions { least: found, most: found });
        Ok(())
    }
}

impl<T: Target> Worker<'_, T> {
    /// One operation of a client that reads its writes: the one that it draws at `cycle`, or a read of what it wrote
    /// just before. Returns whether it was measured.
    pub async fn own_cycle(
        &self,
        own: &OwnKeys,
        state: &mut OwnState,
        client: u64,
        cycle: u64,
        key: &mut Vec<u8>,
        intended_ns: Option<u64>,
    ) -> bool {
        let workload = self.shared.workload;
        let mut random = Stream::new(workload.seed, client).at(cycle);
        let operation = workload.mix.next(&mut random);
        let unread = state.unread.take();
        let number = match unread {
            Some(number) => number,
            None => workload.own_key(self.draw_key(intended_ns, &mut random), client),
        };
        workload.write_key(number, key);
        let (times, outcome) = if operation == Operation::Update && unread.is_none() {
            state.sequence += 1;
            // Where nothing is read, as while preconditioning, nothing is read back either.
            state.unread = Some(number).filter(|_| workload.share(Operation::Read) > 0.0);
            self.own_write(own, number, state.sequence, key, intended_ns).await
        } else {
            self.own_read(own, number, key, &mut random, intended_ns).await
        };
        self.recorder.borrow_mut().finished(times, outcome)
    }

    async fn own_write(
        &self,
        own: &OwnKeys,
        number: u64,
        version: u64,
        key: &[u8],
        intended_ns: Option<u64>,
    ) -> (Times, Outcome) {
        let record = self.values.version(key, version);
        let times = self.start(intended_ns);
        let bytes = self.written_bytes(key, &record);
        let whole = self.shared.workload.write_all_fields;
        let result = self.target.update(key, record, whole).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        match result {
            Ok(updated) => {
                let applied = updated == Updated::Applied;
                recorder.answered(Operation::Update, times, applied);
                recorder.wrote(if applied { bytes } else { 0 }, times);
                if applied {
                    own.wrote(number, version, true);
                } else if self.shared.stores {
                    recorder.verified(key, Err("the record is missing"));
                }
                (times, Outcome::Answered)
            }
            Err(error) => {
                if !error.kind.is_refusal() {
                    own.wrote(number, version, false);
                }
                (times, recorder.failed(Operation::Update, key, &error, times))
            }
        }
    }

    async fn own_read(
        &self,
        own: &OwnKeys,
        number: u64,
        key: &[u8],
        random: &mut Random,
        intended_ns: Option<u64>,
    ) -> (Times, Outcome) {
        let fields = self.fields_to_read(random);
        let times = self.start(intended_ns);
        let result = self.target.read(key, fields).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        match result {
            Ok(record) => {
                recorder.answered(Operation::Read, times, record.is_some());
                if self.shared.stores {
                    recorder.verified(key, own.check(key, number, fields, record.as_ref()));
                }
                if let Some(record) = &record {
                    recorder.read(self.written_bytes(key, record));
                }
                (times, Outcome::Answered)
            }
            Err(error) => (times, recorder.failed(Operation::Read, key, &error, times)),
        }
    }

    /// READMODIFYWRITE of a counter: adds 1, at once.
    pub async fn count_up(&self, key: &[u8], intended_ns: Option<u64>) -> bool {
        let one = Addition { field: NUMBER_FIELD, amount: 1, least: i64::MIN };
        let times = self.start(intended_ns);
        let result = self.target.add(key, one).await;
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        let outcome = match &result {
            Ok(added) => {
                let applied = matches!(added, Added::Applied(_));
                recorder.answered(Operation::ReadModifyWrite, times, *added != Added::NotFound);
                recorder.wrote(if applied { self.number_bytes(key) } else { 0 }, times);
                recorder.added(i64::from(applied));
                Outcome::Answered
            }
            Err(error) => {
                if !error.kind.is_refusal() {
                    recorder.unsettled();
                }
                recorder.failed(Operation::ReadModifyWrite, key, error, times)
            }
        };
        recorder.finished(times, outcome)
    }

    /// READMODIFYWRITE of an account: takes 1 if there is any, then gives it to another. Two additions, each atomic
    /// and neither undone: what comes between them is what the workload is to show.
    pub async fn transfer(
        &self,
        key: &mut Vec<u8>,
        from: u64,
        random: &mut Random,
        intended_ns: Option<u64>,
    ) -> bool {
        let to = self.other_account(from, random, intended_ns);
        let times = self.start(intended_ns);
        let taken = self.add_to_account(key, -1, 0).await;
        let moved = match taken {
            Ok(Added::Applied(_)) => {
                // Until it has arrived; a worker that is abandoned here leaves it so.
                self.recorder.borrow_mut().unsettled();
                self.shared.workload.write_key(to, key);
                let given = self.add_to_account(key, 1, i64::MIN).await;
                let mut recorder = self.recorder.borrow_mut();
                match &given {
                    Ok(Added::Applied(_)) => recorder.settled(),
                    Ok(_) => recorder.halved(),
                    Err(error) if error.kind.is_refusal() => recorder.halved(),
                    Err(_) => {}
                }
                drop(recorder);
                given
            }
            Err(ref error) if !error.kind.is_refusal() => {
                self.recorder.borrow_mut().unsettled();
                taken
            }
            other => other,
        };
        let times = self.end(times);
        let mut recorder = self.recorder.borrow_mut();
        let outcome = match &moved {
            Ok(added) => {
                recorder.answered(Operation::ReadModifyWrite, times, *added != Added::NotFound);
                if matches!(added, Added::Applied(_)) {
                    recorder.wrote(2 * self.number_bytes(key), times);
                }
                Outcome::Answered
            }
            Err(error) => recorder.failed(Operation::ReadModifyWrite, key, error, times),
        };
        recorder.finished(times, outcome)
    }

    async fn add_to_account(
        &self,
        key: &[u8],
        amount: i64,
        least: i64,
    ) -> Result<Added, TargetError> {
        self.target.add(key, Addition { field: NUMBER_FIELD, amount, least }).await
    }

    /// Another account by the same distribution; where that insists on the same one, its neighbour.
    fn other_account(&self, from: u64, random: &mut Random, intended_ns: Option<u64>) -> u64 {
        let to = self.draw_key(intended_ns, random);
        if to == from { (from + 1) % self.shared.workload.record_count } else { to }
    }

    fn number_bytes(&self, key: &[u8]) -> u64 {
        let name = self.shared.name_bytes.first().copied().unwrap_or(0);
        key.len() as u64 + u64::from(name) + NUMBER_BYTES as u64
    }
}
