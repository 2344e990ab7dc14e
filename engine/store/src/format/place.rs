//! Where bytes stand, as part of their checksum. Not a location: that is the index's, in six bytes.
//!
//! A record's checksum starts from its place: segment, life and offset. A record read from the wrong
//! place, or left over from a segment's earlier life, then fails its checksum like any damaged one.

/// A position in one life of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The segment's number.
    pub segment: u16,
    /// Which life of the segment: rises each time it is recycled.
    pub life: u64,
    /// Bytes from the beginning of the segment's file.
    pub offset_bytes: u32,
}

impl Place {
    /// The same segment and life at another offset.
    #[must_use]
    pub fn at(self, offset_bytes: u32) -> Self {
        Self { offset_bytes, ..self }
    }

    /// The checksum's starting state. CRC-32 maps different starts of equal bytes to different
    /// sums, so a wrong place is as sure to be noticed as this mix is to differ: all but 2^-32.
    pub fn seed(self) -> u32 {
        let segment_and_life = self.life.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ u64::from(self.segment).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        let mixed =
            (segment_and_life ^ u64::from(self.offset_bytes)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        (mixed >> 32) as u32
    }
}
