//! Two who open one directory: one has it, the other is told so and disturbs nothing; when the first
//! dies, the directory is free.

use std::path::Path;
use std::sync::Barrier;
use std::thread;

use flywheel_disk::{DiskError, DiskFault, host};
use flywheel_shard::{Engine, ShardError, StoreError};

use crate::common::RealDirectory;
use crate::other::{self, Other};
use crate::stock::{Stock, open, options};

const OPENER: &str = "openers::opener";
const ADVICE: &str = "another process has this directory open; stop it or choose another directory";

fn is_locked(error: &ShardError) -> bool {
    matches!(error, ShardError::Store(error)
        if matches!(**error, StoreError::Disk(DiskError { fault: DiskFault::Locked, .. })))
}

#[test]
fn the_second_opener_is_told_and_the_first_goes_on() {
    let Some(directory) = RealDirectory::new("second") else { return };
    let (engine, mut stock) = (open(&directory.path()), Stock::default());
    for _ in 0..3 {
        (0..50).for_each(|_| _ = stock.put(&engine.handle()));
        let error = Engine::open(&directory.path(), options()).err().expect("open already");
        assert!(is_locked(&error) && error.to_string().contains(ADVICE), "{error}");
        let mut second = start(&directory.path());
        second.go();
        let refused = second.wait_for("refused");
        assert!(refused.contains(ADVICE), "{refused}");
        assert!(refused.contains(&directory.path().display().to_string()), "{refused}");
    }
    stock.check(&engine.handle());
    // A reopening of what the others only knocked at.
    drop(engine);
    stock.check(&open(&directory.path()).handle());
}

#[test]
fn a_killed_opener_leaves_the_directory_free() {
    let Some(directory) = RealDirectory::new("killed") else { return };
    let mut stock = Stock::default();
    for _ in 0..3 {
        let mut first = start(&directory.path());
        first.go();
        first.wait_for("opened");
        let error = Engine::open(&directory.path(), options()).err().expect("open there");
        assert!(is_locked(&error), "{error}");
        first.kill();
        first.ended();
        let engine = open(&directory.path());
        (0..50).for_each(|_| _ = stock.put(&engine.handle()));
        stock.check(&engine.handle());
    }
}

#[test]
fn of_processes_that_race_to_create_a_directory_one_wins() {
    for _ in 0..4 {
        let Some(directory) = RealDirectory::new("race") else { return };
        let mut openers: Vec<Other> = (0..4).map(|_| start(&directory.path())).collect();
        openers.iter_mut().for_each(|opener| opener.wait_for("waiting").clear());
        openers.iter_mut().for_each(Other::go);
        let answers: Vec<String> = openers.iter_mut().map(|opener| opener.wait_for("")).collect();
        let won = answers.iter().filter(|answer| *answer == "opened").count();
        let told = answers.iter().filter(|answer| answer.contains(ADVICE)).count();
        assert_eq!((won, told), (1, 3), "{answers:?}");
        drop(openers);
        open(&directory.path()).close().expect("closed");
    }
}

#[test]
fn of_threads_that_race_to_create_a_directory_one_wins() {
    for _ in 0..8 {
        let Some(directory) = RealDirectory::new("race") else { return };
        let (path, start) = (directory.path(), Barrier::new(4));
        let race = || {
            start.wait();
            Engine::open(&path, options())
        };
        let answers: Vec<Result<Engine, ShardError>> = thread::scope(|scope| {
            let racers = [(); 4].map(|()| scope.spawn(race));
            racers.map(|racer| racer.join().expect("no panic")).into()
        });
        let errors: Vec<&ShardError> =
            answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(errors.len(), 3, "one wins");
        assert!(errors.iter().all(|error| is_locked(error)), "{errors:?}");
    }
}

#[test]
fn many_who_look_at_one_directory_at_once_do_not_trip_over_each_other() {
    let Some(directory) = RealDirectory::new("looking") else { return };
    let parent = directory.path().parent().expect("it has one").to_owned();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..300).for_each(|_| host::check(&parent).expect("as alone")));
        }
    });
}

fn start(directory: &Path) -> Other {
    Other::start(OPENER, directory, &[])
}

/// The other process: opens when it is told to, and holds on until it is killed.
#[test]
fn opener() {
    let Some(directory) = other::told(OPENER) else { return };
    other::say("waiting");
    other::await_go();
    match Engine::open(&directory, options()) {
        Ok(_engine) => {
            other::say("opened");
            loop {
                thread::park();
            }
        }
        Err(error) => other::say(format!("refused {error}")),
    }
}
