//! Checking a store that nobody has open: everything that opening it would look at, and every live record.
//! Changes nothing. Not repair: see `salvage`.
//!
//! Recovery is the judge of whether the store opens, and the scrub's own pass of what is in it. Where
//! recovery refuses, salvage says what else is wrong.

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::rc::Rc;

use flywheel_disk::{DiskError, DiskFault, World};

use crate::core::Core;
use crate::error::StoreError;
use crate::format::superblock::SLOTS;
use crate::index::{Direction, Fetched};
use crate::limits::MAX_SCRUB_FINDINGS;
use crate::options::StoreOptions;
use crate::recovery::recover;
use crate::salvage::{Salvage, Salvaged};
use crate::scrub::{Concern, Finding, Pass};
use crate::types::PartitionSpec;

/// What was found of one store.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Whether it opens.
    pub opens: bool,
    /// Its partitions, as far as they are known.
    pub partitions: Option<Vec<PartitionSpec>>,
    /// Segment files.
    pub segments: u64,
    /// Bytes of them.
    pub file_bytes: u64,
    /// Items that the index holds.
    pub items: u64,
    /// Bytes of their records.
    pub live_bytes: u64,
    /// Items whose records were read and are whole.
    pub verified: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Damaged places, as many as are listed.
    pub findings: Vec<Finding>,
    /// Damaged places, listed or not.
    pub findings_total: u64,
    /// What is worth knowing and no damage.
    pub remarks: Vec<String>,
}

/// Checks the store in `directory`. `progress` is told how many bytes are done, of how many.
///
/// # Errors
/// If it cannot be checked: files of another version of the format, faults of the host.
pub async fn check<W: World>(
    world: W,
    directory: &Path,
    mut options: StoreOptions,
    progress: Rc<dyn Fn(u64, u64)>,
) -> Result<Checked, StoreError> {
    if !Salvage::may_recover(&world, directory, &options).await? {
        return damaged(world, directory, options, None).await;
    }
    let recovered = match recover(&world, directory, &mut options, None, None).await {
        Ok(recovered) => recovered,
        Err(error) => {
            let finding = as_finding(error)?;
            return damaged(world, directory, options, Some(finding)).await;
        }
    };
    let core = Core::of_recovered(world, directory, options, recovered);
    let report = Pass::looking_only(&core, Some(progress)).run().await?;
    let stats = core.stats();
    let mut checked = Checked {
        opens: true,
        partitions: Some(core.table.borrow().iter().map(|one| one.spec.clone()).collect()),
        segments: core.segments.borrow().all.len() as u64,
        file_bytes: stats.file_bytes,
        items: stats.items,
        live_bytes: stats.live_bytes,
        verified: report.records,
        bytes_read: report.bytes,
        findings: report.findings,
        findings_total: report.findings_total,
        remarks: Vec::new(),
    };
    checked.remark_slots(&core);
    checked.check_bounds(&core);
    Ok(checked)
}

/// Lists all that is wrong with a store that does not open.
async fn damaged<W: World>(
    world: W,
    directory: &Path,
    options: StoreOptions,
    refusal: Option<Finding>,
) -> Result<Checked, StoreError> {
    let salvage = Salvage::open(world, directory, options).await?;
    let mut checked = Checked {
        partitions: salvage.partitions(),
        segments: salvage.segments(),
        file_bytes: salvage.file_bytes(),
        items: salvage.items(),
        live_bytes: salvage.record_bytes(),
        ..Checked::default()
    };
    let is_known = |finding: &Finding| {
        let same =
            |one: &&Finding| (&one.file, one.offset_bytes) == (&finding.file, finding.offset_bytes);
        salvage.findings().iter().any(|one| same(&one))
    };
    refusal.filter(|one| !is_known(one)).into_iter().for_each(|one| checked.add(one));
    salvage.findings().iter().for_each(|one| checked.add(one.clone()));
    let mut behind = Bound::Unbounded;
    loop {
        let (page, last) = salvage.page(&behind).await;
        if page.is_empty() {
            return Ok(checked);
        }
        behind = last;
        for item in page {
            match item {
                Salvaged::Kept { .. } => checked.verified += 1,
                Salvaged::Lost { key, file, offset_bytes, what } => {
                    let concerns = Concern::Record { key };
                    checked.add(Finding { file, offset_bytes, what, concerns, mended: false });
                }
            }
        }
    }
}

impl Checked {
    fn add(&mut self, finding: Finding) {
        self.findings_total += 1;
        if self.findings.len() < MAX_SCRUB_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// A slot that is not whole is what an interrupted write leaves, and no damage that can be proven.
    fn remark_slots<W: World>(&mut self, core: &Core<W>) {
        let newest = core.superblock.borrow();
        let bad = (0..SLOTS as usize).find(|&slot| newest.slots[slot].is_none());
        // Before the second superblock is written, one slot is blank.
        if let Some(slot) = bad.filter(|_| newest.generation > 1) {
            self.remarks.push(format!(
                "slot {slot} of the superblock is not whole: writing it was interrupted, or it was \
                 damaged; the other slot counts, and the next checkpoint writes this one anew"
            ));
        }
    }

    /// Each partition's items lie within its bounds.
    fn check_bounds<W: World>(&mut self, core: &Core<W>) {
        let directory = core.directory.display().to_string();
        let mut outside = Vec::new();
        for partition in core.table.borrow().iter() {
            for direction in [Direction::Forward, Direction::Backward] {
                let (start, end) = (Bound::Unbounded, Bound::Unbounded);
                let all_warm = Fetched::default();
                let visited = partition.index.visit(
                    start,
                    end,
                    direction,
                    &all_warm,
                    &mut |key, location| {
                        if !partition.spec.contains(key) {
                            let what = format!(
                                "partition {} holds a key that is not its own",
                                partition.spec.id.0
                            );
                            outside.push((bytes::Bytes::copy_from_slice(key), location, what));
                        }
                        ControlFlow::Break(())
                    },
                );
                visited.expect("a store that is only looked at is recovered without a bound");
            }
        }
        for (key, location, what) in outside {
            let (file, offset_bytes) = (directory.clone(), location.offset_bytes().into());
            let concerns = Concern::Record { key };
            self.add(Finding { file, offset_bytes, what, concerns, mended: false });
        }
    }
}

/// What recovery refused, as a finding; an error if it says nothing of the store.
fn as_finding(error: StoreError) -> Result<Finding, StoreError> {
    let (file, offset_bytes, what) = match error {
        StoreError::Corrupt { file, offset_bytes, what } => (file, offset_bytes, what),
        StoreError::Format { file, what } => (file, 0, what),
        StoreError::Disk(error) if error.fault == DiskFault::Io => of_disk(&error),
        other => return Err(other),
    };
    let concerns = if file.ends_with("superblock") { Concern::Superblock } else { Concern::Log };
    Ok(Finding { file, offset_bytes, what, concerns, mended: false })
}

fn of_disk(error: &DiskError) -> (String, u64, String) {
    let file = error.path.display().to_string();
    (file, error.offset_bytes.unwrap_or(0), error.to_string())
}
