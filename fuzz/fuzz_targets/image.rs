//! A whole store, damaged or forged, opened and read completely. See `src/image` for what may happen to
//! it and what it may answer.
//!
//! The input: a byte for which image and how it is treated, then edits.
#![no_main]

use flywheel_fuzz::heap;
use flywheel_fuzz::image::{self, END_COUNT, End, FORGED, Image, USED};
use flywheel_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

/// Some times the whole image: a store of its size has no use for more.
const MOST_BYTES: usize = 32 << 20;

thread_local! {
    static IMAGES: [Image; END_COUNT as usize] =
        [End::Crashed, End::Rested, End::Closed].map(image::image);
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let how = input.u8();
    let (forged, used) = (how & FORGED != 0, how & USED != 0);
    IMAGES.with(|images| {
        let image = &images[usize::from((how & 3) % END_COUNT)];
        heap::bounded(MOST_BYTES, || {
            let is_edited = !input.is_empty();
            let disk = image::apply(image, &mut input, forged);
            let opened = image::judge(image, &disk, forged, used);
            assert!(opened || is_edited, "the image itself does not open");
        });
    });
});
