//! Which partition moves to another core, by what was measured of all. Not the moving, nor cutting one that is too
//! hot for any core: see `split`.
//!
//! One partition moves at a time, off the busiest core to the idlest, once these differ by too much in several looks
//! in a row: the one that leaves them most alike. A partition that would make the idlest core as busy as the busiest
//! is now stays, so nothing is moved to and fro.
//!
//! Source: ATC'22, section 4.2, "Balancing consumed capacity", of nodes. The thresholds are ours.

/// When a partition is moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BalanceRules {
    /// The busiest core's load, of which the idlest has at least so large a share if all is well. 0 to 1.
    pub even_share: f64,
    /// No core is busy with less than this load: 1 is all that one partition may serve.
    pub least_load: f64,
    /// How many looks in a row it takes.
    pub lopsided_looks: u32,
    /// Larger partitions stay: moving copies them.
    pub most_bytes: u64,
}

impl Default for BalanceRules {
    fn default() -> Self {
        Self { even_share: 0.7, least_load: 1.0, lopsided_looks: 5, most_bytes: 1 << 30 }
    }
}

/// A partition, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed<I> {
    /// Its name.
    pub id: I,
    /// The core that it is on.
    pub core: usize,
    /// What it serves, as a share of what one partition may.
    pub load: f64,
    /// What would be copied.
    pub size_bytes: u64,
    /// Whether it may be moved now. Its load counts either way.
    pub may_move: bool,
}

/// What to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move<I> {
    /// The partition.
    pub id: I,
    /// The core that it leaves.
    pub from: usize,
    /// Where it goes.
    pub to: usize,
}

/// How many looks in a row found the same two cores lopsided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// The busiest and the idlest.
    between: (usize, usize),
    lopsided_looks: u32,
}

/// Of the difference between two cores, a move must take away at least so much.
const WORTHWHILE: f64 = 0.1;

impl Balance {
    /// Takes a look at all partitions on so many cores; what to move, if it has been lopsided for long enough and a
    /// move helps. Counts anew then.
    pub fn look<I: Copy>(
        &mut self,
        cores: usize,
        partitions: &[Placed<I>],
        rules: &BalanceRules,
    ) -> Option<Move<I>> {
        let mut loads = vec![0.0; cores];
        for placed in partitions {
            loads[placed.core] += placed.load;
        }
        let by_load = |left: &usize, right: &usize| loads[*left].total_cmp(&loads[*right]);
        let (from, to) = ((0..cores).max_by(by_load)?, (0..cores).min_by(by_load)?);
        let is_even = loads[to] >= loads[from] * rules.even_share;
        if is_even || loads[from] < rules.least_load {
            self.lopsided_looks = 0;
            return None;
        }
        if self.between != (from, to) {
            *self = Self { between: (from, to), lopsided_looks: 0 };
        }
        self.lopsided_looks += 1;
        if self.lopsided_looks < rules.lopsided_looks {
            return None;
        }
        self.lopsided_looks = 0;
        let apart = loads[from] - loads[to];
        // Both sides of half of the difference leave the same one above the other.
        let gain = |placed: &Placed<I>| placed.load.min(apart - placed.load);
        partitions
            .iter()
            .filter(|placed| placed.core == from && placed.may_move)
            .filter(|placed| placed.size_bytes <= rules.most_bytes)
            .filter(|placed| gain(placed) >= apart * WORTHWHILE)
            .max_by(|left, right| gain(left).total_cmp(&gain(right)))
            .map(|placed| Move { id: placed.id, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BalanceRules =
        BalanceRules { even_share: 0.7, least_load: 1.0, lopsided_looks: 2, most_bytes: 100 };

    fn placed(loads: &[(usize, f64)]) -> Vec<Placed<usize>> {
        let placed = |(id, &(core, load)): (usize, &(usize, f64))| Placed {
            id,
            core,
            load,
            size_bytes: 50,
            may_move: true,
        };
        loads.iter().enumerate().map(placed).collect()
    }

    /// What the second of two looks says.
    fn moved(cores: usize, partitions: &[Placed<usize>]) -> Option<Move<usize>> {
        let mut balance = Balance::default();
        assert_eq!(balance.look(cores, partitions, &RULES), None, "not at the first look");
        balance.look(cores, partitions, &RULES)
    }

    #[test]
    fn the_partition_moves_that_leaves_two_cores_most_alike() {
        let all = placed(&[(0, 1.0), (0, 3.5), (0, 2.0), (1, 0.5), (2, 4.0)]);
        assert_eq!(moved(3, &all), Some(Move { id: 1, from: 0, to: 1 }));
    }

    #[test]
    fn moves_come_to_an_end() {
        let mut all = placed(&[(0, 1.0), (0, 1.0), (0, 1.0), (0, 1.0), (0, 1.0), (0, 0.3)]);
        let mut balance = Balance::default();
        let mut moves = 0;
        for _ in 0..100 {
            if let Some(Move { id, from, to }) = balance.look(2, &all, &RULES) {
                assert_eq!((all[id].core, from, to), (0, 0, 1));
                all[id].core = to;
                moves += 1;
            }
        }
        assert_eq!(moves, 3, "4.3 and 1, 3.3 and 2, 3 and 2.3");
    }

    #[test]
    fn a_single_hot_partition_stays_where_it_is() {
        assert_eq!(moved(2, &placed(&[(0, 9.0), (1, 0.1)])), None);
        assert_eq!(moved(2, &placed(&[(0, 9.0), (0, 0.01), (1, 0.1)])), None, "not worthwhile");
        assert!(moved(2, &placed(&[(0, 9.0), (0, 1.0), (1, 0.1)])).is_some(), "its neighbour goes");
    }

    #[test]
    fn a_load_that_changes_sides_moves_nothing() {
        let sides = [[(0, 3.0), (0, 2.0), (1, 0.1)], [(0, 0.1), (1, 3.0), (1, 2.0)]];
        let mut balance = Balance::default();
        for look in 0..20 {
            assert_eq!(balance.look(2, &placed(&sides[look % 2]), &RULES), None);
        }
    }

    #[test]
    fn what_may_not_move_stays_and_counts() {
        let mut all = placed(&[(0, 2.0), (0, 1.8), (1, 0.1)]);
        all[1].may_move = false;
        assert_eq!(moved(2, &all), Some(Move { id: 0, from: 0, to: 1 }));
        all[0].may_move = false;
        assert_eq!(moved(2, &all), None);
    }

    #[test]
    fn even_idle_and_large_ones_stay() {
        assert_eq!(moved(2, &placed(&[(0, 5.0), (0, 5.0), (1, 7.0)])), None);
        assert_eq!(moved(2, &placed(&[(0, 0.4), (0, 0.5), (1, 0.0)])), None);
        let mut large = placed(&[(0, 2.0), (0, 2.0)]);
        large.iter_mut().for_each(|placed| placed.size_bytes = 101);
        assert_eq!(moved(2, &large), None);
        assert_eq!(Balance::default().look::<usize>(0, &[], &RULES), None);
    }
}
