//! Answering clients: at once from memory, once a write is durable, or by a task of this core that reads or
//! waits. Not the order in which messages are taken: see the loop in `mod`.

use std::future::Future;
use std::ops::Bound;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::{TaskClass, World};
use flywheel_store::{Modified, Peek, ScanRequest, StoreError, Version, WriteBatch, WriteOutcome};

use super::decide::Decision;
use super::gauge::Gauge;
use super::partition::{Admission, Partition};
use super::{Shard, count};
use crate::error::ShardError;
use crate::request::{Call, Get, Modify, Outcome, Request, Scan, ScanSlice};

/// A request that a task or a call answers: counted until that ends, however it ends.
struct Ticket<W: World> {
    shard: Rc<Shard<W>>,
    under_way: Rc<Gauge>,
}

impl<W: World> Ticket<W> {
    /// The call, which ends the request.
    fn with<A>(self, call: impl FnOnce(A)) -> impl FnOnce(A) {
        move |answer| {
            let _ticket = self;
            call(answer);
        }
    }
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
                return self.start(self.take_on(partition), async move {
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
        let ticket = self.take_on(&partition);
        let tell = move |answer: Result<WriteOutcome, StoreError>| {
            note_batch(&partition, noted, answer.as_ref().ok());
            reply.send(Outcome::Answer(answer.map_err(ShardError::from)));
        };
        match self.store.write_at_once(batch) {
            Ok(started) => started.when_durable(ticket.with(tell)),
            Err(batch) => {
                let store = self.store.clone();
                self.start(ticket, async move { tell(store.write(batch).await) });
            }
        }
    }

    fn modify(self: &Rc<Self>, partition: Rc<Partition>, call: Call<Modify>) {
        count(&self.counters.modifies);
        let Call { question: Modify { key, change }, reply } = call;
        partition.traffic.write(&key);
        let has_own_ranges = self.fleet().has_own_ranges();
        let ticket = self.take_on(&partition);
        let mut decision = Decision::new(partition, &key, change, has_own_ranges);
        let shard = Rc::clone(self);
        let tell = move |mut decision: Decision, answer: Result<Modified, StoreError>| {
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
        };
        match self.store.modify_at_once(&key, |now| decision.make(now)) {
            Some(started) => started.when_durable(ticket.with(|answer| tell(decision, answer))),
            None => {
                let store = self.store.clone();
                self.start(ticket, async move {
                    let answer = store.modify(key, |now| decision.make(now)).await;
                    tell(decision, answer);
                });
            }
        }
    }

    fn scan(self: &Rc<Self>, partition: &Partition, call: Call<Scan>) {
        count(&self.counters.scans);
        let Call { question: Scan(request), reply } = call;
        partition.traffic.scan(self.one_collection(&request));
        let (request, rest) = crate::scan::cut(request, &partition.spec);
        let shard = Rc::clone(self);
        self.start(self.take_on(partition), async move {
            let answer = shard.store.scan(request).await;
            let answer = answer.map(|page| ScanSlice { page, rest }).map_err(ShardError::from);
            reply.send(Outcome::Answer(answer));
        });
    }

    /// Where a scan begins, if it stays within one item collection.
    fn one_collection<'r>(&self, request: &'r ScanRequest) -> Option<&'r [u8]> {
        let (Bound::Included(start) | Bound::Excluded(start)) = &request.start else { return None };
        let (Bound::Included(end) | Bound::Excluded(end)) = &request.end else { return None };
        let (_, behind) = self.split.collection_of(start);
        behind.is_none_or(|behind| *end <= behind).then_some(start)
    }

    /// Notes a request that cannot be answered right now.
    fn take_on(self: &Rc<Self>, partition: &Partition) -> Ticket<W> {
        self.taken_on();
        Ticket { shard: Rc::clone(self), under_way: partition.count_in() }
    }

    /// Runs what answers one request as a task of its own.
    fn start(&self, ticket: Ticket<W>, task: impl Future<Output = ()> + 'static) {
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
