//! A checkpoint's chunk and all its elements.
#![no_main]

use bytes::Bytes;
use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, heap, mode, seal};
use flywheel_store::format::Damage;
use flywheel_store::format::checkpoint::{Chunk, ChunkWriter, Element};
use flywheel_store::index::Location;
use flywheel_store::limits::MAX_KEY_BYTES;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState};
use libfuzzer_sys::fuzz_target;

const LIFE: u64 = 7;
const NUMBER: u32 = 3;
const HEADER_BYTES: usize = 24;

/// An element that keeps its key.
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Partition(PartitionSpec),
    Entry(Vec<u8>, Location),
    Segment(u16, u64),
    End(u64),
}

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return comes_back(&made(&mut Input::new(bytes)));
    }
    let mut bytes = bytes.to_vec();
    if mode == Mode::Sealed && bytes.len() >= HEADER_BYTES {
        // All there is counts, so that inputs may grow and shrink.
        let payload_bytes = (bytes.len() - HEADER_BYTES) as u32;
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&payload_bytes.to_le_bytes());
        seal::chunk(&mut bytes);
    }
    let whole = heap::bounded_decoder(&bytes, || {
        let mut chunk = Chunk::decode(LIFE, NUMBER, &bytes)?;
        while chunk.next_element()?.is_some() {}
        Ok::<(), Damage>(())
    });
    if whole.is_ok() {
        comes_back(&elements(&bytes).expect("decoded just now"));
    }
});

fn elements(bytes: &[u8]) -> Result<Vec<Owned>, Damage> {
    let mut chunk = Chunk::decode(LIFE, NUMBER, bytes)?;
    let mut found = Vec::new();
    while let Some(element) = chunk.next_element()? {
        found.push(match element {
            Element::Partition(spec) => Owned::Partition(spec),
            Element::Entry(key, location) => {
                assert!(key.len() <= MAX_KEY_BYTES);
                Owned::Entry(key.to_vec(), location)
            }
            Element::Segment(segment, life) => Owned::Segment(segment, life),
            Element::End(entries) => Owned::End(entries),
        });
    }
    Ok(found)
}

fn comes_back(expected: &[Owned]) {
    let mut writer = ChunkWriter::new(1 << 10);
    for element in expected {
        writer.push(&match element {
            Owned::Partition(spec) => Element::Partition(spec.clone()),
            Owned::Entry(key, location) => Element::Entry(key, *location),
            Owned::Segment(segment, life) => Element::Segment(*segment, *life),
            Owned::End(entries) => Element::End(*entries),
        });
    }
    let mut bytes = vec![0; writer.encoded_bytes()];
    writer.encode(LIFE, NUMBER, &mut bytes);
    assert_eq!(elements(&bytes).as_deref(), Ok(expected));
}

fn made(input: &mut Input<'_>) -> Vec<Owned> {
    let mut made = Vec::new();
    while !input.is_empty() {
        made.push(match input.u8() % 4 {
            0 => Owned::Partition(PartitionSpec {
                id: PartitionId(input.u64()),
                ownership_epoch: input.u64(),
                start: Bytes::copy_from_slice(input.short()),
                end: (input.u8() % 2 == 1).then(|| Bytes::copy_from_slice(input.short())),
                state: match input.u8() % 2 {
                    0 => PartitionState::Importing,
                    _ => PartitionState::Serving,
                },
            }),
            1 => {
                let [_, _, location @ ..] = input.u64().to_be_bytes();
                Owned::Entry(input.short().to_vec(), Location::from_bytes(location))
            }
            2 => Owned::Segment(input.u16(), input.u64()),
            _ => Owned::End(input.u64()),
        });
    }
    made
}
