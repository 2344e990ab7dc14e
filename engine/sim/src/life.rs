//! One life: a process opens the engine, finds everything as it must be, lets its clients work, and
//! ends. Not what comes before and after: see `run`.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::sim::{SimExecutor, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::reply::reply;
use flywheel_shard::{Audit, LocalEngine, ShardStats};

use crate::disturbance::Disturbance;
use crate::limits::{MAX_LIFE_STEPS, MAX_WRITE_TRIES};
use crate::plan::{Ending, Life};
use crate::run::Run;
use crate::workload::Workload;

/// Where the engine lives.
const DIRECTORY: &str = "/data/engine";

/// Between two looks at every entry of the indexes.
const STEPS_BETWEEN_THOROUGH_AUDITS: u64 = 2_048;

/// A log that has rested so long has confirmed its last batch: from then on no damage to it may be taken
/// for a torn write.
const REST: Duration = Duration::from_secs(1);

/// How far a life came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was cut off.
    Cut,
    /// The engine could not be opened.
    NotOpened,
    /// Its clients ended, and the engine was closed without an error.
    Closed,
    /// Its clients ended; the engine was not closed, or not well.
    Left,
}

/// Lives one life on the run's disk.
pub fn live<W: Workload>(run: &Rc<Run<W>>, life: &Life<W::Operation>) -> Ended {
    let executor = SimExecutor::new(life.seed);
    let world = SimWorld::new(&executor, &run.disk, life.weather.machine());
    let most = match life.ending {
        Ending::Close => MAX_LIFE_STEPS,
        Ending::Kill(steps) | Ending::PowerLoss(steps) => steps.min(MAX_LIFE_STEPS),
    };
    let look = |steps: u64| {
        let thorough = steps.is_multiple_of(STEPS_BETWEEN_THOROUGH_AUDITS);
        run.audit(if thorough { Audit::Thorough } else { Audit::Quick });
        !run.is_broken()
    };
    let ended = executor.block_on_checked(most, look, spend(world, run, life));
    if ended.is_none() && most == MAX_LIFE_STEPS && !run.is_broken() {
        run.fail(format!("nothing came to an end within {MAX_LIFE_STEPS} steps"));
    }
    run.end_life(&executor);
    ended.unwrap_or(Ended::Cut)
}

async fn spend<W: Workload>(world: SimWorld, run: &Rc<Run<W>>, life: &Life<W::Operation>) -> Ended {
    let others = (1..run.shape.shards()).map(|_| world.another());
    let worlds: Vec<SimWorld> = std::iter::once(world.clone()).chain(others).collect();
    let engine =
        match LocalEngine::open(worlds, Path::new(DIRECTORY), run.shape.options().clone()).await {
            Ok(engine) => Rc::new(engine),
            Err(error) => {
                run.not_opened(&error);
                return Ended::NotOpened;
            }
        };
    run.opened(&engine);
    let Some(client) = W::begin(run, &engine, &world).await else { return Ended::Left };
    work(&world, &client, run, life).await;
    run.note_end();
    settle_down(&world, &client, &engine, run).await;
    if life.ending != Ending::Close {
        if life.weather.rots {
            world.sleep(REST).await;
            run.rot_at_rest(life.seed);
        }
        return Ended::Left;
    }
    drop(client);
    let engine = Rc::try_unwrap(engine).expect("clients have ended");
    match engine.close().await {
        Ok(()) => Ended::Closed,
        Err(error) => {
            if !run.is_fair_of_controls(&error) {
                run.fail(format!("unfair error of closing: {error}"));
            }
            Ended::Left
        }
    }
}

/// Lets all clients work, and the medium be disturbed, until the clients have ended.
async fn work<W: Workload>(
    world: &SimWorld,
    first: &W::Client,
    run: &Rc<Run<W>>,
    life: &Life<W::Operation>,
) {
    let mut all_ended = Vec::new();
    for (number, events) in life.clients.iter().enumerate() {
        let (done, ended) = reply();
        all_ended.push(ended);
        let (world_of_client, events) = (world.clone(), events.clone());
        let client = W::another(first, number as u16);
        world.spawn(TaskClass::Foreground, async move {
            for event in events {
                if event.pause_us > 0 {
                    world_of_client.sleep(Duration::from_micros(event.pause_us)).await;
                }
                if W::is_over(&client) {
                    break;
                }
                W::act(&client, &event.what).await;
            }
            done.send(());
        });
    }
    let (napping, disturbed, events) = (world.clone(), Rc::clone(run), life.disturbances.clone());
    let is_over = Rc::new(Cell::new(false));
    let over = Rc::clone(&is_over);
    world.spawn(TaskClass::Background, async move {
        for event in events {
            napping.sleep(Duration::from_micros(event.pause_us)).await;
            if over.get() {
                return;
            }
            disturbed.disturb(&event.what);
        }
    });
    for ended in all_ended {
        let _ = ended.await;
    }
    is_over.set(true);
}

/// With nobody at work and room on the disk, the engine must come to rest, take writes again unless it
/// has stopped for good, and hold what the history says.
async fn settle_down<W: Workload>(
    world: &SimWorld,
    first: &W::Client,
    engine: &LocalEngine,
    run: &Rc<Run<W>>,
) {
    run.disturb(&Disturbance::Free);
    run.disk.forget_planned_faults();
    if run.is_broken() {
        return;
    }
    let client = W::another(first, u16::MAX);
    let mut tries = 0;
    loop {
        if W::writes(&client).await || W::is_over(&client) || !run.is_calm_enough_to_write() {
            break;
        }
        tries += 1;
        if tries == MAX_WRITE_TRIES {
            return run.fail("writes did not come back".to_owned());
        }
        world.sleep(run.patience()).await;
    }
    match engine.admin().stats().await {
        Ok(stats) => {
            let is_busy = |shard: &&ShardStats| W::RESTS && shard.waiting + shard.active > 0;
            for shard in stats.shards.iter().filter(is_busy) {
                run.fail(format!("requests are left at rest: {shard:?}"));
            }
            run.heed_compaction(&stats.store);
            run.note_reached(&stats.store);
        }
        Err(error) => run.fail(format!("no statistics at rest: {error}")),
    }
    run.audit(Audit::Thorough);
    let mut found = W::find(&client).await;
    match engine.admin().scrub().await {
        Ok(reports) => {
            if found.is_none() && reports.iter().all(|report| report.findings.is_empty()) {
                // Compaction may have moved a record away from its damaged place after it was listed.
                found = W::find(&client).await;
            }
            run.heed_scrub(&reports, found.is_some());
        }
        Err(error) => run.fail(format!("no scrub at rest: {error}")),
    }
    if let Some(found) = found {
        run.heed(W::note(run, found));
    }
}
