//! Each sector and each block of an image: zeroed, inverted, as it was in an older image, or exchanged
//! with another. Not single bytes: see `bytes`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use flywheel_disk::sim::{SECTOR_BYTES, SimDisk};

use super::image::{End, image};
use super::layout::{BLOCK_BYTES, Need, Piece};
use super::oracle::{Oracle, Outcome};

impl Oracle {
    /// The pieces that writing these bytes there would change.
    fn hit_by(&self, path: &Path, at: usize, bytes: &[u8]) -> Vec<&Piece> {
        let original = &self.layout.files[path];
        let end = at + bytes.len();
        let differs = |covered: &std::ops::Range<usize>| {
            let range = covered.start.max(at)..covered.end.min(end);
            !range.is_empty() && original[range.clone()] != bytes[range.start - at..range.end - at]
        };
        let in_file = self.layout.pieces.iter().filter(|piece| piece.file == path);
        in_file.filter(|piece| piece.covered.iter().any(differs)).collect()
    }

    fn is_all_zero(&self, disk: &SimDisk, path: &Path) -> bool {
        disk.read_bytes(path).iter().all(|&byte| byte == 0)
    }

    /// Writes the bytes, opens, and checks what comes; counts it by its kind.
    fn replace(
        &self,
        path: &Path,
        at: usize,
        bytes: &[u8],
        is_noise: bool,
        counts: &mut BTreeMap<&'static str, usize>,
    ) {
        if self.layout.files[path][at..at + bytes.len()] == *bytes {
            return;
        }
        let disk = self.image.disk.image();
        disk.replace_bytes(path, at as u64, bytes);
        let what = format!("{path:?} {at}: other bytes, noise: {is_noise}");
        let outcome = self.outcome(&disk, &what);
        let hit = self.hit_by(path, at, bytes);
        self.assert_sound(&outcome, &hit, &what);
        match &hit[..] {
            [] => assert_eq!(outcome, Outcome::Exact, "{what}"),
            // A header that nothing follows, lost as if it had never been there.
            [piece] if piece.need == Need::Header && self.is_all_zero(&disk, path) => {}
            [piece] if is_noise => self.assert_sharp(piece, &outcome, &what),
            _ => {}
        }
        *counts.entry(kind(&outcome)).or_default() += 1;
    }
}

/// The outcome's name, for counts.
pub fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Exact => "exact",
        Outcome::Older(_) => "older",
        Outcome::Refused(..) => "refused",
        Outcome::Unreadable(..) => "unreadable",
    }
}

/// Replaces each sector of each file, or each block.
fn replace_everywhere(oracle: &Oracle, unit: usize) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let older: Vec<BTreeMap<PathBuf, Vec<u8>>> = oracle
        .image
        .older
        .iter()
        .map(|disk| disk.files().into_iter().map(|(path, _)| path))
        .zip(&oracle.image.older)
        .map(|(paths, disk)| paths.map(|path| (path.clone(), disk.read_bytes(&path))).collect())
        .collect();
    for (path, original) in &oracle.layout.files {
        for at in (0..original.len()).step_by(unit) {
            let now = &original[at..at + unit];
            let inverted: Vec<u8> = now.iter().map(|byte| !byte).collect();
            oracle.replace(path, at, &inverted, true, &mut counts);
            oracle.replace(path, at, &vec![0; unit], true, &mut counts);
            let then =
                older.iter().filter_map(|files| files.get(path)).map(|old| &old[at..at + unit]);
            for then in then.collect::<BTreeSet<&[u8]>>() {
                oracle.replace(path, at, then, false, &mut counts);
            }
        }
    }
    counts
}

#[test]
fn any_sector_lost_or_as_it_was_is_harmless_or_an_error_or_a_tail_torn() {
    let oracle = Oracle::new(image(End::Crashed));
    let counts = replace_everywhere(&oracle, SECTOR_BYTES);
    println!("{counts:?}");
    assert!(counts.len() == 4 && counts.values().all(|&count| count > 10), "{counts:?}");
}

#[test]
fn any_block_lost_or_as_it_was_is_harmless_or_an_error_or_a_tail_torn() {
    for end in [End::Crashed, End::Rested, End::Closed] {
        let oracle = Oracle::new(image(end));
        let counts = replace_everywhere(&oracle, BLOCK_BYTES);
        println!("{counts:?}");
        assert!(counts["refused"] > 10 && counts["exact"] > 10, "{counts:?}");
    }
}

#[test]
fn any_two_blocks_exchanged_are_harmless_or_an_error_or_a_tail_torn() {
    let oracle = Oracle::new(image(End::Crashed));
    let mut blocks: Vec<(&PathBuf, usize)> = Vec::new();
    for (path, original) in &oracle.layout.files {
        for at in (0..original.len()).step_by(BLOCK_BYTES) {
            let zeros = vec![0; BLOCK_BYTES];
            let is_needed = !oracle.hit_by(path, at, &zeros).is_empty();
            // Of those that nothing needs, a few from earlier lives.
            let is_leftover = original[at..at + BLOCK_BYTES] != zeros && at.is_multiple_of(28_672);
            if is_needed || is_leftover {
                blocks.push((path, at));
            }
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, &(one, one_at)) in blocks.iter().enumerate() {
        for &(two, two_at) in &blocks[index + 1..] {
            let first = &oracle.layout.files[one][one_at..one_at + BLOCK_BYTES];
            let second = &oracle.layout.files[two][two_at..two_at + BLOCK_BYTES];
            if first == second {
                continue;
            }
            let disk = oracle.image.disk.image();
            disk.replace_bytes(one, one_at as u64, second);
            disk.replace_bytes(two, two_at as u64, first);
            let what = format!("{one:?} {one_at} and {two:?} {two_at} exchanged");
            let mut hit = oracle.hit_by(one, one_at, second);
            hit.extend(oracle.hit_by(two, two_at, first));
            let outcome = oracle.outcome(&disk, &what);
            oracle.assert_sound(&outcome, &hit, &what);
            let is_fatal = |piece: &&Piece| matches!(piece.need, Need::Header | Need::Chunk);
            if hit.iter().any(is_fatal) {
                assert!(matches!(outcome, Outcome::Refused(..)), "{what}: {outcome:?}");
            }
            *counts.entry(kind(&outcome)).or_default() += 1;
        }
    }
    println!("{} blocks: {counts:?}", blocks.len());
    assert!(counts["refused"] > 500, "{counts:?}");
}
