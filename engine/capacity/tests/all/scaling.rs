//! Days of auto scaling, worked out by hand, against the simulation: a spike, a ramp, a sine, a dip at night, decreases
//! at the edge of a UTC day. The rules by themselves are tested beside them.

use flywheel_capacity::burst::{BURST, BurstBucket};
use flywheel_capacity::scaling::{
    Burst, DECREASES_PER_DAY, MINUTES_PER_DAY, Policy, PolicyError, Simulation, simulate,
};
use flywheel_capacity::tokens::{Rate, Tokens};

/// A midnight.
const MIDNIGHT: u64 = 20_000 * MINUTES_PER_DAY;

fn policy(target_percent: f64, minimum: f64, maximum: f64) -> Policy {
    Policy::new(target_percent, minimum, maximum).expect("a sound policy")
}

/// Minutes of capacity, as (units per second, for so many minutes).
fn runs(simulation: &Simulation) -> Vec<(f64, usize)> {
    let mut runs: Vec<(f64, usize)> = Vec::new();
    for minute in &simulation.minutes {
        match runs.last_mut() {
            Some((capacity, minutes)) if *capacity == minute.capacity => *minutes += 1,
            _ => runs.push((minute.capacity, 1)),
        }
    }
    runs
}

fn parts(parts: &[(f64, usize)]) -> Vec<f64> {
    parts.iter().flat_map(|(units, minutes)| vec![*units; *minutes]).collect()
}

#[test]
fn a_flat_load_is_left_at_its_target() {
    let simulation = simulate(&[70.0; 600], MIDNIGHT, &policy(70.0, 1.0, 1000.0));
    assert_eq!(runs(&simulation), [(100.0, 600)]);
    assert_eq!((simulation.unit_hours(), simulation.throttled_units()), (1000.0, 0.0));
    assert_eq!((simulation.increases, simulation.decreases), (0, 0));
}

#[test]
fn the_alarms_edges_are_where_the_rules_put_them() {
    let hold =
        |asked: &[(f64, usize)]| runs(&simulate(&parts(asked), MIDNIGHT, &policy(70.0, 1.0, 1e4)));
    // One minute above, or exactly the target, is not enough; two minutes above are.
    assert_eq!(hold(&[(70.0, 5), (90.0, 1), (70.0, 5)]), [(100.0, 11)]);
    assert_eq!(hold(&[(70.0, 5), (70.1, 2), (70.0, 5)]), [(100.0, 7), (101.0, 5)]);
    // Exactly 20 % below for 15 minutes is enough; 14 minutes, or a little less below, are not.
    assert_eq!(hold(&[(70.0, 5), (56.0, 14), (70.0, 9)]), [(100.0, 28)]);
    assert_eq!(hold(&[(70.0, 5), (56.0, 15), (56.0, 9)]), [(100.0, 20), (80.0, 9)]);
    assert_eq!(hold(&[(70.0, 5), (56.1, 60)]), [(100.0, 65)]);
}

#[test]
fn a_spike_uses_its_burst_and_is_then_followed_in_steps() {
    // 50 units a second, half of 100; then 400 for ten minutes; then 50 again.
    let asked = parts(&[(50.0, 60), (400.0, 10), (50.0, 30)]);
    let simulation = simulate(&asked, MIDNIGHT, &policy(50.0, 1.0, 1e4));
    // Credit is full: 300 s x 100 = 30,000 units. The first minute asks for 24,000: 6,000 of capacity, 18,000 of credit.
    // The second: 6,000 and the last 12,000, so 18,000 of 24,000 are served, 300 a second. Two minutes above 50: the
    // higher was 400 a second, so 800 from the third minute on, of which 400 is the target.
    let throttled: Vec<f64> = simulation.minutes[60..63].iter().map(|of| of.throttled).collect();
    assert_eq!(throttled, [0.0, 6_000.0, 0.0]);
    assert_eq!(simulation.throttled_units(), 6_000.0);
    // Back at 50 from minute 70 on: 15 such minutes are over with minute 84, and from 85 on there are 100 again.
    assert_eq!(runs(&simulation), [(100.0, 62), (800.0, 23), (100.0, 15)]);
    assert_eq!(simulation.unit_hours(), (77.0 * 100.0 + 23.0 * 800.0) / 60.0);
}

#[test]
fn without_credit_a_spike_is_followed_by_what_got_through() {
    let asked = parts(&[(90.0, 1), (1000.0, 8)]);
    let simulation = simulate(&asked, MIDNIGHT, &policy(90.0, 1.0, 1e4));
    // Credit of the first minute: 600 units, so the second serves 6,600: 110 a second. 90 was not above 90, so two
    // minutes are needed: 110 and 100, and the capacity is 110 / 0.9 = 122.2: 123, whose target of 110.7 neither of
    // them is above. So each step takes two minutes: 123 / 0.9 = 136.7: 137, then 152.2: 153.
    let capacities: Vec<f64> = simulation.minutes.iter().map(|of| of.capacity).collect();
    assert_eq!(capacities, [100.0, 100.0, 100.0, 123.0, 123.0, 137.0, 137.0, 153.0, 153.0]);
}

#[test]
fn a_ramp_is_followed_two_minutes_behind() {
    // One unit a second more each minute, from 70 on.
    let asked: Vec<f64> = (0..60).map(|minute| 70.0 + f64::from(minute)).collect();
    let simulation = simulate(&asked, MIDNIGHT, &policy(70.0, 1.0, 1e4));
    // Minutes 1 and 2 ask for 71 and 72: from 3 on 72 / 0.7 = 102.9: 103, whose target is 72.1. Minutes 3 and 4 (73, 74): from
    // 5 on 105.7: 106, target 74.2. 5 and 6 (75, 76): 108.6: 109. And so on, every two minutes.
    assert_eq!(runs(&simulation)[..4], [(100.0, 3), (103.0, 2), (106.0, 2), (109.0, 2)]);
    assert_eq!(simulation.throttled_units(), 0.0);
    assert_eq!(simulation.decreases, 0);
}

#[test]
fn a_night_dip_costs_the_day_what_the_alarms_wait() {
    // 700 a second, 70 at night from 02:00 to 06:00.
    let asked = parts(&[(700.0, 120), (70.0, 240), (700.0, 1080)]);
    let simulation = simulate(&asked, MIDNIGHT, &policy(70.0, 1.0, 1e4));
    // Down at 02:15. At 06:00 burst credit of 300 x 100 = 30,000 units meets 42,000: 6,000 of capacity and 30,000 of credit, so
    // 6,000 are throttled. The next minute has 6,000 of 42,000 only. The higher of both was 36,000, 600 a second:
    // 600 / 0.7 = 857.1: 858, which serve 700 a second but are above their target: two such minutes, one is there
    // already as 600 was not above 858 x 0.7 = 600.6. So minutes 362 and 363, and 1,000 from 364 on.
    let first = [(1000.0, 135), (100.0, 227), (858.0, 2), (1000.0, 1076)];
    assert_eq!(runs(&simulation), first);
    assert_eq!(simulation.throttled_units(), 6_000.0 + 36_000.0);
    assert_eq!((simulation.increases, simulation.decreases), (2, 1));
    let unit_hours = (1211.0 * 1000.0 + 227.0 * 100.0 + 2.0 * 858.0) / 60.0;
    assert!((simulation.unit_hours() - unit_hours).abs() < 1e-6);
}

#[test]
fn a_sine_is_followed_up_at_once_and_down_in_steps() {
    // 500 +- 250 a second over the day, highest at 06:00.
    let day = MINUTES_PER_DAY as f64;
    let asked: Vec<f64> = (0..MINUTES_PER_DAY)
        .map(|minute| 500.0 + 250.0 * (minute as f64 / day * std::f64::consts::TAU).sin())
        .collect();
    let simulation = simulate(&asked, MIDNIGHT, &policy(70.0, 1.0, 1e4));
    assert_eq!(simulation.throttled_units(), 0.0);
    let most = simulation.minutes.iter().map(|of| of.capacity).fold(0.0, f64::max);
    assert_eq!(most, 1072.0, "750 / 0.7 = 1071.4");
    // The way down from 750 to 250: capacity C of an old consumption c falls once c is 0.8 of it, and then to the
    // highest of the last 15 minutes, which is a little more than 0.8 c. log(250 / 750) / log(0.8) = 4.9: five steps
    // at the most, four or five in fact, far below a day's 27.
    assert!((4..=5).contains(&simulation.decreases), "{}", simulation.decreases);
    assert_eq!(simulation.decreases_refused, 0);
    // Never less than what is asked for, and on average between the target and what waiting adds to it.
    let mean = simulation.unit_hours() / 24.0;
    assert!((500.0 / 0.7..500.0 / 0.7 * 1.2).contains(&mean), "{mean}");
}

/// Three minutes of 700 a second, then 7 for as long as it takes to fall: as many decreases as possible.
fn flutter(minutes: usize) -> Vec<f64> {
    (0..minutes).map(|minute| if minute % 20 < 3 { 700.0 } else { 7.0 }).collect()
}

#[test]
fn a_flutter_all_day_falls_27_times_and_is_refused_beyond() {
    let simulation = simulate(&flutter(1440), MIDNIGHT, &policy(70.0, 1.0, 1e4));
    assert!(simulation.decreases <= DECREASES_PER_DAY, "{}", simulation.decreases);
    assert!(simulation.decreases_refused > 0);
    // Four in the first 80 minutes; then only after an hour of quiet.
    let fell: Vec<usize> = simulation
        .minutes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1].capacity < pair[0].capacity)
        .map(|(index, _)| index + 1)
        .collect();
    assert_eq!(fell[..4], [18, 38, 58, 78]);
    assert!(fell[4..].windows(2).all(|pair| pair[1] - pair[0] >= 60), "{fell:?}");
}

#[test]
fn a_new_utc_day_allows_what_the_old_one_refused() {
    // 22:35, and a flutter: four decreases by 23:53. The fifth, 20 minutes later, is the new day's first.
    let start = MIDNIGHT - 85;
    let simulation = simulate(&flutter(120), start, &policy(70.0, 1.0, 1e4));
    let fell: Vec<i64> = simulation
        .minutes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1].capacity < pair[0].capacity)
        .map(|(index, _)| index as i64 + 1 - 85)
        .collect();
    assert_eq!(fell, [-67, -47, -27, -7, 13, 33]);
    // At any other time of the day the fifth waits: 60 minutes of quiet end after the flutter does.
    let early = simulate(&flutter(120), MIDNIGHT + 300, &policy(70.0, 1.0, 1e4));
    assert_eq!((early.decreases, early.decreases_refused > 0), (4, true));
}

#[test]
fn bounds_are_kept() {
    let simulation =
        simulate(&parts(&[(1.0, 30), (900.0, 30)]), MIDNIGHT, &policy(70.0, 50.0, 400.0));
    let capacities = simulation.minutes.iter().map(|of| of.capacity);
    assert!(capacities.clone().all(|units| (50.0..=400.0).contains(&units)));
    assert_eq!(capacities.fold(0.0, f64::max), 400.0);
    assert!(simulation.throttled_units() > 0.0);
    assert_eq!(Policy::new(19.9, 1.0, 2.0), Err(PolicyError::Target(19.9)));
    assert!(Policy::new(f64::NAN, 1.0, 2.0).is_err());
    for (minimum, maximum) in [(0.0, 5.0), (6.0, 5.0), (f64::NAN, 5.0), (1.0, f64::INFINITY)] {
        assert!(Policy::new(70.0, minimum, maximum).is_err(), "{minimum} {maximum}");
    }
    assert_eq!(simulate(&[], 0, &policy(70.0, 1.0, 2.0)), Simulation::default());
}

/// The plan's steps of a minute and the live bucket, asked every tenth of a second for the same: at no minute may what
/// they have served until then differ by more than the second's units that a live one begins with, and a request.
#[test]
fn minutes_serve_what_the_live_bucket_serves() {
    const PER_S: u64 = 100;
    let asked_per_s =
        |minute: u64| [20, 20, 20, 20, 20, 20, 450, 90, 300, 0, 0, 130, 100][minute as usize % 13];
    let mut burst = Burst::default();
    let mut live = BurstBucket::new(0, Rate::per_s(PER_S), BURST);
    let (mut planned, mut served) = (0.0, 0.0);
    let mut throttled = 0.0;
    for minute in 0..130 {
        let asked = asked_per_s(minute);
        planned += burst.serve(asked as f64 * 60.0, PER_S as f64, 60.0);
        for tenth in 1..=600 {
            let now_ns = (minute * 600 + tenth) * 100_000_000;
            for _ in 0..asked / 10 {
                if live.take(now_ns, Tokens::units(1), true) {
                    served += 1.0;
                } else {
                    throttled += 1.0;
                }
            }
        }
        let apart = f64::abs(planned - served);
        assert!(apart <= PER_S as f64 + 1.0, "minute {minute}: {planned} planned, {served} served");
    }
    assert!(throttled > 10_000.0, "the load is one that throttles: {throttled}");
}
