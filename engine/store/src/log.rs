//! Forming commit groups: writes gather here until the commit loop takes them to the disk. Not the
//! disk's side of it: see `commit`.

use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;

use crate::format::meta::Meta;
use crate::format::record::{self, Record, RecordKind};
use crate::index::Location;
use crate::partitions::Touch;
use crate::space::Need;
use crate::sync::Done;
use crate::types::Version;

/// One change on its way into the log.
pub(crate) enum Pending {
    /// A key's new value, or `None` for its deletion.
    Item { key: Bytes, value: Option<Bytes>, version: Version },
    /// A change of partitions.
    Partition { change: Meta, encoded: Bytes },
    /// Compaction's new places for records.
    Relocation { moves: Vec<Move>, run_segment: u16, encoded: Bytes },
}

/// A record that compaction wrote anew.
pub(crate) struct Move {
    pub(crate) key: Bytes,
    pub(crate) from: Location,
    pub(crate) to: Location,
}

impl Pending {
    /// The record that stands for the change in the log.
    pub(crate) fn record(&self) -> Record<'_> {
        match self {
            Pending::Item { key, value, version } => Record {
                kind: if value.is_some() { RecordKind::Put } else { RecordKind::Tombstone },
                version: *version,
                key,
                value: value.as_deref().unwrap_or_default(),
            },
            Pending::Partition { encoded, .. } | Pending::Relocation { encoded, .. } => {
                Record { kind: RecordKind::Meta, version: 0, key: &[], value: encoded }
            }
        }
    }

    /// The key that it writes and its new value, if it writes one.
    pub(crate) fn item(&self) -> Option<(&Bytes, Option<&Bytes>)> {
        match self {
            Pending::Item { key, value, .. } => Some((key, value.as_ref())),
            Pending::Partition { .. } | Pending::Relocation { .. } => None,
        }
    }

    /// What it does to which keys of the index.
    pub(crate) fn touches(&self) -> Box<dyn Iterator<Item = (&[u8], Touch)> + '_> {
        match self {
            Pending::Item { key, value, .. } => {
                let touch = if value.is_some() { Touch::Shaped } else { Touch::Removed };
                Box::new(std::iter::once((&**key, touch)))
            }
            Pending::Partition { change: Meta::Split { at, .. }, .. } => {
                Box::new(std::iter::once((&**at, Touch::Shaped)))
            }
            Pending::Partition { .. } => Box::new(std::iter::empty()),
            Pending::Relocation { moves, .. } => {
                Box::new(moves.iter().map(|one| (&*one.key, Touch::Moved)))
            }
        }
    }

    pub(crate) fn encoded_bytes(&self) -> usize {
        let record = self.record();
        record::encoded_bytes(record.key.len(), record.value.len())
    }
}

/// Writes that will become durable together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) pending: Vec<Pending>,
    /// Encoded length of all of them.
    pub(crate) body_bytes: usize,
    /// Done once they are durable and the index knows them.
    pub(crate) done: Rc<Done>,
}

impl Group {
    pub(crate) fn push(&mut self, pending: Pending) {
        self.body_bytes += pending.encoded_bytes();
        self.pending.push(pending);
    }

    /// Which of the segments kept back it may use.
    pub(crate) fn need(&self) -> Need {
        let items = self.pending.iter().filter_map(|pending| match pending {
            Pending::Item { value, .. } => Some(value.is_some()),
            Pending::Partition { .. } | Pending::Relocation { .. } => None,
        });
        items.fold(Need::Upkeep, |need, holds_value| match need {
            _ if holds_value => Need::Items,
            Need::Items => Need::Items,
            _ => Need::Deletes,
        })
    }
}

/// What was written last to a key and is not yet durable.
pub(crate) struct Unsettled {
    pub(crate) version: Version,
    pub(crate) value: Option<Bytes>,
    /// Done once it is durable.
    pub(crate) done: Rc<Done>,
}

/// The end of the log as writers see it: what is forming, and what is not yet durable.
#[derive(Default)]
pub(crate) struct Log {
    /// Groups that wait for the commit loop; the last is still growing.
    pub(crate) forming: std::collections::VecDeque<Group>,
    /// Keys written but not yet durable: conditions and read-modify-writes are decided on these.
    pub(crate) unsettled: HashMap<Bytes, Unsettled>,
    /// Encoded bytes forming and in flight.
    pub(crate) pending_bytes: usize,
    /// The version that the next write gets.
    pub(crate) next_version: Version,
}

impl Log {
    /// The group that a write of `bytes` joins.
    pub(crate) fn group_for(&mut self, bytes: usize, max_group_bytes: usize) -> &mut Group {
        let joins = self.forming.back().is_some_and(|group| {
            group.pending.is_empty() || group.body_bytes + bytes <= max_group_bytes
        });
        if !joins {
            self.forming.push_back(Group::default());
        }
        self.forming.back_mut().expect("pushed if there was none")
    }

    /// An item is what was written last to its key.
    pub(crate) fn note_unsettled(&mut self, change: &Pending, done: &Rc<Done>) {
        if let Pending::Item { key, value, version } = change {
            let (value, done) = (value.clone(), done.clone());
            self.unsettled.insert(key.clone(), Unsettled { version: *version, value, done });
        }
    }

    /// A write is settled: durable, or failed. A later write of the same key stays.
    pub(crate) fn settle(&mut self, key: &Bytes, version: Version) {
        if self.unsettled.get(key).is_some_and(|unsettled| unsettled.version == version) {
            self.unsettled.remove(key);
        }
    }
}
