//! Which place of a summary a key has, by its hash: open addressing, at most half full, never larger than it began.
//! Not the keys themselves: whoever asks compares them.

/// No place.
const FREE: u32 = u32::MAX;

/// Places by the hashes of their keys.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// A power of two of them.
    slots: Vec<u32>,
}

impl Places {
    /// Room for so many.
    pub fn new(most: usize) -> Self {
        Self { slots: vec![FREE; (2 * most).next_power_of_two()] }
    }

    /// The place that `is_it` says yes to, among those whose hash leads there.
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut slot = self.home(hash);
        loop {
            match self.slots[slot] {
                FREE => return None,
                place if is_it(place) => return Some(place),
                _ => slot = self.next(slot),
            }
        }
    }

    /// Enters a place that is not there yet.
    pub fn insert(&mut self, hash: u64, place: u32) {
        let mut slot = self.home(hash);
        while self.slots[slot] != FREE {
            slot = self.next(slot);
        }
        self.slots[slot] = place;
    }

    /// Removes a place; what follows it moves up, so that there are no graves. `hash_of` gives the hashes of the
    /// others.
    pub fn remove(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        let mut gap = self.home(hash);
        while self.slots[gap] != place {
            debug_assert_ne!(self.slots[gap], FREE, "place {place} was never entered");
            gap = self.next(gap);
        }
        let mut slot = gap;
        loop {
            self.slots[gap] = FREE;
            loop {
                slot = self.next(slot);
                let moved = self.slots[slot];
                if moved == FREE {
                    return;
                }
                // It may move to the gap unless its home lies behind that.
                let from_home = self.distance(self.home(hash_of(moved)), slot);
                if from_home >= self.distance(gap, slot) {
                    self.slots[gap] = moved;
                    gap = slot;
                    break;
                }
            }
        }
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.slots.fill(FREE);
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn next(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_is_there_whatever_came_and_went() {
        const MOST: u32 = 16;
        // Few hashes, so that they collide and wrap around.
        let hash_of = |place: u32| u64::from(place * 7 % 5) + 29;
        let mut places = Places::new(MOST as usize);
        let mut there = [false; MOST as usize];
        let mut state = 1u32;
        for _ in 0..10_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = (state >> 16) % MOST;
            if there[place as usize] {
                places.remove(hash_of(place), place, hash_of);
            } else {
                places.insert(hash_of(place), place);
            }
            there[place as usize] ^= true;
            for (place, is_there) in (0..MOST).zip(there) {
                let found = places.find(hash_of(place), |other| other == place);
                assert_eq!(found, is_there.then_some(place));
            }
        }
        places.clear();
        assert_eq!(places.find(hash_of(3), |_| true), None);
    }
}
