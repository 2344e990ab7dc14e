//! The several effects of one read-modify-write: from what was decided to changes of the log. Not the
//! decision, nor how long it waits: see `write`.
//!
//! Versions are given out, keys that end in them are made, and all is added to the log without waiting in
//! between. So what is appended under one stem stands there in the order in which it was decided; and since the
//! index is applied in the log's order, that is also the order in which it comes to be seen.

use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::World;

use crate::core::Core;
use crate::error::StoreError;
use crate::log::Pending;
use crate::sync::Done;
use crate::types::{Effect, Version};

/// The first bytes of all keys in the own range of a shard: a zero, and its number, big-endian.
pub fn own_prefix(shard: u16) -> [u8; 3] {
    let [high, low] = shard.to_be_bytes();
    [0, high, low]
}

impl<W: World> Core<W> {
    /// Adds all effects to the log, as one atomic whole, or none. The first one's version, and the mark that is
    /// done once they are durable; `None` if there is no effect.
    pub(crate) fn apply_several(
        &self,
        effects: Vec<Effect>,
    ) -> Result<Option<(Version, Rc<Done>)>, StoreError> {
        if effects.is_empty() {
            return Ok(None);
        }
        let first = self.log.borrow().next_version;
        let count = effects.len();
        let numbered = effects.into_iter().zip(first..);
        let pending: Vec<Pending> =
            numbered.map(|(effect, version)| self.pending(effect, version)).collect();
        self.check_writes(pending.iter().filter_map(Pending::item))?;
        self.check_owned(&pending)?;
        for (key, value) in pending.iter().filter_map(Pending::item) {
            self.count_user_bytes(key, value);
        }
        self.counters.writes.add(count as u64);
        self.take_versions(count);
        Ok(Some((first, self.append(pending))))
    }

    fn pending(&self, effect: Effect, version: Version) -> Pending {
        match effect {
            Effect::Put { key, value } => Pending::Item { key, value: Some(value), version },
            Effect::Delete { key } => Pending::Item { key, value: None, version },
            Effect::Append { stem, value } => {
                let prefix = own_prefix(self.options.shard);
                let key = [&prefix[..], &stem, &version.to_be_bytes()].concat();
                Pending::Item { key: Bytes::from(key), value: Some(value), version }
            }
        }
    }

    fn check_owned(&self, pending: &[Pending]) -> Result<(), StoreError> {
        let table = self.table.borrow();
        let mut keys = pending.iter().filter_map(Pending::item).map(|(key, _)| key);
        if keys.all(|key| table.find(key).is_some()) { Ok(()) } else { Err(StoreError::NotOwned) }
    }
}
