//! Transactions over items wherever they stand: two phases, all or nothing, over crashes too.
//!
//! ```text
//!   prepare   each item is held: what it is and what it will be, under the transaction's name   (durable)
//!   decide    the ledger says that the transaction is committed, unless it says that it is not  (durable)
//!   apply     each item becomes what it will be, its index entries with it                      (durable)
//! ```
//!
//! The ledger's record is the one point at which a transaction comes to be: written only if nothing stands
//! there. Who finds an item held by a transaction that nobody carries out any more, after a crash or because
//! its client went, settles it: what the ledger calls committed is applied; of what it does not know it says
//! first that it is aborted, and then takes the item back. So both cannot happen, however late a write lands.
//!
//! Nobody waits for a held item. Writes of others are told of a conflict; reads see the item as it was until
//! the decision, and as it will be from then on. All items are held when the decision falls, so transactions
//! and single operations are serializable, in the order of their decisions.
//!
//! | Room | What it is |
//! |---|---|
//! | `held` | a held item's bytes |
//! | `ledger` | the ledger's records, and their bytes |
//! | `active` | transactions that are carried out in this process |
//! | `phases` | prepare, decide, apply, take back |
//! | `settle` | what to make of an item that is found held |

pub(crate) mod active;
pub(crate) mod held;
pub(crate) mod ledger;
pub(crate) mod phases;
pub(crate) mod settle;

use std::fmt;

use flywheel_item::key::partition_hash;
use sha2::{Digest, Sha256};

/// Bytes by which the ledger knows a transaction.
pub(crate) const ENTRY_BYTES: usize = 25;

/// Bytes that tell attempts apart.
pub(crate) const ATTEMPT_BYTES: usize = 16;

/// A transaction's name: where the ledger has its record, and which attempt it is. Of transactions with a
/// token the attempts have one record, since only one may come to be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransactionName {
    /// Spread over the ledger.
    pub entry: [u8; ENTRY_BYTES],
    /// Never given twice.
    pub attempt: [u8; ATTEMPT_BYTES],
}

/// In an entry: whether it is a token's.
const COUNTED: u8 = 0;
const OF_TOKEN: u8 = 1;

impl TransactionName {
    /// The `count`-th attempt of the `start`-th time that the tables were opened, with the client's token.
    pub fn new(start: u64, count: u64, token: Option<&str>) -> Self {
        let mut attempt = [0; ATTEMPT_BYTES];
        attempt[..8].copy_from_slice(&start.to_be_bytes());
        attempt[8..].copy_from_slice(&count.to_be_bytes());
        let mut entry = [COUNTED; ENTRY_BYTES];
        match token {
            None => {
                entry[..8].copy_from_slice(&partition_hash(&attempt).to_be_bytes());
                entry[9..].copy_from_slice(&attempt);
            }
            Some(token) => {
                let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
                entry[..8].copy_from_slice(&digest[..8]);
                entry[8] = OF_TOKEN;
                entry[9..].copy_from_slice(&digest[8..24]);
            }
        }
        Self { entry, attempt }
    }

    /// Whether a client may ask again for the same.
    pub fn has_token(&self) -> bool {
        self.entry[8] == OF_TOKEN
    }
}

impl fmt::Debug for TransactionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.iter().chain(&self.attempt).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
