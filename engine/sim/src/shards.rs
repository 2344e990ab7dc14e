//! The shards themselves as what clients use: keys and values, ranges, what is appended. Not what is done
//! with them: see `client` and `operation`.

use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use flywheel_disk::sim::{SimRng, SimWorld};
use flywheel_shard::{Direction, EngineOptions, LocalEngine, ScanRequest};

use crate::client::{Client, Planned};
use crate::feed::{self, Feeds};
use crate::history::{Counts, Looked};
use crate::journal::Journal;
use crate::keys;
use crate::limits::MAX_DOUBLINGS;
use crate::operation::Operation;
use crate::run::Run;
use crate::shape::Shape;
use crate::state::State;
use crate::workload::Workload;

/// What clients of the shards asked and were told.
#[derive(Debug)]
pub struct ShardRecord {
    /// Calls and answers.
    pub journal: Journal,
    /// What readers of own ranges have seen.
    pub feeds: Feeds,
}

impl Workload for Shape {
    type Operation = Operation;
    type Record = ShardRecord;
    type Client = Client;
    type Found = State;

    const FLAG: &'static str = "";
    const DOUBLINGS: u64 = MAX_DOUBLINGS;
    const MAY_ROT: bool = true;
    const RESTS: bool = true;

    fn draw(rng: &mut SimRng) -> Self {
        Shape::draw(rng)
    }

    fn draw_operation(&self, rng: &mut SimRng) -> Operation {
        Operation::draw(rng, self)
    }

    fn shards(&self) -> usize {
        self.shards
    }

    fn clients(&self) -> usize {
        self.clients
    }

    fn options(&self) -> &EngineOptions {
        &self.options
    }

    fn is_tight(&self) -> bool {
        self.is_tight
    }

    fn record(&self) -> ShardRecord {
        ShardRecord { journal: Journal::new(self.keys.len()), feeds: Feeds::default() }
    }

    fn counts(record: &ShardRecord) -> Counts {
        record.journal.counts()
    }

    async fn begin(run: &Rc<Run>, engine: &LocalEngine, _: &SimWorld) -> Option<Client> {
        let client = Client::new(u16::MAX, engine, run);
        if let Some(found) = Self::find(&client).await {
            run.heed(run.record.journal.settle(found));
        }
        Some(client)
    }

    fn another(first: &Client, number: u16) -> Client {
        first.another(number)
    }

    async fn act(client: &Client, operation: &Operation) {
        operation.run(client).await;
    }

    fn is_over(client: &Client) -> bool {
        client.is_over()
    }

    async fn writes(client: &Client) -> bool {
        client.write(vec![Planned { key: 0, length: Some(100), when: None }]).await
    }

    async fn find(client: &Client) -> Option<State> {
        let run = client.run();
        let mut request = ScanRequest {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
            direction: Direction::Forward,
            max_items: 16,
            max_bytes: usize::MAX,
        };
        let mut state = State::new(run.shape.keys.len());
        loop {
            let page = match client.handle().scan(request.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    run.not_found(&error);
                    return None;
                }
            };
            for (bytes, versioned) in &page.items {
                if let Some(appended) = feed::read(bytes, versioned) {
                    let checked = appended.and_then(|appended| {
                        state.append(appended.write);
                        run.record.feeds.check(appended)?;
                        run.record.journal.learn_append(appended)
                    });
                    run.heed(checked);
                    continue;
                }
                let Some(key) = run.shape.keys.find(bytes) else {
                    run.fail(format!("a key that nobody wrote: {bytes:?}"));
                    return None;
                };
                match keys::writer(&versioned.value) {
                    Ok(write) => state.set(key, Some(write)),
                    Err(problem) => {
                        run.fail(format!("key {key}: {problem}"));
                        return None;
                    }
                };
            }
            match page.items.last() {
                Some((last, _)) if page.more => request.start = Bound::Excluded(last.clone()),
                _ => return Some(state),
            }
        }
    }

    fn note(run: &Run, found: State) -> Looked {
        run.record.journal.find(found)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { shards, clients, keys, is_tight, .. } = self;
        let tight = if *is_tight { ", tight mailboxes" } else { "" };
        write!(f, "{shards} shards, {clients} clients, {} keys{tight}", keys.len())
    }
}
