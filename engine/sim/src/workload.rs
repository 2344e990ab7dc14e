//! What is simulated: which engine, what its clients do, and how it is judged. Two are: the shards
//! themselves (`shards`) and the tables on them (`tables`). Not the machine, its faults and crashes: those
//! are the same for both, see `run` and `life`.

use std::fmt::{Debug, Display};
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::sim::{SimRng, SimWorld};
use flywheel_shard::{EngineOptions, LocalEngine};

use crate::history::{Counts, Looked};
use crate::run::Run;

/// The kind of one run, drawn from its seed.
#[allow(async_fn_in_trait, reason = "a simulation stays in one thread")]
pub trait Workload: Clone + Debug + Display + 'static {
    /// One thing that a client does.
    type Operation: Clone + Debug + 'static;
    /// What clients asked and were told, over all lives.
    type Record: 'static;
    /// One of those who use the engine at the same time.
    type Client: 'static;
    /// What the engine was found to hold.
    type Found;

    /// What `scripts/sim` is told to run seeds of this kind, beside which.
    const FLAG: &'static str;

    /// How often the number of a client's operations may be doubled: some lives are long.
    const DOUBLINGS: u64;

    /// Whether bytes may rot at rest.
    const MAY_ROT: bool;

    /// Whether nothing is under way once the clients have ended.
    const RESTS: bool;

    /// Draws the kind of a run.
    fn draw(rng: &mut SimRng) -> Self;

    /// Draws what a client does.
    fn draw_operation(&self, rng: &mut SimRng) -> Self::Operation;

    /// Shards of the engine.
    fn shards(&self) -> usize;

    /// Clients at a time.
    fn clients(&self) -> usize;

    /// Settings of the engine.
    fn options(&self) -> &EngineOptions;

    /// Whether mailboxes are so small that requests may be refused.
    fn is_tight(&self) -> bool;

    /// The record of a directory that does not exist yet.
    fn record(&self) -> Self::Record;

    /// How much was asked and told so far.
    fn counts(record: &Self::Record) -> Counts;

    /// Makes an engine that has just been opened ready for clients, and has one look at everything: it must
    /// be as the history says. `None` if it cannot be had.
    async fn begin(
        run: &Rc<Run<Self>>,
        engine: &LocalEngine,
        world: &SimWorld,
    ) -> Option<Self::Client>;

    /// Another client beside the one that began.
    fn another(first: &Self::Client, number: u16) -> Self::Client;

    /// Does it, and notes what was asked and told.
    async fn act(client: &Self::Client, operation: &Self::Operation);

    /// Whether a client has been told that nothing more is to be had from this engine.
    fn is_over(client: &Self::Client) -> bool;

    /// Writes something, with nobody else at work; whether that succeeded.
    async fn writes(client: &Self::Client) -> bool;

    /// Reads everything, with no call under way; `None` if not everything could be read.
    async fn find(client: &Self::Client) -> Option<Self::Found>;

    /// Notes what was found at rest.
    ///
    /// # Errors
    /// Why the history cannot have been.
    fn note(run: &Run<Self>, found: Self::Found) -> Looked;

    /// A life has ended, at this time since its beginning.
    fn end_life(_record: &Self::Record, _after: Duration) {}
}
