//! Cores that share one table's capacity, in any order: never more than there is, and little left lying about.

use flywheel_capacity::admission::{Answer, Ask, Ceiling, Global, Limit, Local};
use flywheel_capacity::tokens::{Rate, Tokens};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Admitted, S, amount, moved, step_ns};

const CORES: usize = 4;

/// A table's bucket and its cores' leases.
struct Table {
    global: Global,
    locals: Vec<Local>,
    exchanges: u64,
    admitted: Admitted,
}

impl Table {
    fn new(now_ns: u64, ceiling: Ceiling) -> Self {
        Self {
            global: Global::new(now_ns, ceiling, CORES),
            locals: (0..CORES).map(Local::new).collect(),
            exchanges: 0,
            admitted: Admitted::default(),
        }
    }

    fn take(&mut self, core: usize, now_ns: u64, amount: Tokens, has_headroom: bool) -> bool {
        let exchange = |ask: Ask| -> Answer {
            self.exchanges += 1;
            self.global.exchange(now_ns, ask, has_headroom)
        };
        let admitted = self.locals[core].take(now_ns, amount, exchange).is_ok();
        self.admitted.note(now_ns, amount, admitted);
        admitted
    }

    fn hand_in(&mut self, core: usize, now_ns: u64) {
        self.locals[core].hand_in(now_ns, |ask| self.global.exchange(now_ns, ask, true));
    }

    /// All that can still be taken without anything coming.
    fn left(&self) -> Tokens {
        self.global.level() + self.locals.iter().map(Local::level).sum()
    }
}

fn ceiling() -> impl Strategy<Value = Ceiling> {
    let rate = (1..300u64).prop_map(Rate::per_s);
    (rate, any::<bool>()).prop_map(|(rate, provisioned)| {
        if provisioned {
            Ceiling::provisioned(rate)
        } else {
            Ceiling::on_demand(rate, None, Rate::HIGHEST)
        }
    })
}

fn capacity(ceiling: Ceiling) -> Tokens {
    ceiling.rate.within(ceiling.burst)
}

#[derive(Debug, Clone)]
enum Act {
    Take(Tokens, bool),
    Settle(Tokens, Tokens),
    HandIn,
    Change(Ceiling),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (amount(), any::<bool>()).prop_map(|(amount, headroom)| Act::Take(amount, headroom)),
        2 => (amount(), amount()).prop_map(|(reserved, taken)| Act::Settle(reserved, taken)),
        1 => Just(Act::HandIn),
        1 => ceiling().prop_map(Act::Change),
    ]
}

proptest! {
    #[test]
    fn no_window_has_more_than_the_rate_and_the_burst_whichever_core_asks(
        ceiling in ceiling(),
        // Of one clock, which does not go back: of different ones, a window is longer by what they differ.
        steps in vec((step_ns(), 0..CORES, amount(), any::<bool>(), 0..8u8), 1..200)
            .prop_map(|steps| steps.into_iter().filter(|(step, ..)| *step >= 0).collect::<Vec<_>>()),
    ) {
        let mut now_ns = 1000 * S;
        let mut table = Table::new(now_ns, ceiling);
        for (step, core, amount, has_headroom, other) in &steps {
            now_ns = moved(now_ns, *step);
            if *other == 0 {
                table.hand_in(*core, now_ns);
            } else {
                table.take(*core, now_ns, *amount, *has_headroom);
            }
        }
        let second = ceiling.rate.within_us(1_000_000);
        let largest = steps.iter().map(|(_, _, amount, ..)| *amount).max().unwrap_or_default();
        let excess = (largest - second).max(Tokens::ZERO);
        table.admitted.check_windows(ceiling.rate, capacity(ceiling) + excess);
    }

    #[test]
    fn what_was_used_is_never_more_than_what_came(
        steps in vec((step_ns(), 0..CORES, act()), 1..200),
    ) {
        let mut now_ns = 1000 * S;
        let mut latest_ns = now_ns;
        let mut ceiling = Ceiling::provisioned(Rate::per_s(50));
        let mut table = Table::new(now_ns, ceiling);
        let (mut came, mut used) = (table.left(), Tokens::ZERO);
        for (step, core, act) in steps {
            now_ns = moved(now_ns, step);
            came += ceiling.rate.within_us(now_ns.saturating_sub(latest_ns).div_ceil(1000));
            latest_ns = latest_ns.max(now_ns);
            match act {
                Act::Take(amount, has_headroom) => {
                    if table.take(core, now_ns, amount, has_headroom) {
                        used += amount;
                    }
                }
                Act::Settle(reserved, taken) => {
                    if table.take(core, now_ns, reserved, true) {
                        table.locals[core].settle(reserved, taken);
                        used += taken;
                    }
                }
                Act::HandIn => table.hand_in(core, now_ns),
                Act::Change(new) => {
                    // Leases were used later than this clock says, of which the table knows nothing.
                    table.global.set_ceiling(latest_ns, new);
                    ceiling = new;
                }
            }
            let left = table.left();
            prop_assert!(used + left <= came, "{used:?} used and {left:?} left of {came:?}");
        }
    }
}

/// Every 50 us one of the cores asks for a unit, for so many seconds.
fn run(table: &mut Table, seconds: u64, core_of: impl Fn(u64) -> usize) {
    for tick in 0..seconds * 20_000 {
        table.take(core_of(tick), S + tick * 50_000, Tokens::units(1), true);
    }
}

#[test]
fn under_overload_all_that_comes_is_used_and_the_lock_is_seldom_taken() {
    let ceiling = Ceiling::provisioned(Rate::per_s(10_000));
    let mut table = Table::new(S, ceiling);
    run(&mut table, 10, |tick| tick as usize % CORES);
    let used = table.admitted.all().whole_units();
    assert!((108_900..=110_000).contains(&used), "{used} of 110,000");
    // A refusal holds for a millisecond, and each is followed by a lease or two.
    assert!(table.exchanges <= 10 * CORES as u64 * 3000, "{} exchanges", table.exchanges);
}

#[test]
fn below_its_capacity_nobody_is_refused_and_a_lease_lasts_ten_milliseconds() {
    let mut table = Table::new(S, Ceiling::provisioned(Rate::per_s(20_000)));
    run(&mut table, 10, |tick| tick as usize % CORES);
    assert_eq!(table.admitted.all(), Tokens::units(200_000));
    assert!(table.exchanges <= 10 * CORES as u64 * 150, "{} exchanges", table.exchanges);
}

#[test]
fn a_core_that_goes_quiet_keeps_no_units_from_the_others() {
    let mut table = Table::new(S, Ceiling::on_demand(Rate::per_s(100), None, Rate::HIGHEST));
    // Core 0 was busy and stops with something on lease.
    while table.take(0, S, Tokens::units(1), true) && table.locals[0].level() == Tokens::ZERO {}
    assert!(table.locals[0].level() > Tokens::ZERO, "{:?}", table.locals[0]);
    assert!(!table.locals[0].is_idle(S + S / 10 - 1));
    assert!(table.locals[0].is_idle(S + S / 10));
    table.hand_in(0, 3 * S);
    assert!(!table.locals[0].is_idle(3 * S));
    // What it used without saying so still counted as out on lease while the bucket filled up.
    assert_eq!((table.left(), table.global.outstanding()), (Tokens::units(99), Tokens::ZERO));
    let taken = (0..200).filter(|_| table.take(1, 3 * S, Tokens::units(1), true)).count();
    assert_eq!(taken, 99, "the other core has all of it");
}

#[test]
fn what_is_out_on_lease_has_no_room_in_the_bucket_while_it_fills() {
    let ceiling = Ceiling::on_demand(Rate::per_s(100), None, Rate::HIGHEST);
    let mut global = Global::new(S, ceiling, CORES);
    let ask = |unused, needed, wanted| Ask {
        core: 0,
        unused: Tokens::units(unused),
        needed: Tokens::units(needed),
        wanted: Tokens::units(wanted),
    };
    let lease = Tokens::units(1 + 49) + Tokens::nanos(Tokens::PER_UNIT / 2);
    assert_eq!(global.exchange(S, ask(0, 1, 100), true), Answer::Lease(lease), "half of the rest");
    // All of it is used ten seconds later, at once. With the rest of the second's units it makes 100, not 150.
    assert_eq!(global.exchange(11 * S, ask(0, 0, 0), true), Answer::Lease(Tokens::ZERO));
    assert_eq!(global.level(), Tokens::units(100) - lease);
}

#[test]
fn cores_that_ask_alike_get_alike() {
    let mut table = Table::new(S, Ceiling::provisioned(Rate::per_s(10_000)));
    let mut served = [0; CORES];
    for tick in 0..100_000 {
        let core = tick as usize % CORES;
        served[core] += u32::from(table.take(core, S + tick * 50_000, Tokens::units(1), true));
    }
    assert!(served.iter().all(|count| (12_500..=17_500).contains(count)), "{served:?}");
}

#[test]
fn of_a_burst_on_any_cores_all_but_a_few_units_are_admitted() {
    for cores in 1..=CORES {
        let mut table = Table::new(S, Ceiling::provisioned(Rate::per_s(100)));
        let admitted = |table: &mut Table, now_ns| {
            (0..150).filter(|n| table.take(n % cores, now_ns, Tokens::units(1), true)).count()
        };
        // Leases that other cores hold are not there for one that needs more: a few, and these are not lost.
        let first = admitted(&mut table, S);
        assert!((100 - 2 * cores..=100).contains(&first), "{first} on {cores} cores");
        assert!(table.left() <= Tokens::units(2 * cores as u64));
    }
}

#[test]
fn what_was_settled_too_late_is_paid_off_by_all() {
    let mut table = Table::new(S, Ceiling::provisioned(Rate::per_s(10)));
    assert!(table.take(0, S, Tokens::units(1), true));
    table.locals[0].settle(Tokens::units(1), Tokens::units(101));
    assert!(table.locals[0].is_idle(2 * S), "a debt is handed in too");
    table.hand_in(0, 2 * S);
    // 10 to begin with, 10 that came, 101 that were used.
    assert_eq!(table.left(), -Tokens::units(81));
    assert!(!table.take(1, 10 * S, Tokens::units(1), true));
    assert!(table.take(1, 2 * S + 8 * S + S / 5, Tokens::units(1), true));
}

#[test]
fn a_refusal_names_its_limit_also_when_the_lock_is_not_taken() {
    let ceiling = Ceiling::on_demand(Rate::per_s(4000), Some(Rate::per_s(1)), Rate::per_s(40_000));
    let mut table = Table::new(S, ceiling);
    assert!(table.take(0, S, Tokens::units(1), true));
    let mut refusals = 0;
    for tick in 0..10 {
        let now_ns = S + tick * 10_000;
        let refused = table.locals[0].take(now_ns, Tokens::units(1), |ask| {
            refusals += 1;
            table.global.exchange(now_ns, ask, true)
        });
        assert_eq!(refused, Err(Limit::MaxOnDemandThroughput));
    }
    assert_eq!(refusals, 1, "the others were refused by the core alone");
}
