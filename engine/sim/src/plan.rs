//! What a seed does, written down before anything runs: lives of the engine, each with its clients'
//! operations, its weather and its end. So a failing run can be run again with parts left out.

use std::collections::BTreeSet;
use std::fmt;

use flywheel_disk::sim::SimRng;

use crate::disturbance::Disturbance;
use crate::limits::{MAX_LIVES, MAX_OPERATIONS};
use crate::shape::Shape;
use crate::weather::Weather;
use crate::workload::Workload;

/// Names a part of a plan that may be left out.
pub type PartId = u32;

/// All that one seed does.
#[derive(Debug, Clone)]
pub struct Plan<W: Workload = Shape> {
    /// Where everything comes from.
    pub seed: u64,
    /// The engine and the workload.
    pub shape: W,
    /// One process after the other.
    pub lives: Vec<Life<W::Operation>>,
}

/// One process: it opens the engine, clients work, and it ends.
#[derive(Debug, Clone)]
pub struct Life<O> {
    /// Names it.
    pub id: PartId,
    /// Seed of its machine.
    pub seed: u64,
    /// Names its weather: without it, it is calm.
    pub weather_id: PartId,
    /// Faults by rate.
    pub weather: Weather,
    /// What each client does, in order.
    pub clients: Vec<Vec<Event<O>>>,
    /// What happens to the medium, in order.
    pub disturbances: Vec<Event<Disturbance>>,
    /// How it ends.
    pub ending: Ending,
}

/// Something that happens after a pause.
#[derive(Debug, Clone)]
pub struct Event<T> {
    /// Names it.
    pub id: PartId,
    /// How long its actor waits before it, in microseconds.
    pub pause_us: u64,
    /// What happens.
    pub what: T,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It closes the engine when all clients are done.
    Close,
    /// It is killed after so many steps, or when all clients are done.
    Kill(u64),
    /// The power is cut after so many steps, or when all clients are done.
    PowerLoss(u64),
}

impl<W: Workload> Plan<W> {
    /// Draws everything from a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = SimRng::new(seed);
        let shape = W::draw(&mut rng);
        let mut ids = 0..;
        let may_rot = rng.below(3) == 0 && W::MAY_ROT;
        let lives = 1 + rng.below(MAX_LIVES);
        let lives = (0..lives).map(|_| Life::draw(&mut rng, &shape, &mut ids, may_rot));
        let lives = lives.collect();
        Self { seed, shape, lives }
    }

    /// Every part that may be left out: lives first, then weather, then events.
    pub fn parts(&self) -> Vec<PartId> {
        let lives = self.lives.iter().map(|life| life.id);
        let weather = self.lives.iter().filter(|life| life.weather != Weather::default());
        let weather = weather.map(|life| life.weather_id);
        let events = self.lives.iter().flat_map(|life| {
            let operations = life.clients.iter().flatten().map(|event| event.id);
            operations.chain(life.disturbances.iter().map(|event| event.id))
        });
        lives.chain(weather).chain(events).collect()
    }

    /// The same plan with some parts left out.
    #[must_use]
    pub fn without(&self, left_out: &BTreeSet<PartId>) -> Self {
        let mut plan = self.clone();
        plan.lives.retain(|life| !left_out.contains(&life.id));
        for life in &mut plan.lives {
            life.disturbances.retain(|event| !left_out.contains(&event.id));
            for client in &mut life.clients {
                client.retain(|event| !left_out.contains(&event.id));
            }
            if left_out.contains(&life.weather_id) {
                life.weather = Weather::default();
                life.disturbances.clear();
            }
        }
        plan
    }
}

impl<O> Life<O> {
    fn draw<W: Workload<Operation = O>>(
        rng: &mut SimRng,
        shape: &W,
        ids: &mut impl Iterator<Item = PartId>,
        may_rot: bool,
    ) -> Self {
        let mut id = || ids.next().expect("ids do not end");
        let (life_id, weather_id) = (id(), id());
        let weather = Weather::draw(rng, may_rot);
        let doublings = rng.below(W::DOUBLINGS + 1);
        let operations = 1 + rng.below(MAX_OPERATIONS << doublings);
        let most_pause_us = [0, 300, 3_000][rng.below(3) as usize];
        let mut clients = Vec::new();
        for _ in 0..shape.clients() {
            let event = |_| Event {
                id: id(),
                pause_us: rng.below(most_pause_us + 1),
                what: shape.draw_operation(rng),
            };
            clients.push((0..operations).map(event).collect());
        }
        let mut disturbances = Vec::new();
        for _ in 0..rng.below(6) {
            let pause_us = rng.below(20_000);
            let Some(what) = Disturbance::draw(rng, &weather) else { break };
            disturbances.push(Event { id: id(), pause_us, what });
        }
        let ending = match Ending::draw(rng, may_rot) {
            // What rots at rest must come to rest first.
            _ if weather.rots && rng.coin() => Ending::Kill(u64::MAX),
            ending => ending,
        };
        Self {
            id: life_id,
            seed: rng.next_u64(),
            weather_id,
            weather,
            clients,
            disturbances,
            ending,
        }
    }
}

impl Ending {
    fn draw(rng: &mut SimRng, may_rot: bool) -> Self {
        // Some die while they open, some late, evenly over orders of magnitude.
        let magnitude = rng.below(10);
        let steps = 20 + rng.below(100 << magnitude);
        match rng.below(10) {
            0..=1 => Ending::Close,
            // Only what was closed well may rot.
            2..=4 if may_rot => Ending::Close,
            2..=5 => Ending::Kill(steps),
            6 => Ending::Kill(u64::MAX),
            7 => Ending::PowerLoss(u64::MAX),
            _ => Ending::PowerLoss(steps),
        }
    }
}

impl<W: Workload> fmt::Display for Plan<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.shape)?;
        writeln!(f, "  {:?}", self.shape.options().store)?;
        for life in &self.lives {
            writeln!(f, "life {} (weather {}): {:?}", life.id, life.weather_id, life.weather)?;
            for event in &life.disturbances {
                writeln!(f, "  {:>5} after {} us: {:?}", event.id, event.pause_us, event.what)?;
            }
            for (client, events) in life.clients.iter().enumerate() {
                for Event { id, pause_us, what } in events {
                    writeln!(f, "  {id:>5} client {client} after {pause_us} us: {what:?}")?;
                }
            }
            writeln!(f, "  ends with {:?}", life.ending)?;
        }
        Ok(())
    }
}
