//! What a search for an order of calls needs to know of a reference model: what each call would answer
//! and change. Not a model: `state` is that of the shards, `tables::state` that of the tables.

use std::fmt::Debug;

/// All that the engine should hold, and what calls make of it.
pub trait Model: Clone + Debug {
    /// What a client asks.
    type Call: Clone + Debug;
    /// What it is told.
    type Answer: Clone + PartialEq + Debug;
    /// What one part of the model comes to hold.
    type Change: Clone;

    /// What the call would be told now.
    fn answer(&self, call: &Self::Call) -> Self::Answer;

    /// What the call would change now, if it were told `answer`, which is what [`Model::answer`] says.
    fn changes(&self, call: &Self::Call, answer: &Self::Answer) -> Vec<Self::Change>;

    /// Makes a change; returns the one that takes it back.
    fn apply(&mut self, change: &Self::Change) -> Self::Change;

    /// A number for what a part holds after a change: 0 if it holds nothing, else hardly that of another.
    fn hash(change: &Self::Change) -> u64;

    /// Whether the engine, where it was found to hold `found`, may be as this says.
    fn is(&self, found: &Self) -> bool;

    /// A call that fits everywhere and changes nothing, and its answer.
    fn nothing() -> (Self::Call, Self::Answer);

    /// Reading all that there is, at one moment, and finding this.
    fn everything(self) -> (Self::Call, Self::Answer);

    /// Where what was found is not as this says, for people.
    fn differences(&self, found: &Self) -> Vec<String>;
}

/// Spreads every bit of a number over all bits, for [`Model::hash`].
pub fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
