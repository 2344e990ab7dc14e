//! What to make of an item that is found held: which of its two states counts, and if nobody carries the
//! transaction out any more, ending it for this item.

use bytes::Bytes;
use flywheel_shard::canary::{self, Canary};
use flywheel_shard::{Condition, Version, Write, WriteBatch, WriteOutcome};

use super::TransactionName;
use super::active::Stage;
use super::held::Held;
use super::ledger::{Decision, Record};
use crate::keys;
use crate::storage::{Storage, StorageError};
use crate::tables::Tables;

impl<S: Storage> Tables<S> {
    /// The item that stands at `key`, as it is stored; `None` for none.
    pub(crate) async fn stored(&self, key: &Bytes) -> Result<Option<Bytes>, StorageError> {
        Ok(self.versioned(key).await?.0)
    }

    /// The same, and the version of what was found: of what stands there, held or not. No version if nothing
    /// stands there; `None` in place of the item's bytes if it is held and undecided, is what it was.
    pub(crate) async fn versioned(
        &self,
        key: &Bytes,
    ) -> Result<(Option<Bytes>, Option<Version>, IsHeld), StorageError> {
        let mut seen: Option<Version> = None;
        loop {
            let Some(found) = self.storage().get(key.clone()).await? else {
                return Ok((None, None, IsHeld(false)));
            };
            let Some(held) = Held::decode(&found.value) else {
                return Ok((Some(found.value), Some(found.version), IsHeld(false)));
            };
            match self.transactions().stage(&held.by) {
                Some(Stage::Undecided) if !canary::sings(Canary::ReadUndecided) => {
                    return Ok((held.aborted(), Some(found.version), IsHeld(true)));
                }
                Some(_) => {
                    return Ok((held.committed(), Some(found.version), IsHeld(true)));
                }
                // It may just have ended: then the item is another by now.
                None if seen != Some(found.version) => seen = Some(found.version),
                None => self.settle(key, &held).await?,
            }
        }
    }

    /// Whether bytes that were found at `key` are an item's; else what they are, read again.
    pub(crate) async fn visible(
        &self,
        key: &Bytes,
        value: Bytes,
    ) -> Result<Option<Bytes>, StorageError> {
        match Held::decode(&value) {
            None => Ok(Some(value)),
            Some(held) => match self.transactions().stage(&held.by) {
                Some(Stage::Undecided) => Ok(held.aborted()),
                Some(Stage::Committed) => Ok(held.committed()),
                None => self.stored(key).await,
            },
        }
    }

    /// Ends a transaction that nobody carries out for the item that it holds.
    pub(crate) async fn settle(&self, key: &Bytes, held: &Held) -> Result<(), StorageError> {
        match self.decision(held.by).await? {
            Decision::Committed => self.apply_held(key, held.by).await,
            Decision::Aborted => self.take_back(key, held.by).await,
        }
    }

    /// Ends a transaction that was left, for all items that it may hold.
    pub(crate) async fn settle_left(
        &self,
        name: TransactionName,
        keys: &[Bytes],
    ) -> Result<(), StorageError> {
        match self.decision(name).await? {
            Decision::Committed => {
                for key in keys {
                    self.apply_held(key, name).await?;
                }
            }
            Decision::Aborted => self.take_all_back(name, keys).await?,
        }
        let Some(found) = self.storage().get(keys::ledger_record(&name)).await? else {
            return Ok(());
        };
        let record = Record::decode(found.value).ok_or_else(|| unreadable(&name))?;
        if record.attempt == name.attempt {
            self.transactions().done(name, record.kept_until_ms(&name));
        }
        Ok(())
    }

    /// What the ledger says of a transaction that nobody carries out: that it is aborted, if it did not say
    /// that it is committed.
    async fn decision(&self, name: TransactionName) -> Result<Decision, StorageError> {
        let key = keys::ledger_record(&name);
        loop {
            let found = self.storage().get(key.clone()).await?;
            let condition = match &found {
                None => Condition::Absent,
                Some(found) => {
                    let record =
                        Record::decode(found.value.clone()).ok_or_else(|| unreadable(&name))?;
                    if record.attempt == name.attempt {
                        return Ok(record.decision);
                    }
                    // What another attempt committed this one did not, and never will: it began before. What
                    // another attempt did not, this one may be about to.
                    if record.decision == Decision::Committed {
                        if self.now_ms() < record.kept_until_ms(&name) {
                            return Ok(Decision::Aborted);
                        }
                        // Nobody learns of it any more once it is replaced.
                        self.apply_all(record.name(name), &record.places).await?;
                    }
                    Condition::VersionIs(found.version)
                }
            };
            let record = Record::aborted(name.attempt, self.now_ms());
            let (value, condition) = (Some(record.encode()), Some(condition));
            let put = Write { key: key.clone(), value, condition };
            let outcome = self.storage().write(WriteBatch { writes: vec![put] }).await?;
            if matches!(outcome, WriteOutcome::Applied { .. }) {
                self.transactions().done(name, record.kept_until_ms(&name));
                return Ok(Decision::Aborted);
            }
        }
    }
}

/// Whether what was read is held by a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsHeld(pub bool);

pub(crate) fn unreadable(name: &TransactionName) -> StorageError {
    StorageError::Fault(format!("the ledger's record of transaction {name:?} cannot be read"))
}
