//! Versions: each write has one, whoever reads it, and those of a key rise in the order in which its
//! writes were acknowledged, over deletes, moves and crashes. Not values: see `linear`.

use std::collections::HashMap;

use flywheel_shard::Version;

use crate::keys::{Key, WriteId};
use crate::linear::{self, Moment};
use crate::state::{Cell, State};

type Entry = linear::Entry<State>;

/// Where versions rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Line {
    /// The writes of a key.
    Key(Key),
    /// What is appended to a shard's own range.
    Feed(u16),
}

/// What is known of versions so far.
#[derive(Debug, Default)]
pub struct Versions {
    of_writes: HashMap<(Key, WriteId), Version>,
    /// Of each append, by what it tells of: its version, and on which shard it was found.
    of_appends: HashMap<WriteId, (Version, Option<u16>)>,
    /// For each line the highest version of the writes that ended before the last check.
    highest: HashMap<Line, Version>,
}

impl Versions {
    /// Somebody was told a write's version.
    ///
    /// # Errors
    /// If somebody else was told another one.
    pub fn learn(&mut self, key: Key, write: WriteId, version: Version) -> Result<(), String> {
        let known = *self.of_writes.entry((key, write)).or_insert(version);
        if known == version {
            return Ok(());
        }
        Err(format!("write {write} of key {key} has version {version}, and had {known} before"))
    }

    /// Somebody was told the version of an append, or found it on a shard.
    ///
    /// # Errors
    /// If it had another one before, or was elsewhere.
    pub fn learn_append(
        &mut self,
        write: WriteId,
        version: Version,
        shard: Option<u16>,
    ) -> Result<(), String> {
        let (known, place) = self.of_appends.entry(write).or_insert((version, shard));
        if *known != version || (shard.is_some() && place.is_some_and(|at| Some(at) != shard)) {
            return Err(format!(
                "what tells of write {write} has version {version} on shard {shard:?}, and had \
                 {known} on {place:?} before"
            ));
        }
        *place = place.or(shard);
        Ok(())
    }

    /// The version of a write, if somebody was told.
    pub fn of(&self, key: Key, write: WriteId) -> Option<Version> {
        self.of_writes.get(&(key, write)).copied()
    }

    /// Checks a stretch of history behind which no call is left to be decided.
    ///
    /// # Errors
    /// Two writes of a key, or two appends to a shard, one after the other, whose versions fell.
    pub fn check(&mut self, entries: &[Entry]) -> Result<(), String> {
        let mut by_line: HashMap<Line, Vec<(Moment, Moment, Version)>> = HashMap::new();
        for entry in entries {
            for (line, version) in self.written(entry) {
                by_line.entry(line).or_default().push((entry.began, entry.ended, version));
            }
        }
        for (line, mut writes) in by_line {
            writes.sort_unstable();
            let highest = self.highest.entry(line).or_default();
            // In the order of their ends: how high versions were when a write began.
            let mut ends: Vec<_> =
                writes.iter().map(|&(_, ended, version)| (ended, version)).collect();
            ends.sort_unstable();
            let mut ends = ends.into_iter().peekable();
            for (began, _, version) in writes {
                while let Some((_, ended)) = ends.next_if(|(ended, _)| *ended < began) {
                    *highest = (*highest).max(ended);
                }
                if version <= *highest {
                    return Err(format!(
                        "a write of {line:?} at {began} got version {version}, an earlier one {highest}"
                    ));
                }
            }
            ends.for_each(|(_, version)| *highest = (*highest).max(version));
        }
        Ok(())
    }

    /// The acknowledged writes of an entry whose versions are known.
    fn written(&self, entry: &Entry) -> Vec<(Line, Version)> {
        let Some(answer) = &entry.answer else { return Vec::new() };
        let puts = |(cell, write): (Cell, Option<WriteId>)| match cell {
            Cell::Key(key) => Some((Line::Key(key), *self.of_writes.get(&(key, write?))?)),
            Cell::Appended(_) => {
                let &(version, shard) = self.of_appends.get(&write?)?;
                Some((Line::Feed(shard?), version))
            }
        };
        State::changes_of(&entry.call, answer).into_iter().filter_map(puts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Answer, Call, Change};

    fn put(began: Moment, ended: Moment, write: WriteId) -> Entry {
        let call = Call::Write(vec![Change { key: 0, write: Some(write), when: None }]);
        Entry { client: 0, call, began, ended, answer: Some(Answer::Applied) }
    }

    fn learnt(pairs: &[(WriteId, Version)]) -> Versions {
        let mut versions = Versions::default();
        for &(write, version) in pairs {
            versions.learn(0, write, version).expect("the first time");
        }
        versions
    }

    #[test]
    fn a_write_has_one_version() {
        let mut versions = learnt(&[(1, 10)]);
        assert!(versions.learn(0, 1, 10).is_ok() && versions.learn(0, 1, 11).is_err());
    }

    #[test]
    fn versions_rise_unless_writes_overlap() {
        let history = [put(1, 4, 1), put(2, 5, 2), put(6, 7, 3)];
        assert!(learnt(&[(1, 11), (2, 10), (3, 12)]).check(&history).is_ok());
        assert!(learnt(&[(1, 11), (2, 10), (3, 9)]).check(&history).is_err());
        let mut over_a_restart = learnt(&[(1, 11), (2, 10), (3, 9)]);
        over_a_restart.check(&history[..2]).expect("these two overlap");
        assert!(over_a_restart.check(&history[2..]).is_err());
    }
}
