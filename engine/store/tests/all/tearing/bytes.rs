//! Each byte of an image changed by itself, and the log cut at each byte. Not sectors: see `sectors`.

use std::collections::BTreeMap;

use super::image::{End, image};
use super::layout::{BLOCK_BYTES, Need, segment_path, superblock_path};
use super::oracle::{Oracle, Outcome};

/// How often a byte that no checksum covers is tried, in the tests that run always.
const PADDING_STEP: usize = 1021;

/// How often a zero is tried that fills up a superblock's slot or a segment never used.
const BLANK_STEP: usize = 61;

/// How often a byte is tried in the middle of a record that nothing reads any more.
const SUPERSEDED_STEP: usize = 31;

/// How thorough a sweep is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// One bit of each byte, and each fourth zeroed; padding, blank blocks and superseded records are
    /// sampled.
    Quick,
    /// All bits, all zeroed, all padding.
    Whole,
}

fn changes(byte: u8, at: usize, sweep: Sweep) -> Vec<u8> {
    let bits = match sweep {
        Sweep::Quick => at as u32 % 8..at as u32 % 8 + 1,
        Sweep::Whole => 0..8,
    };
    let mut changes: Vec<u8> = bits.map(|bit| byte ^ (1 << bit)).collect();
    if byte != 0 && (sweep == Sweep::Whole || at.is_multiple_of(4)) {
        changes.push(0);
    }
    changes
}

/// Changes each covered byte; what came of each kind of piece, exact and otherwise.
fn change_covered(oracle: &Oracle, sweep: Sweep) -> BTreeMap<Need, [usize; 2]> {
    let mut counts: BTreeMap<Need, [usize; 2]> = BTreeMap::new();
    let mut live = BTreeMap::new();
    for piece in &oracle.layout.pieces {
        let original = &oracle.layout.files[&piece.file];
        // Whether damage to its first byte is noticed: then so must be damage to any other.
        let mut is_live: Option<bool> = None;
        let is_stored = piece.need == Need::Stored;
        let is_filled = matches!(piece.need, Need::NewestSlot | Need::OlderSlot | Need::Header);
        for at in piece.bytes() {
            let is_blank = is_filled && at % BLOCK_BYTES >= 100 && original[at] == 0;
            let is_superseded = is_live == Some(false) && at > piece.start + 40;
            let step = match (is_blank, is_superseded) {
                (true, _) => BLANK_STEP,
                (_, true) => SUPERSEDED_STEP,
                _ => 1,
            };
            if sweep == Sweep::Quick && !at.is_multiple_of(step) {
                continue;
            }
            for change in changes(original[at], at, sweep) {
                let disk = oracle.image.disk.image();
                disk.replace_bytes(&piece.file, at as u64, &[change]);
                let what = format!("{:?} byte {at}: {} for {change}", piece.file, original[at]);
                let outcome = oracle.outcome(&disk, &what);
                oracle.assert_sound(&outcome, &[piece], &what);
                oracle.assert_sharp(piece, &outcome, &what);
                let is_exact = outcome == Outcome::Exact;
                counts.entry(piece.need).or_default()[usize::from(!is_exact)] += 1;
                if piece.need == Need::OlderSlot {
                    let is_version = (8..12).contains(&(at % BLOCK_BYTES));
                    assert_eq!(is_exact, !is_version, "{what}: the older slot counts for nothing");
                }
                if let Outcome::Unreadable(items, _) = &outcome {
                    let known = live.insert(items[0].0.clone(), piece.start);
                    assert!(known.is_none_or(|known| known == piece.start), "{what}: two copies");
                }
                let is_same = is_stored && *is_live.get_or_insert(!is_exact) != is_exact;
                assert!(
                    is_same || !is_stored,
                    "{what}: some bytes of a record count, others do not"
                );
            }
        }
    }
    counts
}

/// Changes bytes that no checksum covers: nothing may come of it.
fn change_padding(oracle: &Oracle, step: usize) -> usize {
    let mut tried = 0;
    for (path, original) in &oracle.layout.files {
        let in_file = oracle.layout.pieces.iter().filter(|piece| piece.file == *path);
        let mut covered: Vec<_> = in_file.flat_map(|piece| piece.covered.iter().cloned()).collect();
        covered.sort_by_key(|range| range.start);
        covered.push(original.len()..original.len());
        let mut from = 0;
        for range in covered {
            // Its ends always: a length that is one off shows there.
            let ends = [from, range.start.saturating_sub(1)];
            let inner = (from..range.start).filter(|at| at.is_multiple_of(step));
            let gap = from..range.start;
            for at in ends.into_iter().filter(|at| gap.contains(at)).chain(inner) {
                let disk = oracle.image.disk.image();
                disk.replace_bytes(path, at as u64, &[original[at] ^ (1 << (at % 8))]);
                let what = format!("{path:?} byte {at}, which nothing covers");
                assert_eq!(oracle.outcome(&disk, &what), Outcome::Exact, "{what}");
                tried += 1;
            }
            from = from.max(range.end);
        }
    }
    tried
}

/// Cuts the log behind each of its bytes: in its place, and so that nothing of it is left behind.
fn cut_everywhere(oracle: &Oracle) -> [usize; 3] {
    let layout = &oracle.layout;
    let mut counts = [0; 3];
    for (index, batch) in layout.log.iter().enumerate() {
        let path = segment_path(batch.place.segment);
        let original = &layout.files[&path];
        let start = batch.place.offset_bytes as usize;
        // A cut in front of a zero is the same as the one behind it.
        for cut in (start..batch.end).filter(|&at| original[at] != 0) {
            let cut_in_place = oracle.image.disk.image();
            cut_in_place.replace_bytes(&path, cut as u64, &vec![0; original.len() - cut]);
            let ended = cut_in_place.image();
            for later in &layout.log[index..] {
                if later.place.segment != batch.place.segment {
                    let bytes = vec![0; later.end - later.place.offset_bytes as usize];
                    let path = segment_path(later.place.segment);
                    ended.replace_bytes(&path, later.place.offset_bytes.into(), &bytes);
                }
            }
            let what = format!("the log ends at {path:?} {cut}");
            oracle.assert_ends_before(&oracle.outcome(&ended, &what), batch.number, &what);
            let what = format!("{path:?} cut at {cut}");
            let outcome = oracle.outcome(&cut_in_place, &what);
            let hit: Vec<_> = layout
                .pieces
                .iter()
                .filter(|piece| piece.need == Need::Replayed)
                .filter(|piece| piece.file == path && piece.number >= batch.number)
                .collect();
            if oracle.is_proven(batch.number, &hit) {
                oracle.assert_missing(&outcome, batch.number, &what);
                counts[1] += 1;
            } else {
                oracle.assert_ends_before(&outcome, batch.number, &what);
                counts[0] += 1;
            }
            counts[2] += 1;
        }
    }
    counts
}

#[test]
fn the_image_holds_everything_that_can_be_damaged() {
    let oracle = Oracle::new(image(End::Crashed));
    let layout = &oracle.layout;
    assert_eq!(oracle.outcome(&oracle.image.disk.image(), "unharmed"), Outcome::Exact);
    assert!(layout.chunks >= 2, "{} chunks", layout.chunks);
    assert_eq!(layout.metas.iter().copied().collect::<Vec<u8>>(), [1, 2, 3, 4, 5], "meta records");
    assert!(layout.leftovers > 10, "{} batches of earlier lives", layout.leftovers);
    let count = |need| layout.pieces.iter().filter(|piece| piece.need == need).count();
    assert!(count(Need::Run) >= 1 && count(Need::Stored) > 20, "runs and stored records");
    assert!(layout.log.iter().any(|batch| !batch.is_writers), "a relocation or confirmation");
    let last = layout.log.last().expect("a log");
    assert!(!oracle.is_proven(last.number, &[]), "a tail that nothing calls durable");
    let lives: std::collections::BTreeSet<u64> =
        layout.log.iter().map(|batch| batch.place.life).collect();
    assert!(lives.len() >= 2, "the log spans segments");
}

#[test]
fn any_byte_changed_is_harmless_or_an_error_or_a_tail_torn() {
    if std::env::var_os("FLYWHEEL_TEAR_ALL").is_some() {
        for end in [End::Crashed, End::Rested, End::Closed] {
            let oracle = Oracle::new(image(end));
            change_covered(&oracle, Sweep::Whole);
            change_padding(&oracle, 1);
            cut_everywhere(&oracle);
        }
    }
    let oracle = Oracle::new(image(End::Crashed));
    let counts = change_covered(&oracle, Sweep::Quick);
    println!("exact and not: {counts:?}");
    for (need, [_, noticed]) in counts {
        assert!(noticed > 0 || need == Need::NewestSlot, "{need:?} never noticed");
    }
    let padding = change_padding(&oracle, PADDING_STEP);
    assert!(padding > 500, "{padding} bytes of padding");
}

#[test]
fn a_log_cut_at_any_byte_is_a_prefix_or_an_error() {
    let oracle = Oracle::new(image(End::Crashed));
    let [prefixes, errors, cuts] = cut_everywhere(&oracle);
    assert!(prefixes > 100 && errors > 1_000 && cuts > 2_000, "{prefixes} {errors} {cuts}");
}

#[test]
fn a_closed_store_has_no_tail_to_lose() {
    let oracle = Oracle::new(image(End::Closed));
    assert!(oracle.layout.log.is_empty(), "{:?}", oracle.layout.log);
    for piece in &oracle.layout.pieces {
        let original = &oracle.layout.files[&piece.file];
        for at in piece.bytes().filter(|at| at.is_multiple_of(37)) {
            let disk = oracle.image.disk.image();
            disk.replace_bytes(&piece.file, at as u64, &[!original[at]]);
            let what = format!("{:?} byte {at}", piece.file);
            let outcome = oracle.outcome(&disk, &what);
            assert!(!matches!(outcome, Outcome::Older(_)), "{what}: {outcome:?}");
            oracle.assert_sharp(piece, &outcome, &what);
        }
    }
}

#[test]
fn either_slot_lost_leaves_everything_or_an_error() {
    for end in [End::Crashed, End::Rested, End::Closed] {
        let oracle = Oracle::new(image(end));
        let bytes = &oracle.layout.files[&superblock_path()];
        let (first, second) = bytes.split_at(BLOCK_BYTES);
        let slots = oracle.layout.pieces.iter().filter(|piece| piece.file == superblock_path());
        let newest = slots.clone().find(|piece| piece.need == Need::NewestSlot);
        let is_first_newest = newest.is_some_and(|piece| piece.start == 0);
        let both = |one: &[u8], two: &[u8]| [one, two].concat();
        let (newer, older) = if is_first_newest { (first, second) } else { (second, first) };
        let blank = vec![0; BLOCK_BYTES];
        let with = |first: &[u8], second: &[u8]| {
            let disk = oracle.image.disk.image();
            disk.replace_bytes(&superblock_path(), 0, &both(first, second));
            oracle.outcome(&disk, &format!("{end:?}"))
        };
        let in_place = |newest: &[u8], oldest: &[u8]| match is_first_newest {
            true => with(newest, oldest),
            false => with(oldest, newest),
        };
        assert_eq!(in_place(newer, newer), Outcome::Exact, "the newest twice, {end:?}");
        assert_eq!(in_place(newer, &blank), Outcome::Exact, "the older lost, {end:?}");
        for (newest, what) in [(older, "the older twice"), (&blank[..], "the newest lost")] {
            let outcome = in_place(newest, older);
            let fits = match &outcome {
                Outcome::Refused(file, _) => *file == superblock_path(),
                outcome => *outcome == Outcome::Exact,
            };
            assert!(fits, "{what}, {end:?}: {outcome:?}");
        }
        for outcome in [with(second, first), with(&blank, &blank), in_place(&blank, newer)] {
            assert!(matches!(outcome, Outcome::Refused(..)), "exchanged or lost: {outcome:?}");
        }
    }
}
