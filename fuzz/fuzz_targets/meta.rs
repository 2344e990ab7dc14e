//! A meta record's value: a change of the store itself.
#![no_main]

use bytes::Bytes;
use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, heap, mode};
use flywheel_store::format::meta::Meta;
use flywheel_store::format::place::Place;
use flywheel_store::index::Location;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return comes_back(&made(&mut Input::new(bytes)));
    }
    if let Ok(meta) = heap::bounded_decoder(bytes, || Meta::decode(bytes)) {
        comes_back(&meta);
    }
});

fn comes_back(meta: &Meta) {
    assert_eq!(Meta::decode(&meta.encode()).as_ref(), Ok(meta));
}

fn made(input: &mut Input<'_>) -> Meta {
    let short = |input: &mut Input<'_>| Bytes::copy_from_slice(input.short());
    match input.u8() % 5 {
        0 => Meta::Create(PartitionSpec {
            id: PartitionId(input.u64()),
            ownership_epoch: input.u64(),
            start: short(input),
            end: (input.u8() % 2 == 1).then(|| short(input)),
            state: match input.u8() % 2 {
                0 => PartitionState::Importing,
                _ => PartitionState::Serving,
            },
        }),
        1 => {
            let (id, right) = (PartitionId(input.u64()), PartitionId(input.u64()));
            Meta::Split { id, right, at: short(input) }
        }
        2 => Meta::Activate { id: PartitionId(input.u64()), ownership_epoch: input.u64() },
        3 => Meta::Drop(PartitionId(input.u64())),
        _ => {
            let run = Place { segment: input.u16(), life: input.u64(), offset_bytes: input.u32() };
            let mut from = Vec::new();
            while !input.is_empty() {
                let [_, _, location @ ..] = input.u64().to_be_bytes();
                from.push(Location::from_bytes(location));
            }
            Meta::Relocate { run, from }
        }
    }
}
