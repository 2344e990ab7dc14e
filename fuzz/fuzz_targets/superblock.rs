//! A slot of the superblock. Behind the input come zeros to the end of its block.
#![no_main]

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, heap, mode, seal};
use flywheel_store::format::FORMAT_VERSION;
use flywheel_store::format::place::Place;
use flywheel_store::format::superblock::Superblock;
use flywheel_store::limits::{MAX_CHECKPOINT_SEGMENTS, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return comes_back(&superblock(&mut Input::new(bytes)));
    }
    let mut block = bytes.to_vec();
    if mode == Mode::Sealed {
        block.resize(BLOCK_BYTES, 0);
        seal::slot(&mut block);
    }
    let slots = [0, BLOCK_BYTES as u64];
    let found = slots.map(|at| heap::bounded_decoder(&block, || Superblock::decode(at, &block)));
    let is_other = Superblock::other_version(&block).is_some_and(|other| other != FORMAT_VERSION);
    let mut decoded = found.iter().filter_map(|found| found.as_ref().ok()?.as_ref());
    if let Some(superblock) = decoded.next() {
        assert!(!is_other && decoded.next().is_none(), "one version and one slot: {found:?}");
        comes_back(superblock);
    }
});

fn comes_back(superblock: &Superblock) {
    let mut block = vec![0; BLOCK_BYTES];
    superblock.encode(&mut block);
    let at = Superblock::slot_at(superblock.generation);
    assert_eq!(Superblock::decode(at, &block).as_ref(), Ok(&Some(superblock.clone())));
    assert!(Superblock::decode(BLOCK_BYTES as u64 - at, &block).is_err(), "in the other slot");
}

fn superblock(input: &mut Input<'_>) -> Superblock {
    let block_bytes = BLOCK_BYTES as u32;
    let blocks = (MIN_SEGMENT_BYTES / block_bytes)..=(MAX_SEGMENT_BYTES / block_bytes);
    let segment_blocks = input.u32().clamp(*blocks.start(), *blocks.end());
    let (segment, life) = (input.u16(), input.counter());
    let offset_bytes = (input.u32() % segment_blocks + 1) * block_bytes;
    let mut superblock = Superblock {
        shard: input.u16(),
        segment_bytes: segment_blocks * block_bytes,
        generation: input.counter(),
        replay_from: Place { segment, life, offset_bytes },
        number: input.counter(),
        next_version: input.counter(),
        checkpoint: Vec::new(),
    };
    while !input.is_empty() && superblock.checkpoint.len() < MAX_CHECKPOINT_SEGMENTS {
        superblock.checkpoint.push((input.u16(), input.u64()));
    }
    superblock
}
