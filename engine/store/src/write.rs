//! Writes: batches, conditions, read-modify-writes, changes of partitions. Decided here, at the owner
//! of the keys, against the newest version; made durable by `commit`.
//!
//! A decision and the append that follows from it happen without waiting in between, so no other
//! write can slip in. What was decided on a version that is not yet durable is answered only once it
//! is: nobody learns of a write that a power loss could still undo.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::canary::{self, Canary};

use crate::cold::Brought;
use crate::core::{Core, Newest};
use crate::error::StoreError;
use crate::format::meta::Meta;
use crate::format::record;
use crate::index::{Location, Page};
use crate::limits::{MAX_COUNTER, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::log::Pending;
use crate::pins::Pin;
use crate::space::Need;
use crate::sync::Done;
use crate::types::{
    Change, Condition, ImportedRecord, Version, Versioned, Write, WriteBatch, WriteOutcome,
};

/// What became of a read-modify-write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modified {
    /// The version written, of several effects the first one's: the n-th has this one `+ n`. `None` if
    /// everything was kept as it was.
    pub version: Option<Version>,
    /// What the change was made from.
    pub before: Option<Versioned>,
}

/// A write that has been decided, and is on its way to the disk or needs not go there.
#[must_use = "nobody may learn of it before it is durable"]
pub struct Started<T> {
    outcome: Result<T, StoreError>,
    /// Done once all that the outcome tells of is durable; `None` if it is already.
    mark: Option<Rc<Done>>,
}

impl<T> Started<T> {
    /// Has `call` called with the outcome, once it is durable. Without a call there will be no outcome: the
    /// store has come to its end.
    pub fn when_durable(self, call: impl FnOnce(Result<T, StoreError>) + 'static)
    where
        T: 'static,
    {
        let Self { outcome, mark } = self;
        match mark {
            None => call(outcome),
            Some(mark) => mark.then(move |durable| call(durable.and(outcome))),
        }
    }

    /// Waits for that.
    async fn durable(self) -> Result<T, StoreError> {
        if let Some(mark) = self.mark {
            mark.wait().await?;
        }
        self.outcome
    }
}

impl<T> fmt::Debug for Started<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

impl<W: World> Core<W> {
    /// A batch that can be decided without waiting for anything; gives it back otherwise.
    pub(crate) fn write_at_once(
        &self,
        batch: WriteBatch,
    ) -> Result<Started<WriteOutcome>, WriteBatch> {
        let Ok(bytes) =
            self.check_writes(batch.writes.iter().map(|one| (&one.key, one.value.as_ref())))
        else {
            return Err(batch);
        };
        // Pages of the index that are not there are brought by who can wait for them.
        let may_wait = self.index.is_bounded() || !self.has_room(bytes, need_of(&batch));
        if may_wait || batch.writes.is_empty() {
            return Err(batch);
        }
        match self.decide(&batch.writes, &[]) {
            Ok(Decision::Apply) => Ok(self.begin(batch)),
            _ => Err(batch),
        }
    }

    /// Adds a batch whose conditions hold to the log.
    fn begin(&self, batch: WriteBatch) -> Started<WriteOutcome> {
        self.counters.writes.add(batch.writes.len() as u64);
        let first_version = self.take_versions(batch.writes.len());
        let pending = batch.writes.into_iter().zip(first_version..).map(|(write, version)| {
            self.count_user_bytes(&write.key, write.value.as_ref());
            Pending::Item { key: write.key, value: write.value, version }
        });
        let mark = Some(self.append(pending.collect()));
        Started { outcome: Ok(WriteOutcome::Applied { first_version }), mark }
    }

    pub(crate) async fn write(&self, batch: WriteBatch) -> Result<WriteOutcome, StoreError> {
        let bytes =
            self.check_writes(batch.writes.iter().map(|one| (&one.key, one.value.as_ref())))?;
        if batch.writes.is_empty() {
            return Ok(WriteOutcome::Applied { first_version: 0 });
        }
        let need = need_of(&batch);
        // Before the log takes it: once durable, it would keep others waiting for its pages.
        self.index_room().await;
        self.bring_keys(batch.writes.iter().map(|write| &*write.key)).await;
        // What was read stays where it is while we wait for room: each with a pin of its own.
        let (mut known, mut pins) = (Vec::new(), Vec::new());
        let mut brought = Brought::default();
        loop {
            self.room(bytes, need).await?;
            match self.decide(&batch.writes, &known)? {
                Decision::Apply => break,
                Decision::Bring(page) => brought.bring(self, page).await?,
                Decision::Look(key, location) => {
                    pins.push(self.pins.pin());
                    let pin = self.pins.pin();
                    known.push((location, self.fetch(&key, location, pin).await?));
                }
                Decision::Fail { write, current, basis } => {
                    for done in basis {
                        if !canary::sings(Canary::AnswerUndecided) {
                            done.wait().await?;
                        }
                    }
                    return Ok(WriteOutcome::ConditionFailed { write, current });
                }
            }
        }
        self.begin(batch).durable().await
    }

    /// A change that can be made without waiting for anything; `None`, and `change` not called, otherwise.
    pub(crate) fn modify_at_once(
        &self,
        key: &Bytes,
        change: impl FnOnce(Option<&Versioned>) -> Change,
    ) -> Option<Started<Modified>> {
        if check_key(key).is_err() || self.must_wait_for_index() || !self.has_room(0, Need::Items) {
            return None;
        }
        let (before, basis) = match self.newest(key) {
            Ok(Newest::Unsettled { value, done }) => (value, Some(done)),
            Ok(Newest::Cached(cached)) => (Some(cached), None),
            Ok(Newest::Absent) => (None, None),
            Ok(Newest::Cold(_) | Newest::OnDisk(_)) | Err(_) => return None,
        };
        Some(self.change(key.clone(), before, basis, change))
    }

    pub(crate) async fn modify(
        &self,
        key: Bytes,
        change: impl FnOnce(Option<&Versioned>) -> Change,
    ) -> Result<Modified, StoreError> {
        check_key(&key)?;
        self.index_room().await;
        let mut brought = Brought::default();
        let mut known: Option<(Location, Versioned, Pin)> = None;
        // What reads is boxed: most changes read nothing, and a task without it is a third as large.
        let (before, basis) = loop {
            self.room(0, Need::Items).await?;
            match self.newest(&key)? {
                Newest::Unsettled { value, done } => break (value, Some(done)),
                Newest::Cached(cached) => break (Some(cached), None),
                Newest::Absent => break (None, None),
                Newest::Cold(page) => Box::pin(brought.bring(self, page)).await?,
                Newest::OnDisk(location) => match known.take() {
                    Some((at, versioned, _)) if at == location => break (Some(versioned), None),
                    _ => {
                        // Nothing else can stand at the location while it is pinned.
                        let (kept, pin) = (self.pins.pin(), self.pins.pin());
                        let versioned = Box::pin(self.fetch(&key, location, pin)).await?;
                        known = Some((location, versioned, kept));
                    }
                },
            }
        };
        self.change(key, before, basis, change).durable().await
    }

    /// Makes a change of what is there; `basis` is done once that is durable.
    fn change(
        &self,
        key: Bytes,
        before: Option<Versioned>,
        basis: Option<Rc<Done>>,
        change: impl FnOnce(Option<&Versioned>) -> Change,
    ) -> Started<Modified> {
        match self.apply(key, change(before.as_ref())) {
            Ok(Some((version, done))) => Started {
                outcome: Ok(Modified { version: Some(version), before }),
                mark: Some(done),
            },
            Ok(None) => Started { outcome: Ok(Modified { version: None, before }), mark: basis },
            // It may say something of a value that is not durable.
            Err(error) => Started { outcome: Err(error), mark: basis },
        }
    }

    /// Adds what was decided of `key` to the log: its first version, and the mark that is done once it is
    /// durable. `None` if everything is kept.
    fn apply(&self, key: Bytes, change: Change) -> Result<Option<(Version, Rc<Done>)>, StoreError> {
        let value = match change {
            Change::Put(value) => Some(value),
            Change::Delete => None,
            Change::Keep => return Ok(None),
            Change::Several(effects) => return self.apply_several(effects),
        };
        check_value(value.as_ref())?;
        self.check_bytes(record_bytes(&key, value.as_ref()))?;
        self.counters.writes.add(1);
        self.count_user_bytes(&key, value.as_ref());
        let version = self.take_versions(1);
        Ok(Some((version, self.append(vec![Pending::Item { key, value, version }]))))
    }

    /// Writes records under the versions they have on another shard.
    pub(crate) async fn import(&self, records: Vec<ImportedRecord>) -> Result<(), StoreError> {
        let mut done: Vec<Rc<Done>> = Vec::new();
        self.index_room().await;
        self.bring_keys(records.iter().map(|record| &*record.key)).await;
        for ImportedRecord { key, version, value } in records {
            check_key(&key)?;
            check_value(value.as_ref())?;
            check_version(version)?;
            let bytes = record_bytes(&key, value.as_ref());
            self.check_bytes(bytes)?;
            self.room(bytes, Need::Items).await?;
            {
                let mut log = self.log.borrow_mut();
                log.next_version = log.next_version.max(version + 1);
            }
            let joined = self.append(vec![Pending::Item { key, value, version }]);
            if done.last().is_none_or(|last| !Rc::ptr_eq(last, &joined)) {
                done.push(joined);
            }
        }
        // Each group's mark: an early one may have been refused on a disk that was full for a while.
        for group in done {
            group.wait().await?;
        }
        Ok(())
    }

    /// Makes a change of partitions, durably, after all writes decided before it.
    pub(crate) async fn change_partitions(&self, change: Meta) -> Result<(), StoreError> {
        let _turn = self.partition_changes.enter().await;
        let drops = matches!(change, Meta::Drop(_));
        self.check_writable(if drops { Need::Upkeep } else { Need::Items })?;
        self.table.borrow().check(&change)?;
        let encoded = change.encode();
        self.append(vec![Pending::Partition { change, encoded }]).wait().await
    }

    /// Checks keys and values that are to be written at once; returns how many bytes their records take.
    pub(crate) fn check_writes<'w>(
        &self,
        writes: impl Iterator<Item = (&'w Bytes, Option<&'w Bytes>)> + Clone,
    ) -> Result<usize, StoreError> {
        let (mut bytes, mut count) = (0, 0);
        for (key, value) in writes.clone() {
            check_key(key)?;
            check_value(value)?;
            bytes += record_bytes(key, value);
            count += 1;
        }
        self.check_bytes(bytes)?;
        if count > 1 {
            let mut keys: Vec<&[u8]> = writes.map(|(key, _)| &**key).collect();
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(StoreError::BadRequest("a batch writes a key twice".into()));
            }
        }
        Ok(bytes)
    }

    fn check_bytes(&self, bytes: usize) -> Result<(), StoreError> {
        let max_bytes = self.options.max_batch_bytes();
        if bytes > max_bytes {
            return Err(StoreError::BadRequest(format!(
                "a batch takes at most {max_bytes} bytes of records here, this one has {bytes}"
            )));
        }
        Ok(())
    }

    /// Whether all conditions hold, as far as can be told without reading.
    fn decide(
        &self,
        writes: &[Write],
        known: &[(Location, Versioned)],
    ) -> Result<Decision, StoreError> {
        let mut basis = Vec::new();
        for (position, Write { key, condition, .. }) in writes.iter().enumerate() {
            let Some(condition) = condition else {
                if self.table.borrow().find(key).is_none() {
                    return Err(StoreError::NotOwned);
                }
                continue;
            };
            let current = match self.newest(key)? {
                Newest::Unsettled { value, done } => {
                    basis.push(done);
                    value
                }
                Newest::Cached(cached) => Some(cached),
                Newest::Absent => None,
                Newest::Cold(page) => return Ok(Decision::Bring(page)),
                Newest::OnDisk(_) if *condition == Condition::Exists => continue,
                Newest::OnDisk(location) => match known.iter().find(|(at, _)| *at == location) {
                    Some((_, versioned)) => Some(versioned.clone()),
                    None => return Ok(Decision::Look(key.clone(), location)),
                },
            };
            let holds = match condition {
                Condition::Exists => current.is_some(),
                Condition::Absent => current.is_none(),
                Condition::VersionIs(version) => {
                    current.as_ref().is_some_and(|current| current.version == *version)
                }
            };
            if !holds {
                return Ok(Decision::Fail { write: position, current, basis });
            }
        }
        Ok(Decision::Apply)
    }

    pub(crate) fn count_user_bytes(&self, key: &Bytes, value: Option<&Bytes>) {
        let bytes = key.len() + value.map_or(0, Bytes::len);
        self.counters.user_bytes_written.add(bytes as u64);
    }
}

/// What is kept free for a batch on a full disk.
fn need_of(batch: &WriteBatch) -> Need {
    let deletes = batch.writes.iter().all(|write| write.value.is_none());
    if deletes { Need::Deletes } else { Need::Items }
}

/// What to do with a batch.
enum Decision {
    /// All conditions hold.
    Apply,
    /// Have the index take in this page first.
    Bring(Page),
    /// Read this record first.
    Look(Bytes, Location),
    /// A condition does not hold. Answer only once all that was looked at is durable: that a later
    /// condition failed says that the earlier ones held.
    Fail { write: usize, current: Option<Versioned>, basis: Vec<Rc<Done>> },
}

pub(crate) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        let what = format!("a key has 1 to {MAX_KEY_BYTES} bytes, this one {}", key.len());
        return Err(StoreError::BadRequest(what));
    }
    Ok(())
}

/// Versions only rise: one near the end of the numbers would leave none for the writes to come.
fn check_version(version: Version) -> Result<(), StoreError> {
    if version > MAX_COUNTER {
        let what = format!("a version is at most {MAX_COUNTER}, this one {version}");
        return Err(StoreError::BadRequest(what));
    }
    Ok(())
}

fn record_bytes(key: &Bytes, value: Option<&Bytes>) -> usize {
    record::encoded_bytes(key.len(), value.map_or(0, Bytes::len))
}

fn check_value(value: Option<&Bytes>) -> Result<(), StoreError> {
    match value {
        Some(value) if value.len() > MAX_VALUE_BYTES => Err(StoreError::BadRequest(format!(
            "a value has at most {MAX_VALUE_BYTES} bytes, this one {}",
            value.len()
        ))),
        _ => Ok(()),
    }
}
