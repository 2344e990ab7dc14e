//! A segment's first block: blank, a header, or of another version.
#![no_main]

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, heap, mode, seal};
use flywheel_store::format::FORMAT_VERSION;
use flywheel_store::format::segment::{FirstBlock, SegmentHeader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return comes_back(header(&mut Input::new(bytes)));
    }
    let mut bytes = bytes.to_vec();
    if mode == Mode::Sealed {
        seal::head(&mut bytes);
    }
    match heap::bounded_decoder(&bytes, || FirstBlock::decode(&bytes)) {
        Ok(FirstBlock::Header(header)) => comes_back(header),
        Ok(FirstBlock::Blank) => assert!(bytes.iter().all(|&byte| byte == 0)),
        Ok(FirstBlock::OtherVersion(version)) => assert_ne!(version, FORMAT_VERSION),
        Err(_) => {}
    }
});

fn comes_back(header: SegmentHeader) {
    let mut block = vec![0; BLOCK_BYTES];
    header.encode(&mut block);
    assert_eq!(FirstBlock::decode(&block), Ok(FirstBlock::Header(header)));
}

fn header(input: &mut Input<'_>) -> SegmentHeader {
    SegmentHeader {
        shard: input.u16(),
        segment: input.u16(),
        segment_bytes: input.u32(),
        life: input.counter(),
        generation: input.counter(),
        before: (input.u16(), input.counter()),
    }
}
