//! One life: a process opens the engine, finds everything as it must be, lets its clients work, and
//! ends. Not what comes before and after: see `run`.

use std::cell::Cell;
use std::ops::Bound;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::sim::{SimExecutor, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::reply::reply;
use flywheel_shard::{Audit, Direction, LocalEngine, ScanRequest};

use crate::client::{Client, Planned};
use crate::disturbance::Disturbance;
use crate::feed;
use crate::keys;
use crate::limits::{MAX_LIFE_STEPS, MAX_WRITE_TRIES};
use crate::plan::{Ending, Life};
use crate::run::Run;
use crate::state::State;

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
pub fn live(run: &Rc<Run>, life: &Life) -> Ended {
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

async fn spend(world: SimWorld, run: &Rc<Run>, life: &Life) -> Ended {
    let others = (1..run.shape.shards).map(|_| world.another());
    let worlds: Vec<SimWorld> = std::iter::once(world.clone()).chain(others).collect();
    let engine =
        match LocalEngine::open(worlds, Path::new(DIRECTORY), run.shape.options.clone()).await {
            Ok(engine) => Rc::new(engine),
            Err(error) => {
                run.not_opened(&error);
                return Ended::NotOpened;
            }
        };
    run.opened(&engine);
    if let Some(found) = find(&engine, run).await {
        run.heed(run.journal.settle(found));
    }
    work(&world, &engine, run, life).await;
    run.note_end();
    settle_down(&world, &engine, run).await;
    if life.ending != Ending::Close {
        if life.weather.rots {
            world.sleep(REST).await;
            run.rot_at_rest(life.seed);
        }
        return Ended::Left;
    }
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
async fn work(world: &SimWorld, engine: &Rc<LocalEngine>, run: &Rc<Run>, life: &Life) {
    let mut all_ended = Vec::new();
    for (number, events) in life.clients.iter().enumerate() {
        let (done, ended) = reply();
        all_ended.push(ended);
        let (world_of_client, events) = (world.clone(), events.clone());
        let client = Client::new(number as u16, engine, run);
        world.spawn(TaskClass::Foreground, async move {
            for event in events {
                if event.pause_us > 0 {
                    world_of_client.sleep(Duration::from_micros(event.pause_us)).await;
                }
                if client.is_over() {
                    break;
                }
                event.what.run(&client).await;
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
async fn settle_down(world: &SimWorld, engine: &Rc<LocalEngine>, run: &Rc<Run>) {
    run.disturb(&Disturbance::Free);
    run.disk.forget_planned_faults();
    if run.is_broken() {
        return;
    }
    let client = Client::new(u16::MAX, engine, run);
    let mut tries = 0;
    loop {
        let planned = Planned { key: 0, length: Some(100), when: None };
        if client.write(vec![planned]).await || client.is_over() || !run.is_calm_enough_to_write() {
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
            for shard in stats.shards.iter().filter(|shard| shard.waiting + shard.active > 0) {
                run.fail(format!("requests are left at rest: {shard:?}"));
            }
            run.heed_compaction(&stats.store);
            run.note_reached(&stats.store);
        }
        Err(error) => run.fail(format!("no statistics at rest: {error}")),
    }
    run.audit(Audit::Thorough);
    let mut found = find(engine, run).await;
    match engine.admin().scrub().await {
        Ok(reports) => {
            if found.is_none() && reports.iter().all(|report| report.findings.is_empty()) {
                // Compaction may have moved a record away from its damaged place after it was listed.
                found = find(engine, run).await;
            }
            run.heed_scrub(&reports, found.is_some());
        }
        Err(error) => run.fail(format!("no scrub at rest: {error}")),
    }
    if let Some(found) = found {
        run.heed(run.journal.find(found));
    }
}

/// Reads everything, with no call under way; `None` if not everything could be read.
async fn find(engine: &LocalEngine, run: &Rc<Run>) -> Option<State> {
    let handle = engine.handle();
    let mut request = ScanRequest {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
        direction: Direction::Forward,
        max_items: 16,
        max_bytes: usize::MAX,
    };
    let mut state = State::new(run.shape.keys.len());
    loop {
        let page = match handle.scan(request.clone()).await {
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
                    run.feeds.check(appended)?;
                    run.journal.learn_append(appended)
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
