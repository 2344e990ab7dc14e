//! Which records must be there before a trace is replayed, and how large: each key that the trace touches before it
//! inserts it. Writes nothing itself.
//!
//! Two passes over the trace: the first notes each key, the second names it. Between them a key is its 64-bit hash, 20
//! to 40 bytes of memory however long it is. Two keys of one hash count as one, and the second is not loaded: reading
//! it finds nothing. Among ten million keys the chance that there is such a pair is 3 in a million.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{TraceEntry, TraceError, key_hash};
use crate::limits::TRACE_KEYS_MAX;
use crate::workload::Operation;

/// Sizes that stand for something else; see the assertion in `limits`.
const INSERTED: u32 = u32::MAX;
const UNWRITTEN: u32 = u32::MAX - 1;

/// What to load, by the hashes of the keys.
#[derive(Debug)]
pub struct LoadPlan {
    /// The size of the key's first write, or one of the above.
    sizes: HashMap<u64, u32>,
    records: u64,
}

impl LoadPlan {
    /// Goes through a whole trace; `name` is what messages call it.
    ///
    /// # Errors
    /// The first one of the trace; [`TraceError::Keys`].
    pub fn of(
        name: &str,
        entries: impl Iterator<Item = Result<TraceEntry, TraceError>>,
    ) -> Result<Self, TraceError> {
        let mut plan = Self { sizes: HashMap::new(), records: 0 };
        for entry in entries {
            plan.take(&entry?);
            if plan.sizes.len() > TRACE_KEYS_MAX {
                return Err(TraceError::Keys { name: name.to_owned(), most: TRACE_KEYS_MAX });
            }
        }
        Ok(plan)
    }

    fn take(&mut self, entry: &TraceEntry) {
        let written = entry.size_bytes.filter(|_| entry.writes()).map(|size| size as u32);
        match self.sizes.entry(key_hash(&entry.key)) {
            Entry::Vacant(place) if entry.operation == Operation::Insert => {
                place.insert(INSERTED);
            }
            Entry::Vacant(place) => {
                place.insert(written.unwrap_or(UNWRITTEN));
                self.records += 1;
            }
            Entry::Occupied(mut known) if *known.get() == UNWRITTEN => {
                known.insert(written.unwrap_or(UNWRITTEN));
            }
            Entry::Occupied(_) => {}
        }
    }

    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// An INSERT for each record, in the order in which the same trace first touches them; without a size where the trace
    /// never writes it. All at time 0.
    pub fn inserts(
        mut self,
        entries: impl Iterator<Item = Result<TraceEntry, TraceError>>,
    ) -> impl Iterator<Item = Result<TraceEntry, TraceError>> {
        entries.filter_map(move |entry| {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            };
            let size = self.sizes.remove(&key_hash(&entry.key)).filter(|size| *size != INSERTED)?;
            let size_bytes = (size != UNWRITTEN).then_some(u64::from(size));
            let (operation, key) = (Operation::Insert, entry.key);
            Some(Ok(TraceEntry { time_us: 0, operation, key, size_bytes, count: None }))
        })
    }
}
