//! Opening what became of an image and reading all of it; for a damaged one, that it says nothing that
//! was never written.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{
    Audit, Direction, ScanRequest, Store, StoreError, Versioned, WriteBatch, WriteOutcome,
};

use super::build::{Image, open};

/// What a store says under each key, where it says something.
type Said = BTreeMap<Bytes, Option<Versioned>>;

/// Opens and reads the disk; if `used`, also writes to it, closes it and opens it once more. Says whether
/// it opened.
///
/// # Panics
/// If the store says what nobody wrote, contradicts itself, or does not survive its own closing. Where
/// it was `forged`, only what the store itself panics at.
pub fn judge(image: &Image, disk: &SimDisk, forged: bool, used: bool) -> bool {
    let judge = Judge { image, forged };
    sim::run(7, disk, async |world| {
        let Ok(store) = open(&world).await else { return false };
        let mut said = judge.read(&store).await;
        if !used {
            return true;
        }
        said.extend(judge.write(&store).await);
        let closed = store.close().await;
        drop(store);
        if closed.is_ok() {
            judge.reopen(&world, &said).await;
        }
        true
    })
}

struct Judge<'a> {
    image: &'a Image,
    forged: bool,
}

impl Judge<'_> {
    fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        assert!(holds || self.forged, "{}", what());
    }

    /// Reads all there is, each item in every way.
    async fn read(&self, store: &Store<SimWorld>) -> Said {
        let audit = store.audit(Audit::Thorough);
        self.check(audit.is_ok(), || format!("an audit behind opening: {audit:?}"));
        let forward = store.scan(everything(Direction::Forward)).await;
        let backward = store.scan(everything(Direction::Backward)).await;
        let mut said = Said::new();
        for key in self.image.written.keys() {
            if let Ok(found) = store.get(key).await {
                self.check_written(key, found.as_ref());
                said.insert(key.clone(), found);
            }
        }
        let scanned = forward.map(|page| page.items).unwrap_or_default();
        for (key, versioned) in &scanned {
            self.check_written(key, Some(versioned));
            let got = said.get(key);
            self.check(got == Some(&Some(versioned.clone())), || {
                format!("{key:?}: {versioned:?} in a scan, {got:?} alone")
            });
        }
        if let Ok(mut page) = backward {
            page.items.reverse();
            self.check(page.items == scanned, || "a scan differs from its reverse".into());
        }
        said
    }

    fn check_written(&self, key: &Bytes, found: Option<&Versioned>) {
        let Some(found) = found else { return };
        let written = self.image.written.get(key);
        self.check(written.is_some_and(|all| all.contains(found)), || {
            format!("{key:?} holds {found:?}, which was never written there")
        });
    }

    /// Overwrites one key; what it holds then, if that was acknowledged.
    async fn write(&self, store: &Store<SimWorld>) -> Option<(Bytes, Option<Versioned>)> {
        let (key, value) = (self.image.written.keys().next()?.clone(), Bytes::from("later"));
        match store.write(WriteBatch::put(key.clone(), value.clone())).await {
            Ok(WriteOutcome::Applied { first_version }) => {
                Some((key, Some(Versioned { version: first_version, value })))
            }
            Ok(WriteOutcome::ConditionFailed { .. }) | Err(_) => None,
        }
    }

    async fn reopen(&self, world: &SimWorld, said: &Said) {
        let store = match open(world).await {
            Ok(store) => store,
            Err(error) => {
                self.check(false, || format!("closed in order, and then: {error}"));
                return;
            }
        };
        for (key, before) in said {
            let now: Result<Option<Versioned>, StoreError> = store.get(key).await;
            self.check(now.as_ref().is_ok_and(|now| now == before), || {
                format!("{key:?} held {before:?}, and behind closing: {now:?}")
            });
        }
    }
}

fn everything(direction: Direction) -> ScanRequest {
    ScanRequest {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
        direction,
        max_items: usize::MAX,
        max_bytes: usize::MAX,
    }
}
