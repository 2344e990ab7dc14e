//! Who waits until something is appended to this shard's own range. Not what is appended: whoever waits reads
//! that with scans.
//!
//! A wait costs a control message, an append that somebody waits for a reply, and every other write nothing.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use flywheel_disk::World;
use flywheel_store::Version;

use super::Shard;
use crate::error::ShardError;
use crate::limits::MAX_FEED_WAITERS;
use crate::request::ControlReply;

/// Those who wait, each for something above a version.
#[derive(Default)]
pub(super) struct Feed {
    waiting: RefCell<Vec<(Version, ControlReply<Version>)>>,
}

impl Feed {
    /// Tells all that nothing more will come.
    pub fn close(&self) {
        self.waiting.take();
    }
}

impl<W: World> Shard<W> {
    /// Something was appended under `version`, durably, and can be read.
    pub(super) fn note_appended(&self, version: Version) {
        let highest = &self.inbox.appended;
        // Nobody else writes it. A task may come to tell of an earlier append later.
        if version <= highest.load(Ordering::Relaxed) {
            return;
        }
        highest.store(version, Ordering::Release);
        let mut waiting = self.feed.waiting.borrow_mut();
        for (_, reply) in waiting.extract_if(.., |(after, _)| *after < version) {
            reply.send(Ok(version));
        }
    }

    /// Answers once something was appended above `after`.
    pub(super) fn wait_for_append(&self, after: Version, reply: ControlReply<Version>) {
        let highest = self.inbox.appended.load(Ordering::Relaxed);
        if highest > after {
            return reply.send(Ok(highest));
        }
        if self.fleet().is_closing() {
            return reply.send(Err(ShardError::Closed));
        }
        let mut waiting = self.feed.waiting.borrow_mut();
        if waiting.len() >= MAX_FEED_WAITERS {
            waiting.retain(|(_, reply)| reply.is_awaited());
        }
        if waiting.len() >= MAX_FEED_WAITERS {
            return reply
                .send(Err(ShardError::Busy("a shard's list of those who wait for appends")));
        }
        waiting.push((after, reply));
    }
}
