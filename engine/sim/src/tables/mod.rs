//! Tables as what clients use: transactions beside operations of single items, over crashes. Not the
//! shards below them, which have a simulation of their own: see `shards`.
//!
//! | Room | What it is |
//! |---|---|
//! | `shape` | what kind of run a seed gets |
//! | `operation` | what clients do, drawn beforehand |
//! | `requests` | requests and items as JSON |
//! | `client` | asks, and notes what it was told |
//! | `service` | the tables of one life, and everything that is in them |
//! | `record` | what was asked and told, and tokens, over all lives |
//! | `state` | the reference model |

pub mod client;
pub mod operation;
pub mod record;
pub mod requests;
pub mod service;
pub mod shape;
pub mod state;

use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::sim::{SimRng, SimWorld};
use flywheel_shard::{EngineOptions, LocalEngine};

use crate::history::{Counts, Looked};
use crate::keys::Key;
use crate::limits::MAX_TABLE_DOUBLINGS;
use crate::run::Run;
use crate::workload::Workload;
use client::Client;
use operation::Operation;
use record::TableRecord;
use service::Service;
use shape::{OPENING_BALANCE, TableShape};
use state::{Act, Item, State, Step, When};

impl Workload for TableShape {
    type Operation = Operation;
    type Record = TableRecord;
    type Client = Client;
    type Found = State;

    const FLAG: &'static str = " --tables";
    const DOUBLINGS: u64 = MAX_TABLE_DOUBLINGS;
    // What rot does is seen below the tables, and they could say no more of it.
    const MAY_ROT: bool = false;
    // Upkeep goes on.
    const RESTS: bool = false;

    fn draw(rng: &mut SimRng) -> Self {
        TableShape::draw(rng)
    }

    fn draw_operation(&self, rng: &mut SimRng) -> Operation {
        Operation::draw(rng, self)
    }

    fn shards(&self) -> usize {
        self.shards()
    }

    fn clients(&self) -> usize {
        self.clients()
    }

    fn options(&self) -> &EngineOptions {
        self.options()
    }

    fn is_tight(&self) -> bool {
        false
    }

    fn record(&self) -> TableRecord {
        TableRecord::new(self)
    }

    fn counts(record: &TableRecord) -> Counts {
        record.history.counts()
    }

    async fn begin(run: &Rc<Run<Self>>, engine: &LocalEngine, world: &SimWorld) -> Option<Client> {
        let service = Service::open(run, engine, world).await?;
        let client = Client::new(u16::MAX, service, run);
        for sent in run.record.in_doubt() {
            // As good as drawn: tokens are counted.
            if u64::from(sent.token) * 37 % 100 < run.shape.asking_again_percent {
                client.transact(sent.steps, Some(sent.token)).await;
            }
        }
        if let Some(found) = client.service().find(run).await {
            let are_open = found.get(0).is_some();
            run.heed(run.record.settle(found));
            if !are_open {
                open_accounts(&client).await;
            }
        }
        Some(client)
    }

    fn another(first: &Client, number: u16) -> Client {
        first.another(number)
    }

    async fn act(client: &Client, operation: &Operation) {
        client.act(operation).await;
    }

    fn is_over(client: &Client) -> bool {
        client.is_over()
    }

    async fn writes(client: &Client) -> bool {
        // All at once: no account may still be held by what was left undone.
        touch_accounts(client).await || open_accounts(client).await
    }

    async fn find(client: &Client) -> Option<State> {
        let (run, service) = (client.run(), client.service());
        let found = service.find(run).await?;
        // Where nothing fails, indexes have no excuse for staying behind.
        if !run.may_fail() {
            service.await_indexes(run, &found).await?;
        }
        Some(found)
    }

    fn note(run: &Run<Self>, found: State) -> Looked {
        run.record.find(found)
    }

    fn end_life(record: &TableRecord, after: Duration) {
        record.end_life(after);
    }
}

/// Gives every account what it has in the beginning, if there is none yet; whether that was done.
async fn open_accounts(client: &Client) -> bool {
    let open = |item| Act::Put(Item { balance: OPENING_BALANCE, ..item });
    with_accounts(client, open, When::Absent).await
}

/// Writes every account anew with the balance that it has; whether that was done.
async fn touch_accounts(client: &Client) -> bool {
    with_accounts(client, Act::Add, When::Exists).await
}

async fn with_accounts(client: &Client, act: impl Fn(Item) -> Act, when: When) -> bool {
    let record = &client.run().record;
    let step = |key: Key| {
        let item = Item { balance: 0, write: record.name_write(), group: Some(0) };
        Step { key, act: act(item), when: Some(when) }
    };
    client.transact((0..client.run().shape.accounts()).map(step).collect(), None).await
}
