//! How the driver's threads are scheduled.

use std::num::NonZeroU64;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Has this thread wait for its turn when it is woken, instead of pushing aside whoever runs: where
/// the generator shares cores with what it measures, each answer would else interrupt the work on the
/// next ones. A system that refuses is measured as it is.
pub(super) fn be_patient() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    // The crate's name for niceness 0, which is where every process begins.
    let Ok(niceness_0) = 47u8.try_into() else { return };
    let priority = ThreadPriority::Crossplatform(niceness_0);
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

/// Has the kernel wake this thread when it asked to be, and not up to 50 us later, as it does by default to wake
/// several at once. A system that refuses is measured as it is.
pub(super) fn be_punctual() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

/// Keeps this thread on one core. A system that refuses is measured as it is.
pub(super) fn pin_to(core: usize) {
    let mut cores = rustix::thread::CpuSet::new();
    if core < rustix::thread::CpuSet::MAX_CPU {
        cores.set(core);
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use thread_priority::thread_schedule_policy;

    use super::*;

    #[test]
    fn a_pinned_worker_stays_on_its_core() {
        let allowed = rustix::thread::sched_getaffinity(None).expect("known");
        let core = (0..1024).rfind(|core| allowed.is_set(*core)).expect("at least one");
        let mask = thread::spawn(move || {
            pin_to(core);
            rustix::thread::sched_getaffinity(None).expect("known")
        });
        let mask = mask.join().expect("nothing panics");
        assert!(mask.is_set(core) && mask.count() == 1, "core {core}");
    }

    #[test]
    fn a_worker_waits_for_its_turn() {
        let worker = thread::spawn(|| {
            be_patient();
            thread_schedule_policy()
        });
        let policy = worker.join().expect("nothing panics").expect("known");
        assert_eq!(policy, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch));
    }
}
