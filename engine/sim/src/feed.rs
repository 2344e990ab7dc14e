//! Readers of the shards' own ranges: what they have seen of what was appended, and may trim. Each goes only
//! forward, from the last one that any of them saw, and must miss nothing. Not how appends are decided: see
//! `operation::several`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;
use flywheel_shard::{
    Direction, ScanPage, ScanRequest, Version, Versioned, Write, WriteBatch, own_prefix,
};

use crate::client::Client;
use crate::keys::{self, WriteId};
use crate::state::{Answer, Call};

/// The one stem that is appended under.
const STEM: &[u8] = b"log/";

/// An append that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// In whose own range it stands.
    pub shard: u16,
    /// Its version.
    pub version: Version,
    /// The write that it tells of.
    pub write: WriteId,
}

/// What was seen of all own ranges, over all lives.
#[derive(Debug, Default)]
pub struct Feeds {
    of_shards: RefCell<BTreeMap<u16, Feed>>,
}

#[derive(Debug, Default)]
struct Feed {
    /// All up to here was seen.
    cursor: Version,
    seen: BTreeSet<(Version, WriteId)>,
    not_trimmed: BTreeSet<(Version, WriteId)>,
}

impl Feeds {
    /// Checks an append that was found with no call under way: it was seen if readers have passed it.
    ///
    /// # Errors
    /// If they missed it.
    pub fn check(&self, found: Appended) -> Result<(), String> {
        let Appended { shard, version, write } = found;
        match self.of_shards.borrow().get(&shard) {
            Some(feed) if version <= feed.cursor && !feed.seen.contains(&(version, write)) => {
                let cursor = feed.cursor;
                Err(format!("readers came to {cursor} on shard {shard} and missed {found:?}"))
            }
            _ => Ok(()),
        }
    }

    fn cursor(&self, shard: u16) -> Version {
        self.of_shards.borrow().get(&shard).map_or(0, |feed| feed.cursor)
    }

    fn saw(&self, shard: u16, page: &[Appended]) {
        let mut feeds = self.of_shards.borrow_mut();
        let feed = feeds.entry(shard).or_default();
        for &Appended { version, write, .. } in page {
            feed.cursor = feed.cursor.max(version);
            if feed.seen.insert((version, write)) {
                feed.not_trimmed.insert((version, write));
            }
        }
    }

    fn to_trim(&self, shard: u16, most: usize) -> Vec<(Version, WriteId)> {
        let feeds = self.of_shards.borrow();
        feeds
            .get(&shard)
            .map_or_else(Vec::new, |feed| feed.not_trimmed.iter().take(most).copied().collect())
    }

    fn trimmed(&self, shard: u16, gone: &[(Version, WriteId)]) {
        let mut feeds = self.of_shards.borrow_mut();
        let feed = feeds.entry(shard).or_default();
        feed.not_trimmed.retain(|one| !gone.contains(one));
    }
}

/// What a key tells of an append; `None` if it is no such key.
///
/// # Errors
/// What is wrong with it.
pub fn read(key: &[u8], item: &Versioned) -> Option<Result<Appended, String>> {
    if key.first() != Some(&0) {
        return None;
    }
    let shard = key.get(1..3).map_or(0, |number| u16::from_be_bytes([number[0], number[1]]));
    let version = item.version;
    if *key != *key_of(shard, version) {
        return Some(Err(format!("{key:?} stands where appends do, with version {version}")));
    }
    Some(keys::writer(&item.value).map(|write| Appended { shard, version, write }))
}

/// What appends stand under.
pub fn stem() -> Bytes {
    Bytes::from_static(STEM)
}

fn key_of(shard: u16, version: Version) -> Bytes {
    Bytes::from([&own_prefix(shard)[..], STEM, &version.to_be_bytes()].concat())
}

impl Client {
    /// Reads what was appended to a shard's own range since somebody last looked.
    pub async fn follow(&self, shard: u16, max_items: usize) {
        let cursor = self.run().record.feeds.cursor(shard);
        let request = ScanRequest {
            start: Bound::Excluded(key_of(shard, cursor)),
            end: Bound::Included(key_of(shard, Version::MAX)),
            direction: Direction::Forward,
            max_items,
            max_bytes: usize::MAX,
        };
        // What is seen is noted once it is known.
        let id = self.begin(Call::Write(vec![]));
        match self.handle().scan(request).await {
            Ok(page) => match read_page(&page, shard, cursor, max_items) {
                Ok(appended) => {
                    self.run().record.feeds.saw(shard, &appended);
                    self.run().heed(self.run().record.journal.answer_feed(id, &appended));
                }
                Err(problem) => self.run().fail(problem),
            },
            Err(error) => self.failed(id, &error),
        }
    }

    /// Deletes some of what was seen in a shard's own range, the oldest first.
    pub async fn trim(&self, shard: u16, most: usize) {
        let old = self.run().record.feeds.to_trim(shard, most);
        if old.is_empty() {
            return;
        }
        let delete = |&(version, _): &(Version, WriteId)| Write {
            key: key_of(shard, version),
            value: None,
            condition: None,
        };
        let batch = WriteBatch { writes: old.iter().map(delete).collect() };
        let id = self.begin(Call::Trim(old.iter().map(|&(_, write)| write).collect()));
        match self.handle().write(batch).await {
            Ok(_) => {
                self.run().record.feeds.trimmed(shard, &old);
                self.told(id, Answer::Applied, vec![]);
            }
            Err(error) => self.failed(id, &error),
        }
    }
}

fn read_page(
    page: &ScanPage,
    shard: u16,
    cursor: Version,
    max_items: usize,
) -> Result<Vec<Appended>, String> {
    let read = |(key, item): &(Bytes, Versioned)| {
        read(key, item).unwrap_or_else(|| Err(format!("{key:?} stands among appends")))
    };
    let appended = page.items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut last = cursor;
    for one in &appended {
        if one.shard != shard || one.version <= last {
            return Err(format!("{one:?} behind {last} in the own range of shard {shard}"));
        }
        last = one.version;
    }
    if appended.len() > max_items || (page.more && appended.is_empty()) {
        return Err(format!("{} appends of {max_items}, more: {}", appended.len(), page.more));
    }
    Ok(appended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_passed_and_did_not_see_was_missed() {
        let feeds = Feeds::default();
        let one = |version, write| Appended { shard: 1, version, write };
        feeds.saw(1, &[one(4, 7), one(9, 8)]);
        assert!(feeds.check(one(4, 7)).is_ok() && feeds.check(one(10, 9)).is_ok());
        assert!(feeds.check(one(5, 9)).is_err() && feeds.check(one(4, 9)).is_err());
        assert!(feeds.check(Appended { shard: 0, ..one(5, 9) }).is_ok());
        assert_eq!((feeds.cursor(1), feeds.cursor(0)), (9, 0));
        feeds.trimmed(1, &feeds.to_trim(1, 1));
        assert_eq!(feeds.to_trim(1, 5), [(9, 8)]);
    }

    #[test]
    fn keys_of_appends_carry_shard_and_version() {
        let item = |version| Versioned { version, value: keys::value(5, 20) };
        let good = Appended { shard: 2, version: 77, write: 5 };
        assert_eq!(read(&key_of(2, 77), &item(77)), Some(Ok(good)));
        assert!(read(&key_of(2, 77), &item(78)).expect("an append").is_err());
        assert_eq!(read(b"a00000", &item(77)), None);
    }
}
