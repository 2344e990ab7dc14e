//! Answering clients: at once from memory, or by a task of this core. Not the order in which
//! messages are taken: see the loop in `mod`.

use std::future::Future;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::{TaskClass, World};
use flywheel_store::{Peek, Version, WriteBatch, WriteOutcome};

use super::decide::Decision;
use super::gauge::Gauge;
use super::partition::{Admission, Partition};
use super::{Shard, count};
use crate::error::ShardError;
use crate::request::{Call, Get, Modify, Outcome, Request, Scan, ScanSlice};

/// A request that a task answers: counted until the task ends, however it ends.
struct Ticket<W: World> {
    shard: Rc<Shard<W>>,
    under_way: Rc<Gauge>,
}

impl<W: World> Drop for Ticket<W> {
    fn drop(&mut self) {
        self.under_way.leave();
        self.shard.answered();
    }
}

impl<W: World> Shard<W> {
    /// Answers a request, or sees to it that it is answered.
    pub(super) fn serve(self: &Rc<Self>, request: Request) {
        let owner = self.table.borrow().owner(&request).cloned();
        let Some(partition) = owner else {
            count(&self.counters.sent_on);
            return request.send_on();
        };
        match partition.admit(request) {
            Admission::Serve(Request::Get(call)) => self.get(&partition, call),
            Admission::Serve(Request::Write(call)) => self.write(partition, call),
            Admission::Serve(Request::Modify(call)) => self.modify(partition, call),
            Admission::Serve(Request::Scan(call)) => self.scan(&partition, *call),
            Admission::Held => {
                count(&self.counters.fenced);
                self.taken_on();
            }
            Admission::Stranded(request) => {
                request.fail(ShardError::Stranded(partition.spec.id));
            }
        }
    }

    /// Lets requests go that waited at a fence.
    pub(super) fn release(self: &Rc<Self>, waiting: Vec<Request>, how: impl Fn(Request)) {
        for request in waiting {
            self.answered();
            how(request);
        }
    }

    fn get(self: &Rc<Self>, partition: &Partition, call: Call<Get>) {
        count(&self.counters.gets);
        let Call { question: Get(key), reply } = call;
        partition.traffic.read(&key);
        let answer = match self.store.peek(&key) {
            Ok(Peek::Cached(versioned)) => Ok(Some(versioned)),
            Ok(Peek::Absent) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(Peek::OnDisk(place)) => {
                let shard = Rc::clone(self);
                return self.start(partition, async move {
                    let answer = shard.store.read(&key, place).await;
                    reply.send(Outcome::Answer(answer.map_err(ShardError::from)));
                });
            }
        };
        count(&self.counters.gets_from_memory);
        reply.send(Outcome::Answer(answer));
    }

    fn write(self: &Rc<Self>, partition: Rc<Partition>, call: Call<WriteBatch>) {
        count(&self.counters.writes);
        let Call { question: batch, reply } = call;
        if !batch.writes.iter().all(|write| partition.spec.contains(&write.key)) {
            return reply.send(Outcome::Answer(Err(ShardError::BatchSpansPartitions)));
        }
        batch.writes.iter().for_each(|write| partition.traffic.write(&write.key));
        let noted = keys_to_note(&partition, &batch);
        let shard = Rc::clone(self);
        self.start(&partition.clone(), async move {
            let answer = shard.store.write(batch).await;
            note_batch(&partition, noted, answer.as_ref().ok());
            reply.send(Outcome::Answer(answer.map_err(ShardError::from)));
        });
    }

    fn modify(self: &Rc<Self>, partition: Rc<Partition>, call: Call<Modify>) {
        count(&self.counters.modifies);
        let Call { question: Modify { key, change }, reply } = call;
        partition.traffic.write(&key);
        let has_own_ranges = self.fleet().has_own_ranges();
        let mut decision = Decision::new(Rc::clone(&partition), &key, change, has_own_ranges);
        let shard = Rc::clone(self);
        self.start(&partition, async move {
            let answer = shard.store.modify(key, |now| decision.make(now)).await;
            let first_version = answer.as_ref().ok().and_then(|modified| modified.version);
            if let Some(appended) = decision.done(first_version) {
                shard.note_appended(appended);
            }
            let answer = answer.map_err(ShardError::from);
            let answer = match decision.refused() {
                Some(refused) => answer.and(Err(refused)),
                None => answer,
            };
            reply.send(Outcome::Answer(answer));
        });
    }

    fn scan(self: &Rc<Self>, partition: &Partition, call: Call<Scan>) {
        count(&self.counters.scans);
        let Call { question: Scan(request), reply } = call;
        partition.traffic.scan();
        let (request, rest) = crate::scan::cut(request, &partition.spec);
        let shard = Rc::clone(self);
        self.start(partition, async move {
            let answer = shard.store.scan(request).await;
            let answer = answer.map(|page| ScanSlice { page, rest }).map_err(ShardError::from);
            reply.send(Outcome::Answer(answer));
        });
    }

    /// Runs what answers one request as a task of its own.
    fn start(self: &Rc<Self>, partition: &Partition, task: impl Future<Output = ()> + 'static) {
        self.taken_on();
        let ticket = Ticket { shard: Rc::clone(self), under_way: partition.count_in() };
        self.world.spawn(TaskClass::Foreground, async move {
            let _ticket = ticket;
            task.await;
        });
    }
}

/// The batch's keys if a move must learn of them; nothing, and no allocation, otherwise. A move
/// waits for the writes that began before it took notes, so asking at their start is enough.
fn keys_to_note(partition: &Partition, batch: &WriteBatch) -> Vec<Bytes> {
    if !partition.is_noting() {
        return Vec::new();
    }
    batch.writes.iter().map(|write| write.key.clone()).collect()
}

fn note_batch(partition: &Partition, keys: Vec<Bytes>, outcome: Option<&WriteOutcome>) {
    let first_version: Option<Version> = match outcome {
        Some(WriteOutcome::Applied { first_version }) => Some(*first_version),
        Some(WriteOutcome::ConditionFailed { .. }) => return,
        None => None,
    };
    for (n, key) in keys.into_iter().enumerate() {
        partition.note(key, first_version.map(|first| first + n as Version));
    }
}
