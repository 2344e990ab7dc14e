//! A real process killed with SIGKILL, again and again: under load with partitions splitting and
//! moving, and while it recovers from the kill before. Whatever it had acknowledged is there
//! afterwards, and nothing that it never wrote: see `ledger`.
//!
//! `FLYWHEEL_KILLS` says how often (a nightly run takes thousands), `FLYWHEEL_KILL_SEED` at which
//! moments, as far as that is ours to say.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use flywheel_disk::sim::SimRng;
use flywheel_shard::{Engine, EngineOptions, SplitOptions};

use crate::common::{RealDirectory, small_options};
use crate::ledger::{self, Ledger};
use crate::other::{self, Other};

const KILLS: u64 = 60;
const KILLS_PER_LIFE: u64 = 20;
const WRITER: &str = "kill::writer";
const NEXT: &str = "FLYWHEEL_KILL_NEXT";

pub fn options() -> EngineOptions {
    let split = SplitOptions { keep_together: Some(ledger::together), ..small_options().split };
    EngineOptions { shards: 2, split, ..small_options() }
}

/// What the writers' processes said they did, added up.
#[derive(Debug, Default)]
pub struct Seen {
    /// The newest figures of the process that runs, and those of all before it.
    pub figures: BTreeMap<String, u64>,
    total: BTreeMap<String, u64>,
    killed_while_opening: u64,
    /// Operations that were found done though nobody was told.
    unheard: u64,
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let Some(directory) = RealDirectory::new("kill") else { return };
    let path = directory.path();
    let kills = other::number_of("FLYWHEEL_KILLS").unwrap_or(KILLS);
    let seed = other::number_of("FLYWHEEL_KILL_SEED").unwrap_or(1);
    let (mut rng, mut seen) = (SimRng::new(seed), Seen::default());
    let mut done = 0;
    // Partitions are never joined: only a new directory has splits to come.
    while done < kills {
        done += one_life(&path.join(done.to_string()), seed, &mut rng, &mut seen);
    }
    println!("{done} kills, seed {seed}: {seen:?}");
    if done >= KILLS {
        for name in ["compactions", "checkpoints", "splits", "moves", "scans", "writes0", "writes1"]
        {
            assert!(seen.total.get(name).is_some_and(|&n| n > 0), "no {name}: {seen:?}");
        }
        assert!(seen.killed_while_opening > 0 && seen.unheard > 0, "{seen:?}");
    }
}

/// A directory from its creation on, killed again and again; how often.
fn one_life(directory: &Path, seed: u64, rng: &mut SimRng, seen: &mut Seen) -> u64 {
    let (mut ledger, mut done) = (Ledger::default(), 0);
    while rng.coin() {
        kill_while_opening(directory, "opening", rng, seen);
        done += 1;
    }
    while done < KILLS_PER_LIFE {
        kill_under_load(directory, 20 + rng.below(800), &mut ledger, seen);
        done += 1;
        // What a kill left is recovered from, and that is cut short as well.
        for _ in 0..rng.below(4) {
            let said = if rng.coin() { "opening" } else { "recovering" };
            kill_while_opening(directory, said, rng, seen);
            done += 1;
        }
        let engine = Engine::open(directory, options()).expect("recovered");
        ledger.check(&engine.handle(), &format!("seed {seed}, after {done} kills"));
        // Every other time the next process finds what a crash left, not what a close did.
        if rng.coin() {
            engine.close().expect("closed");
        }
    }
    seen.unheard += ledger.unheard;
    done
}

/// Kills a writer once so many of its operations were acknowledged, and notes these and what it
/// acknowledged before it died.
fn kill_under_load(directory: &Path, after: u64, ledger: &mut Ledger, seen: &mut Seen) {
    let mut writer = start_writer(directory, &ledger.next(), &[]);
    let mut acknowledged = 0;
    while let Some(words) = writer.next() {
        if let Some(did) = words.strip_prefix("did ") {
            ledger.acknowledge(did);
            acknowledged += 1;
            if acknowledged == after {
                writer.kill();
            }
        }
        seen.note(&words);
    }
    assert!(acknowledged >= after, "the writer ended by itself: {:?}", writer.ended());
    seen.end();
}

/// Kills a process that has only begun to open the directory, soon after it said so.
fn kill_while_opening(directory: &Path, said: &str, rng: &mut SimRng, seen: &mut Seen) {
    let mut opener = start_writer(directory, "", &[]);
    opener.wait_for(said);
    thread::sleep(Duration::from_micros(rng.below(8_000)));
    opener.kill();
    let mut opened = false;
    while let Some(words) = opener.next() {
        opened |= words == "opened";
        seen.note(&words);
    }
    seen.killed_while_opening += u64::from(!opened);
    seen.end();
}

impl Seen {
    pub fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or(0)
    }

    pub fn note(&mut self, words: &str) {
        if let Some(("figure", figure)) = words.split_once(' ') {
            let (name, number) = figure.split_once(' ').expect("a name and a number");
            self.figures.insert(name.to_owned(), number.parse().expect("a number"));
        }
    }

    fn end(&mut self) {
        for (name, number) in std::mem::take(&mut self.figures) {
            *self.total.entry(name).or_default() += number;
        }
    }
}

/// Starts a process whose writers begin with the operations `next`; without, nobody writes.
pub fn start_writer(directory: &Path, next: &str, more: &[(&str, &str)]) -> Other {
    let mut told = vec![(NEXT, next)];
    told.extend_from_slice(more);
    Other::start(WRITER, directory, &told)
}

/// The other process. A test only in name: it does nothing unless it was started by the one above.
#[test]
fn writer() {
    let Some(directory) = other::told(WRITER) else { return };
    other::say("opening");
    let engine = Engine::open_with_progress(&directory, options(), |_| other::say("recovering"));
    let engine = engine.expect("opened");
    other::say("opened");
    let next = std::env::var(NEXT).expect("told");
    thread::scope(|scope| {
        for (writer, from) in ledger::writers_from(&next) {
            let handle = engine.handle();
            scope.spawn(move || {
                for n in from.. {
                    let applied = ledger::perform(&handle, writer, n).expect("performed");
                    other::say(format!("did {writer} {n} {}", u8::from(applied)));
                }
            });
        }
        let handle = engine.handle();
        scope.spawn(move || {
            loop {
                ledger::check_scan(&handle);
                thread::sleep(Duration::from_millis(3));
            }
        });
        scope.spawn(|| reshape_for_ever(&engine));
    });
}

/// Splits and moves partitions and says what goes on, for as long as the process lives.
fn reshape_for_ever(engine: &Engine) {
    let (mut looked, mut clock_went_back) = (Instant::now(), 0);
    for n in 0usize.. {
        let now = Instant::now();
        clock_went_back += u64::from(now < looked);
        looked = now;
        let partitions = engine.partitions().expect("listed");
        let (info, shard) = &partitions[n % partitions.len()];
        // Both may be refused, by what else is going on.
        let _ = match n % 3 {
            0 if partitions.len() < 40 => {
                let at = ledger::cut(n / 3);
                let id = engine.handle().locate(&at).partition;
                engine.split_partition(id, at).map(drop)
            }
            _ => engine.move_partition(info.spec.id, 1 - shard),
        };
        let stats = engine.stats().expect("stats");
        let sum = |of: fn(&flywheel_shard::ShardStats) -> u64| stats.shards.iter().map(of).sum();
        let figures: [(&str, u64); 8] = [
            ("compactions", stats.store.compaction_rounds),
            ("checkpoints", stats.store.checkpoints),
            ("splits", sum(|shard| shard.splits)),
            ("moves", sum(|shard| shard.moves)),
            ("scans", stats.store.scans),
            ("writes0", stats.shards[0].writes),
            ("writes1", stats.shards[1].writes),
            ("clock_went_back", clock_went_back),
        ];
        for (name, number) in figures {
            other::say(format!("figure {name} {number}"));
        }
    }
}
