//! A directory on the real disk that nobody has open, held so that nobody opens it. Not an engine: no
//! shard runs.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use flywheel_disk::{DirectoryLock, host};

use super::bootstrap::on_a_core;
use crate::directory::{self, Found, Identity};
use crate::error::ShardError;
use crate::offline::{self, DirectoryCheck, Loss, OfflineProgress, SalvageReport};

/// Told how far it is, from another thread.
pub type OfflineCallback = Arc<dyn Fn(OfflineProgress) + Send + Sync>;

/// A directory that is ours, and not open, until this is dropped.
#[derive(Debug)]
pub struct Offline {
    directory: PathBuf,
    identity: Identity,
    _lock: DirectoryLock,
}

impl Offline {
    /// Takes a directory without opening it. Nothing in it is changed, but for an empty lock file where
    /// there was none.
    ///
    /// # Errors
    /// [`ShardError::BadDirectory`] if there is none, it is not ours, or its creation was never
    /// finished; [`ShardError::Store`] if somebody has it open or the host cannot read it.
    pub fn take(directory: &Path) -> Result<Self, ShardError> {
        host::check_kernel(directory)?;
        let own = directory.to_owned();
        let (identity, lock) = on_a_core(async move |world| {
            // Looked at before it is locked: what is not ours is left exactly as it was.
            directory::look(&world, &own).await.and_then(|found| whole(&own, found))?;
            let lock = DirectoryLock::acquire(&own)?;
            let found = directory::look(&world, &own).await?;
            Ok((whole(&own, found)?, lock))
        })?;
        Ok(Self { directory: directory.to_owned(), identity, _lock: lock })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Reads all that opening it would read, and every live record; changes nothing.
    ///
    /// # Errors
    /// If it cannot be checked; what is damaged is in the answer.
    pub fn check(&self, progress: OfflineCallback) -> Result<DirectoryCheck, ShardError> {
        let (directory, identity) = (self.directory.clone(), self.identity.clone());
        on_a_core(async move |world| {
            let told = Rc::new(move |at| progress(at));
            offline::check(&world, &directory, &identity, told).await
        })
    }

    /// Copies all that can be salvaged into a new directory, `into`, which must be empty or missing,
    /// and tells `sink` what cannot. This directory is only read.
    ///
    /// # Errors
    /// [`ShardError::BadDirectory`] if `into` is not empty; faults of the disk.
    pub fn salvage(
        &self,
        into: &Path,
        mut sink: impl FnMut(Loss) + Send + 'static,
        progress: OfflineCallback,
    ) -> Result<SalvageReport, ShardError> {
        let (from, identity) = (self.directory.clone(), self.identity.clone());
        let into = into.to_owned();
        on_a_core(async move |world| {
            if directory::look(&world, &into).await? != Found::Nothing {
                return Err(directory::bad(&into, "not empty; delete it first"));
            }
            let told = move |at| progress(at);
            offline::salvage(&world, &from, &identity, &into, &mut sink, &told).await
        })
    }
}

fn whole(directory: &Path, found: Found) -> Result<Identity, ShardError> {
    match found {
        Found::Whole(identity) => Ok(identity),
        Found::Nothing => Err(directory::bad(directory, "there is no Flywheel directory here")),
        Found::Unfinished(_) => {
            let problem = "its creation was interrupted before anything was acknowledged; opening \
                           it starts over";
            Err(directory::bad(directory, problem))
        }
    }
}
