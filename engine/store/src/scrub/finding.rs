//! What a scrub or a check found, and what it has to say of a whole pass. Not how it was found: see
//! `pass` and its neighbours.

use bytes::Bytes;

use crate::limits::MAX_SCRUB_FINDINGS;

/// What damage concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// A slot of the superblock. A new checkpoint writes it anew.
    Superblock,
    /// A segment's first block: the next opening would be refused.
    SegmentHeader,
    /// The newest checkpoint: the next opening would be refused. A new one takes its place.
    Checkpoint,
    /// The log behind the newest checkpoint, or a run that it names: the next opening would be refused
    /// or lose a tail. A new checkpoint makes it superfluous.
    Log,
    /// A batch's header: reads find the records behind it through the index, but the space in the
    /// segment cannot be had back.
    BatchHeader,
    /// The newest value of this key: it cannot be read any more.
    Record {
        /// The key.
        key: Bytes,
    },
}

/// A damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset_bytes: u64,
    /// What was expected and what was found.
    pub what: String,
    /// What it concerns.
    pub concerns: Concern,
    /// Whether it has been made good since: nobody needs the place any more, or it was rewritten.
    pub mended: bool,
}

impl Finding {
    /// Whether both are about the same damage.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.file == other.file
            && self.offset_bytes == other.offset_bytes
            && self.concerns == other.concerns
    }

    /// Whether a new checkpoint makes the place superfluous.
    pub(super) fn is_mendable(&self) -> bool {
        match self.concerns {
            Concern::Superblock | Concern::Checkpoint | Concern::Log => true,
            Concern::SegmentHeader | Concern::BatchHeader | Concern::Record { .. } => false,
        }
    }
}

/// What one pass found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Bytes read.
    pub bytes: u64,
    /// Live records found whole.
    pub records: u64,
    /// Damaged places, as many as are listed.
    pub findings: Vec<Finding>,
    /// Damaged places found, listed or not.
    pub findings_total: u64,
    /// Reads that failed or brought wrong bytes, and did not when made again.
    pub transient_faults: u64,
    /// Damaged places made good.
    pub mended: u64,
}

/// How far the scrub is, and what stands damaged as far as it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubState {
    /// Bytes of the present pass that are done.
    pub pass_bytes_done: u64,
    /// Bytes that the present pass has to look at.
    pub pass_bytes: u64,
    /// When a pass last came to its end, on the world's clock, in nanoseconds; of several stores that
    /// of the one whose pass is longest ago. `None` before every one has ended a pass.
    pub last_pass_ended_ns: Option<u64>,
    /// Damaged places that stand: of the present pass and the last one.
    pub findings: Vec<Finding>,
}

impl ScrubState {
    /// Adds another store's. A store's own clock is not comparable over machines: see each shard.
    pub(crate) fn merge(&mut self, other: &Self) {
        let is_first = self.pass_bytes == 0 && self.last_pass_ended_ns.is_none();
        self.last_pass_ended_ns = match (self.last_pass_ended_ns, other.last_pass_ended_ns) {
            (None, other) if is_first => other,
            (Some(one), Some(other)) => Some(one.min(other)),
            _ => None,
        };
        self.pass_bytes_done += other.pass_bytes_done;
        self.pass_bytes += other.pass_bytes;
        let room = MAX_SCRUB_FINDINGS.saturating_sub(self.findings.len());
        self.findings.extend(other.findings.iter().take(room).cloned());
    }

    /// Notes a finding; whether it is new.
    pub(super) fn note(&mut self, finding: &Finding) -> bool {
        if self.findings.iter().any(|known| known.is_same(finding)) {
            return false;
        }
        if self.findings.len() < MAX_SCRUB_FINDINGS {
            self.findings.push(finding.clone());
        }
        true
    }
}
