//! Gathering: before a durable batch is applied, the index takes in all that the batch changes. It is applied
//! as one, or not at all: nothing can be brought in between. Writers bring theirs beforehand, so this is rare.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use flywheel_disk::{DiskError, DiskFault, World};
use futures_util::future::try_join_all;

use super::Brought;
use crate::core::Core;
use crate::error::StoreError;
use crate::index::{Leaf, Location, Page};
use crate::log::Pending;

type Read = Result<Vec<(Page, Leaf)>, StoreError>;

/// What is brought for one batch at a time.
pub(crate) struct Gather<W: World> {
    core: Rc<Core<W>>,
    reading: Option<Pin<Box<dyn Future<Output = Read>>>>,
    brought: Brought,
}

impl<W: World> Gather<W> {
    pub(crate) fn new(core: Rc<Core<W>>) -> Self {
        Self { core, reading: None, brought: Brought::default() }
    }

    /// Ready once the changes of a batch can be applied, which must be done at once. An error is the end of
    /// the log: a batch that cannot be applied holds up all behind it.
    pub(crate) fn poll(
        &mut self,
        changes: &[(Pending, Location)],
        context: &mut Context<'_>,
    ) -> Poll<Result<(), DiskError>> {
        if !self.core.index.is_bounded() {
            return Poll::Ready(Ok(()));
        }
        loop {
            if let Some(reading) = &mut self.reading {
                let Poll::Ready(read) = reading.as_mut().poll(context) else {
                    return Poll::Pending;
                };
                self.reading = None;
                match read {
                    Ok(read) => self.brought.add(read),
                    Err(error) => return Poll::Ready(Err(as_fault(error, &self.core.directory))),
                }
            }
            // Some may have been evicted again while others were read.
            self.brought.install(&self.core);
            let pages = self.missing(changes);
            if pages.is_empty() {
                self.brought = Brought::default();
                return Poll::Ready(Ok(()));
            }
            let core = self.core.clone();
            self.reading = Some(Box::pin(async move {
                let _pin = core.pages.pin();
                let read = async |page| Ok((page, core.read_page_surely(page).await?));
                try_join_all(pages.into_iter().map(read)).await
            }));
        }
    }

    /// Pages without which the changes cannot be applied.
    fn missing(&self, changes: &[(Pending, Location)]) -> BTreeSet<Page> {
        let all = changes.iter().flat_map(|(change, _)| change.touches());
        self.core.table.borrow().pages_needed(all)
    }
}

/// A page that cannot be read and that the store cannot do without.
pub(crate) fn stopping(error: StoreError, directory: &Path) -> StoreError {
    StoreError::Stopped(as_fault(error, directory))
}

fn as_fault(error: StoreError, directory: &Path) -> DiskError {
    match error {
        StoreError::Disk(error) => error,
        other => DiskError::new(DiskFault::Io, "reading the index", directory, other.to_string()),
    }
}
